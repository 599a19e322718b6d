"""Rows written by other programs that open the database are seen like any others."""

import threading
import time

import pytest

from session import Change, Session, View, by_id
from server import PLACEMENT, until

TABLE = "notes"


@pytest.fixture
def watched(own_shop):
    """A server, a session, and a subscription of every table."""
    with Session(own_shop, client_id="watcher") as session:
        events = session.subscribe("", heartbeat_interval=0.1)
        events.until_current()
        yield own_shop, session, events


def insert(server, id, title="foreign", table=TABLE):
    server.foreign(f"INSERT INTO {table} (id, title) VALUES (?, ?)", (id, title))


def test_an_insert_an_update_and_a_delete_by_another_program_are_seen(watched):
    server, session, events = watched
    insert(server, "f1")
    add = events.change(5)
    assert (add.operation, add.id, add.origin, add.own) == ("ADD", "f1", "", False)
    assert add.row["title"] == "foreign" and add.row["version"] == add.sequence
    assert add.row["stars"] == 3 and add.row["deleted"] is False
    assert abs(add.row["created_at"] / 1e6 - time.time()) < 30
    assert session.get(TABLE, "f1") == add.row
    server.foreign("UPDATE notes SET title = 'changed' WHERE id = 'f1'")
    update = events.change(5)
    assert (update.operation, update.changed_fields) == ("UPDATE", ["title"])
    assert update.row["version"] == update.sequence > add.sequence
    assert update.row["created_at"] == add.row["created_at"]
    server.foreign("DELETE FROM notes WHERE id = 'f1'")
    delete = events.change(5)
    assert (delete.operation, delete.id) == ("DELETE", "f1")


def test_a_transaction_of_another_program_is_one_commit(watched):
    server, _, events = watched
    connection = server.sqlite()
    connection.execute("BEGIN")
    connection.execute("INSERT INTO notes (id, title) VALUES ('t1', 'a')")
    connection.execute("INSERT INTO authors (id, name) VALUES ('t2', 'b')")
    connection.execute("UPDATE notes SET title = 'c' WHERE id = 't1'")
    connection.execute("COMMIT")
    connection.close()
    changes = [events.change(5)]
    while changes[-1].more:
        changes.append(events.change(5))
    assert {(c.table, c.id) for c in changes} == {(TABLE, "t1"), ("authors", "t2")}
    view = View().apply_all(changes)
    assert view.rows[(TABLE, "t1")]["title"] == "c"


def test_a_change_of_the_key_by_another_program_is_a_delete_and_an_add(watched):
    server, session, events = watched
    insert(server, "old")
    view = View().apply_all([events.change(5)])
    server.foreign("UPDATE notes SET id = 'new' WHERE id = 'old'")
    changes = [events.change(5), events.change(5)]
    view.apply_all(changes)
    assert set(view.rows) == {(TABLE, "new")}
    assert view.of(TABLE) == by_id(session.rows(TABLE))


def test_insert_or_replace_by_another_program_keeps_the_view_exact(watched):
    server, session, events = watched
    server.foreign("INSERT INTO notes (id, title, slug) VALUES ('a', 't', 's')")
    view = View().apply_all([events.change(5)])
    server.foreign("INSERT OR REPLACE INTO notes (id, title, slug) VALUES ('a', 'u', 's')")
    # Takes the slug away from `a`, whose row goes.
    server.foreign("INSERT OR REPLACE INTO notes (id, title, slug) VALUES ('b', 'v', 's')")
    server.foreign(
        "INSERT INTO notes (id, title) VALUES ('b', 'w') ON CONFLICT (id) DO UPDATE SET title = 'w'"
    )
    last = session.create("authors", name="mark")
    view.apply_all(events.until_sequence(last.sequence))
    assert view.of(TABLE) == by_id(session.rows(TABLE))
    assert view.of(TABLE).keys() == {"b"}
    assert server.foreign("SELECT id, title FROM notes") == [("b", "w")]


def test_a_soft_delete_by_another_program(watched):
    server, session, events = watched
    server.foreign("INSERT INTO soft_notes (id, title) VALUES ('s', 't')")
    assert events.change(5).operation == "ADD"
    server.foreign("UPDATE soft_notes SET deleted = 1 WHERE id = 's'")
    change = events.change(5)
    assert (change.operation, change.id, change.left_view) == ("DELETE", "s", False)


def test_three_thousand_rows_in_one_transaction_are_one_commit(watched):
    server, session, events = watched
    connection = server.sqlite()
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO notes (id, title) VALUES (?, 'bulk')",
        [(f"b{n:04}",) for n in range(3_000)],
    )
    connection.execute("COMMIT")
    connection.close()
    changes = events.changes(3_000, 60)
    assert [c.more for c in changes] == [True] * 2_999 + [False]
    assert session.page(TABLE, filter="title eq 'bulk'", count=True, page_size=1).total == 3_000
    server.foreign("DELETE FROM notes")
    assert {c.operation for c in events.changes(3_000, 60)} == {"DELETE"}


