"""A read beside another program: what it shows belongs to the position that it names."""

import time

import pytest

from errors import Refused
from recording import RecordedSession
from round import position_of
from server import Server
from session import Session, View, by_id

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


def test_a_read_waits_for_no_lock_and_shows_what_is_in_the_log(server):
    """The other program has committed rows of every kind, and holds the lock on."""
    other = server.sqlite()
    with Session(server, client_id="c1") as session:
        hidden = [held_round(session, other, f"{number}.") for number in range(HELD_ROUNDS)]
    other.close()
    # Whoever takes the lock first wins; here the other program does, nearly always.
    assert any(hidden), "the lock was never held while rows waited"


def held_round(session, other, prefix):
    """Returns whether there were rows that the reads did not show yet."""
    for id in ("kept", "changed", "gone", "moved"):
        session.create("notes", id=prefix + id, title="before")
    other.executescript(
        f"""
        BEGIN IMMEDIATE;
        UPDATE notes SET title = 'later' WHERE id = '{prefix}changed';
        DELETE FROM notes WHERE id IN ('{prefix}kept', '{prefix}gone');
        UPDATE notes SET id = '{prefix}place', title = 'later' WHERE id = '{prefix}moved';
        INSERT INTO notes (id, title) VALUES ('{prefix}new', 'later');
        COMMIT;
        BEGIN IMMEDIATE;
        """
    )
    began = time.monotonic()
    ours = f"startswith(id, '{prefix}')"
    page = session.page("notes", count=True, filter=ours, order_by="title desc", page_size=1000)
    position, shown = position_of(page.resume_token), by_id(page.rows)
    assert page.total == len(shown)
    assert all(0 < row["version"] <= position for row in shown.values()), "rows not in the log"
    for id in ("kept", "changed", "gone", "moved", "place", "new"):
        id = prefix + id
        try:
            got = session.get("notes", id)
        except Refused as error:
            assert error.reason == "ROW_NOT_FOUND"
            got = None
        assert got == shown.get(id), "a get shows another row than the query"
    filtered = session.rows("notes", filter=f"{ours} and title eq 'before'")
    assert set(by_id(filtered)) == {id for id in shown if shown[id]["title"] == "before"}
    assert time.monotonic() - began < 4, "the reads waited for the other's lock"
    other.execute("COMMIT")
    # The log goes on from there, and from nowhere else.
    events = session.subscribe("notes", filter=ours, resume_token=page.resume_token, once=True)
    last = session.create("notes", id=prefix + "last", title="later").sequence
    view = View()
    view.rows = {("notes", id): row for id, row in shown.items()}
    view.sequence = position
    view.apply_all(events.until_current())
    if view.sequence < last:
        tail = session.subscribe("notes", filter=ours, resume_token=view.token)
        view.apply_all(tail.until_sequence(last))
        tail.cancel()
    assert view.of("notes") == by_id(session.rows("notes", filter=ours))
    assert set(view.of("notes")) == {prefix + id for id in ("changed", "place", "new", "last")}
    return prefix + "new" not in shown
