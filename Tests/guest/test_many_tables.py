"""A database with very many tables: what each costs does not grow with their number."""

import threading
import time

import owner
from server import run

def tables(count, prefix="t"):
    return [f"CREATE TABLE {prefix}{number:04} (id TEXT PRIMARY KEY, name TEXT NOT NULL, amount REAL, at DATETIME)"
            for number in range(count)]


def seconds_to_attach(path, count):
    """The best of three."""
    times = []
    for attempt in range(3):
        made = owner.create(path / f"{count}-{attempt}.db", ";".join(["BEGIN", *tables(count), "COMMIT;"]))
        start = time.monotonic()
        done = run("attach", made)
        times.append(time.monotonic() - start)
        assert done.returncode == 0, done.stderr
        assert len(owner.execute(made, "SELECT 1 FROM datasync_tables WHERE attached > 0")) == count
    return min(times)


def test_a_table_among_many_is_attached_about_as_fast_as_one_among_few(tmp_path):
    few, many = seconds_to_attach(tmp_path, 100), seconds_to_attach(tmp_path, 1000)
    assert many <= 20 * few, f"100 tables took {few:.2f} s, 1,000 took {many:.2f} s"


# More than a fast machine attaches in one part, a tenth of a second.
MANY = 2000


def test_writes_go_on_while_many_tables_that_another_program_has_made_are_attached(guest):
    served = guest("CREATE TABLE notes (id TEXT PRIMARY KEY, n INTEGER)")
    session, versions, ended = served.session, [], threading.Event()

    def write():
        number = 0
        while not ended.is_set():
            number += 1
            versions.append(session.create("notes", id=f"n{number}", n=number).row["version"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        served.transaction(*tables(MANY))
        attached = "SELECT attached FROM datasync_tables WHERE name LIKE 't____' AND attached > 0"
        deadline = time.monotonic() + 120
        while len(owner.execute(served.path, attached)) < MANY and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        ended.set()
        writer.join()
    begun = [each for (each,) in owner.execute(served.path, attached)]
    assert len(begun) == MANY, f"{len(begun)} tables of {MANY} are attached\n{served.server.log()[-2000:]}"
    between = [version for version in versions if min(begun) < version < max(begun)]
    assert between, f"no write was answered between the first and the last of them: {min(begun)} to {max(begun)}"
