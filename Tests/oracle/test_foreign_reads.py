"""A read beside another program: what it shows belongs to the position that it names."""

from recording import RecordedSession
from round import position_of
from server import Server

SQL = "CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, title TEXT);"
ROUNDS = 200


def test_a_read_shows_no_foreign_row_before_it_is_in_the_log(tmp_path):
    (tmp_path / "notes.sql").write_text(SQL)
    server = Server(
        tmp_path / "notes.db", "--attach", "--schema", tmp_path / "notes.sql"
    ).start()
    session = RecordedSession(server, "c1")
    other = server.sqlite()
    try:
        for number in range(ROUNDS):
            other.execute("INSERT INTO notes (id, title) VALUES (?, 'x')", (f"n{number:03}",))
            page = session.call("query", table="notes", page_size=1000)
            position = position_of(page.resume_token)
            for entity in page.entities:
                row = session.contract.row_of(entity)
                assert 0 < row.get("version", 0) <= position, (
                    f"read @{position}, though the log does not have it yet: {row}"
                )
    finally:
        other.close()
        session.close()
        server.stop()