def test_what_was_written_while_the_server_was_away_is_seen_by_who_resumes(own_shop):
    with Session(own_shop) as session:
        session.create(TABLE, id="kept", title="1")
        session.create(TABLE, id="gone", title="2")
        events = session.subscribe(TABLE).until_current()
        view = View().apply_all(events)
    assert own_shop.terminate() == 0
    insert(own_shop, "new")
    own_shop.foreign("UPDATE notes SET title = '1b' WHERE id = 'kept'")
    own_shop.foreign("DELETE FROM notes WHERE id = 'gone'")
    own_shop.start()
    with Session(own_shop) as session:
        events = session.subscribe(TABLE, resume_token=view.token).until_current()
        view.apply_all(events)
        assert view.of(TABLE) == by_id(session.rows(TABLE)) and len(view.rows) == 2
        assert view.of(TABLE)["kept"]["title"] == "1b"


def test_a_foreign_writer_that_holds_the_lock_is_waited_for(watched):
    server, session, _ = watched
    connection = server.sqlite()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO notes (id, title) VALUES ('lock', 'held')")
    waiting = [session.send("create", entity=session.contract.entity("authors", name="w"))]
    time.sleep(1)
    assert not session.of(waiting[0])
    connection.execute("COMMIT")
    connection.close()
    assert session.answer(waiting[0]).sequence


def test_readers_read_while_another_program_holds_the_lock(watched):
    server, _, _ = watched
    connection = server.sqlite()
    connection.execute("BEGIN IMMEDIATE")
    try:
        with Session(server) as reader:
            began = time.monotonic()
            reader.page(TABLE)
            with pytest.raises(Exception) as caught:
                reader.get(TABLE, "absent")
            assert caught.value.code == "NOT_FOUND" and time.monotonic() - began < 3
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_a_read_waits_for_what_was_written_into_its_own_table_alone(watched):
    """What another program has committed cannot be adopted while it goes on to hold the lock."""
    server, session, _ = watched
    author, note = session.create("authors", name="w").id, session.create(TABLE, title="own").id
    connection = server.sqlite()
    was_shown = False
    with Session(server, client_id="bystander") as bystander:
        for number in range(20):
            insert(server, f"f{number}")
            session.page(TABLE)
            connection.execute(
                "INSERT INTO notes (id, title) VALUES (?, 'foreign')", (f"g{number}",)
            )
            # Where all is adopted before the lock is taken, there is nothing to wait for.
            connection.execute("BEGIN IMMEDIATE")
            try:
                waiting = session.send("get", table=TABLE, id=note)
                time.sleep(0.02)
                for _ in range(3):
                    bystander.get("authors", author)
                assert bystander.page("authors").rows
                time.sleep(0.1)
                was_shown = was_shown or not session.of(waiting)
            finally:
                connection.execute("ROLLBACK")
            assert session.answer(waiting).entity.value
            if was_shown:
                break
    connection.close()
    assert was_shown, "reads of another table were answered with those of the table that waits"


def test_foreign_and_own_writers_at_once_keep_the_view_exact(watched, seeded):
    server, session, events = watched
    stop = threading.Event()

    def foreign():
        connection = server.sqlite()
        n = 0
        while not stop.is_set():
            n += 1
            id = f"x{n % 7}"
            connection.execute(
                "INSERT INTO notes (id, title) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET"
                " title = excluded.title", (id, f"foreign {n}"),
            )
            if n % 5 == 0:
                connection.execute("DELETE FROM notes WHERE id = ?", (f"x{(n + 3) % 7}",))
        connection.close()

    thread = threading.Thread(target=foreign)
    thread.start()
    view = View()
    try:
        for n in range(150):
            id = f"x{seeded.randrange(7)}"
            session.send(
                "replace", entity=session.contract.entity(TABLE, id=id, title=f"own {n}"),
                allow_missing=True,
            )
            time.sleep(0.005)
    finally:
        stop.set()
        thread.join(10)
    time.sleep(0.2)
    last = session.create(TABLE, title="last")
    view.apply_all(events.until_sequence(last.sequence))
    assert view.of(TABLE) == by_id(session.rows(TABLE))
    assert {row[0] for row in server.foreign("SELECT id FROM notes")} == set(view.of(TABLE))


@pytest.mark.skipif(PLACEMENT == "beside", reason="a table beside has none of the server's columns")
def test_a_write_to_the_servers_own_columns_by_another_program_does_not_confuse(watched):
    server, session, events = watched
    insert(server, "v")
    events.change(5)
    server.foreign("UPDATE notes SET version = 1, title = 'x' WHERE id = 'v'")
    change = events.change(5)
    assert change.row["title"] == "x" and change.row["version"] == change.sequence
    until(lambda: session.get(TABLE, "v")["version"] == change.sequence)


def test_changes_of_another_program_take_part_in_if_version(watched):
    server, session, events = watched
    written = session.create(TABLE, id="c", title="mine")
    server.foreign("UPDATE notes SET title = 'theirs' WHERE id = 'c'")
    with pytest.raises(Exception) as caught:
        session.update(TABLE, options={"if_version": written.sequence}, id="c", title="late")
    assert caught.value.reason == "VERSION_MISMATCH" and caught.value.row["title"] == "theirs"
    changes = [e for e in events.changes(2, 5) if isinstance(e, Change)]
    assert [c.row["title"] for c in changes] == ["mine", "theirs"]
