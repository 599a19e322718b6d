"""Transactions of other programs that read before they write go on, as far as SQLite lets them."""

import sqlite3
import time

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO notes VALUES (1, 0);"
ROUNDS = 100


def test_a_program_that_reads_and_then_writes_is_mostly_alone(serve):
    """What the server writes about one transaction ends the next one that has read (SQLITE_BUSY_SNAPSHOT):
    it waits for those, and not for ever."""
    server = serve("a.db", "--attach", sql=NOTES)
    program = sqlite3.connect(server.database, timeout=20, isolation_level=None)
    failed = 0
    for _ in range(ROUNDS):
        program.execute("UPDATE notes SET n = n + 1")
        program.execute("BEGIN")
        n = program.execute("SELECT n FROM notes").fetchone()[0]
        # Work, in which the server would write.
        time.sleep(0.01)
        try:
            program.execute("UPDATE notes SET n = ?", (n + 1,))
            program.execute("COMMIT")
        except sqlite3.OperationalError as error:
            assert error.sqlite_errorname.startswith("SQLITE_BUSY"), error
            program.execute("ROLLBACK")
            failed += 1
    # All, where the server writes at once.
    print(f"{failed} of {ROUNDS} transactions failed")
    assert failed < ROUNDS / 2
    n = program.execute("SELECT n FROM notes").fetchone()[0]
    assert n == 2 * ROUNDS - failed
    program.close()


def test_another_programs_open_read_delays_what_is_seen_by_little(serve):
    server = serve("a.db", "--attach", sql=NOTES)
    reader, writer = (
        sqlite3.connect(server.database, timeout=20, isolation_level=None) for _ in range(2))
    token = server.unary("Changes", table="notes").resume_token
    reader.execute("BEGIN")
    reader.execute("SELECT n FROM notes").fetchone()
    for number in range(3):
        writer.execute("UPDATE notes SET n = ?", (number + 10,))
        start = time.monotonic()
        answer = server.unary("Changes", table="notes", resume_token=token, max_wait={"seconds": 30})
        assert len(answer.changes) == 1
        assert time.monotonic() - start < 5
        token = answer.resume_token
    reader.close()
    writer.close()
