"""A read beside another program: what it shows belongs to the position that it names."""

import time

import pytest

from recording import RecordedSession
from round import position_of
from server import Server

SQL = "CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, title TEXT);"
QUICK_ROUNDS, HELD_ROUNDS = 200, 5
# The other program keeps the write lock so long, so that its rows cannot be adopted.
HELD_SECONDS = 1.0


@pytest.fixture
def server(tmp_path):
    (tmp_path / "notes.sql").write_text(SQL)
    server = Server(tmp_path / "notes.db", "--attach", "--schema", tmp_path / "notes.sql").start()
    yield server
    server.stop()


def check(session, page):
    position = position_of(page.resume_token)
    for entity in page.entities:
        row = session.contract.row_of(entity)
        assert 0 < row.get("version", 0) <= position, (
            f"read @{position}, though the log does not have it yet: {row}"
        )


def test_a_read_shows_no_foreign_row_before_it_is_in_the_log(server):
    other = server.sqlite()
    with RecordedSession(server, "c1") as session:
        for number in range(QUICK_ROUNDS):
            other.execute("INSERT INTO notes (id, title) VALUES (?, 'x')", (f"n{number:03}",))
            check(session, session.call("query", table="notes", page_size=1000))
    other.close()


def test_neither_does_it_where_adoption_has_to_wait(server):
    """The other program writes on: its lock holds the adoption of what it has committed."""
    other = server.sqlite()
    with RecordedSession(server, "c1") as session:
        for number in range(HELD_ROUNDS):
            other.execute("INSERT INTO notes (id, title) VALUES (?, 'x')", (f"n{number:03}",))
            other.execute("BEGIN IMMEDIATE")
            request_id = session.send("query", table="notes", page_size=1000)
            time.sleep(HELD_SECONDS)
            other.execute("COMMIT")
            check(session, session.answer(request_id))
    other.close()
