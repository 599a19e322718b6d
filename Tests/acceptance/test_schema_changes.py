"""The schema changed by the sqlite3 shell while it is served."""

import shutil
import subprocess

import pytest

from contract import Contract, plain
from errors import Refused, refused
from server import until
from session import Session

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 shell")

SQL = """
CREATE TABLE tasks (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  note TEXT,
  stars INTEGER
);
INSERT INTO tasks VALUES ('t1', 'first', 'old', 1), ('t2', 'second', NULL, 2);
"""


@pytest.fixture
def changing(serve):
    return serve("changing.db", "--attach", "--limit", "attach_delay=100ms", sql=SQL)


def shell(server, *statements):
    """Another program altogether."""
    done = subprocess.run(
        ["sqlite3", "-bail", "-cmd", ".timeout 10000", str(server.database)],
        input="\n".join(f"{statement};" for statement in statements),
        capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr


def now(server):
    """What reflection says now, on a connection of its own."""
    return Contract(server.channel())


def numbers(contract, name="tables.Tasks"):
    return {f.name: f.number for f in contract.class_of(name).DESCRIPTOR.fields}


def served(server, condition, seconds=10):
    """Waits until reflection tells of the change; returns that contract."""

    def look():
        try:
            contract = now(server)
            return contract if condition(contract) else None
        except KeyError:
            return None

    return until(look, seconds, "the change was not noticed")


def has(name):
    return lambda contract: name in numbers(contract)


def lacks(name):
    return lambda contract: name not in numbers(contract)


BEFORE = {
    "id": 1, "created_at": 2, "updated_at": 3, "version": 4, "deleted": 5, "title": 6, "note": 7,
    "stars": 8,
}


def test_an_added_column_is_served_and_the_old_numbers_stay(changing):
    assert numbers(changing.contract) == BEFORE
    with Session(changing) as old:
        events = old.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(changing, "ALTER TABLE tasks ADD COLUMN due DATE")
        contract = served(changing, has("due"))
        assert numbers(contract) == {**BEFORE, "due": 9}
        with Session(changing) as young:
            young.contract = contract
            written = young.update("tasks", id="t1", due="2026-12-24")
            assert written.row["due"] == "2026-12-24" and written.row["note"] == "old"
            assert [row["id"] for row in young.rows("tasks", filter="due gt 2026-01-01")] == ["t1"]
            described = {c.name: c.number for c in young.call("describe", table="tasks").tables[0].columns}
            assert described == {**BEFORE, "due": 9}
            # The open session goes on, with the messages that it knows, and so does its subscription.
            change = events.change()
            assert (change.operation, change.id, change.sequence) == ("UPDATE", "t1", written.sequence)
            assert old.get("tasks", "t2")["title"] == "second"
            own = old.update("tasks", id="t1", title="by the old")
            assert events.change().sequence == own.sequence
            # An old client's partial update leaves what it does not know.
            assert young.get("tasks", "t1")["due"] == "2026-12-24"


def test_a_dropped_column_goes_and_its_number_is_never_used_again(changing):
    old_contract = changing.contract
    assert numbers(old_contract) == BEFORE
    with Session(changing) as old:
        events = old.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(changing, "ALTER TABLE tasks DROP COLUMN note")
        contract = served(changing, lacks("note"))
        left = {name: number for name, number in BEFORE.items() if name != "note"}
        assert numbers(contract) == left
        shell(changing, "ALTER TABLE tasks ADD COLUMN extra TEXT")
        contract = served(changing, has("extra"))
        assert numbers(contract) == {**left, "extra": 9}
        # Old messages: what they still have in common with the table is written and read.
        row = old.update("tasks", id="t2", title="still")
        assert row.row["title"] == "still" and "note" not in row.row
        assert events.change().sequence == row.sequence
        shell(changing, "ALTER TABLE tasks ADD COLUMN note TEXT")
        again = served(changing, has("note"))
        assert numbers(again)["note"] not in set(BEFORE.values()) | {9}
        with Session(changing) as young:
            young.contract = again
            assert young.update("tasks", id="t2", note="new").row["note"] == "new"


def test_a_renamed_column_is_served_under_its_new_name(changing):
    with Session(changing) as old:
        assert old.get("tasks", "t1")["note"] == "old"
        events = old.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(changing, "ALTER TABLE tasks RENAME COLUMN note TO remark")
        contract = served(changing, has("remark"))
        assert "note" not in numbers(contract) and numbers(contract)["remark"] == BEFORE["note"]
        others = {name: n for name, n in numbers(contract).items() if name != "remark"}
        assert others == {name: n for name, n in BEFORE.items() if name != "note"}
        with Session(changing) as young:
            young.contract = contract
            assert young.get("tasks", "t1")["remark"] == "old"
            assert young.rows("tasks", filter="remark eq 'old'")[0]["id"] == "t1"
            with refused("INVALID_ARGUMENT", "BAD_FILTER"):
                young.page("tasks", filter="note eq 'old'")
            written = young.update("tasks", id="t1", remark="new")
        assert events.change().sequence == written.sequence
        assert old.get("tasks", "t1")["title"] == "first"


def test_an_added_table_is_served_once_it_is_attached(changing):
    with Session(changing) as old:
        events = old.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(changing, "CREATE TABLE extras (id TEXT NOT NULL PRIMARY KEY, word TEXT)")
        # Served with --attach: a new table becomes part of it without a restart.
        contract = served(changing, lambda c: numbers(c, "tables.Extras"))
        assert numbers(contract, "tables.Extras")["word"] == 6
        assert numbers(contract) == BEFORE
        with Session(changing) as young:
            young.contract = contract
            assert young.create("extras", id="e", word="hello").row["word"] == "hello"
            assert plain(contract.class_of("tables.Extras")()) == {}
        # Those who were there before see it too.
        assert old.call("query", table="extras", count=True).total == 1
        assert {t.name for t in old.call("describe").tables} == {"tasks", "extras"}
        written = old.update("tasks", id="t1", stars=5)
        assert events.change().sequence == written.sequence


def test_rows_written_by_the_shell_with_the_new_column_arrive(changing):
    """Schema and rows changed in one go by another program: nothing is missed."""
    with Session(changing) as watcher:
        events = watcher.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(
            changing, "BEGIN", "ALTER TABLE tasks ADD COLUMN size INTEGER DEFAULT 4",
            "UPDATE tasks SET size = 5 WHERE id = 't1'",
            "INSERT INTO tasks (id, title, size) VALUES ('t3', 'third', 6)", "COMMIT",
        )
        changes = {c.id: c.operation for c in events.changes(2)}
        assert changes == {"t1": "UPDATE", "t3": "ADD"}
        contract = served(changing, has("size"))
    with Session(changing) as young:
        young.contract = contract
        assert {r["id"]: r["size"] for r in young.rows("tasks")} == {"t1": 5, "t2": 4, "t3": 6}


def test_a_page_token_from_before_goes_on_or_is_refused(changing):
    with Session(changing) as session:
        token = session.page("tasks", page_size=1, order_by="title").next_page_token
        shell(changing, "ALTER TABLE tasks ADD COLUMN later TEXT")
        served(changing, has("later"))
        page = session.page("tasks", page_size=1, order_by="title", page_token=token)
        assert [row["id"] for row in page.rows] == ["t2"]


def test_a_subscription_resumes_over_a_change_of_the_schema(changing):
    with Session(changing) as session:
        events = session.subscribe("tasks")
        token = events.until_current()[-1].resume_token
        events.cancel()
        shell(changing, "ALTER TABLE tasks ADD COLUMN later TEXT")
        contract = served(changing, has("later"))
        session.update("tasks", id="t1", title="meanwhile")
    with Session(changing) as young:
        young.contract = contract
        young.update("tasks", id="t1", later="set")
        events = young.subscribe("tasks", resume_token=token)
        first, second = events.changes(2)
        assert first.row["title"] == "meanwhile" and "later" not in first.row
        assert second.row["later"] == "set" and second.changed_fields == ["later"]


def test_everything_still_holds_after_a_restart(changing):
    shell(changing, "ALTER TABLE tasks DROP COLUMN note", "ALTER TABLE tasks ADD COLUMN due DATE")
    before = numbers(served(changing, has("due")))
    changing.terminate()
    changing.start()
    assert numbers(changing.contract) == before == {
        **{name: n for name, n in BEFORE.items() if name != "note"}, "due": 9,
    }
    with Session(changing) as session:
        assert len(session.rows("tasks")) == 2


def test_a_subscription_goes_on_whose_filter_or_selection_names_a_renamed_column(changing):
    """It said what it wants when the column had its old name."""
    with Session(changing) as watcher:
        filtered = watcher.subscribe("tasks", filter="note eq 'old' and stars lt 5", heartbeat_interval=0.1)
        selected = watcher.subscribe("tasks", select=["note"], heartbeat_interval=0.1)
        initial = filtered.until_current()
        assert [e.id for e in initial[:-1]] == ["t1"]
        selected.until_current()
        shell(changing, "ALTER TABLE tasks RENAME COLUMN note TO remark", "ALTER TABLE tasks ADD COLUMN note TEXT")
        contract = served(changing, has("remark"))
        contract = served(changing, has("note"))
        with Session(changing) as young:
            young.contract = contract
            young.update("tasks", id="t2", note="old")
            entered = young.update("tasks", id="t2", remark="old")
            change = filtered.change()
            assert (change.operation, change.id, change.sequence) == ("ADD", "t2", entered.sequence)
            change = selected.change()
            assert change.sequence == entered.sequence, "the new column by the old name is not selected"
            left = young.update("tasks", id="t1", remark="new")
            change = filtered.change()
            assert (change.operation, change.id, change.left_view) == ("DELETE", "t1", True)
            assert selected.change().sequence == left.sequence
            # By its old name a new request means the new column.
            assert [row["id"] for row in young.rows("tasks", filter="note eq 'old'")] == ["t2"]


def test_a_subscription_goes_on_whose_selection_loses_a_column_and_ends_where_its_filter_does(changing):
    with Session(changing) as watcher:
        selected = watcher.subscribe("tasks", select=["note", "stars"], heartbeat_interval=0.1)
        filtered = watcher.subscribe("tasks", filter="note ne 'x'", heartbeat_interval=0.1)
        selected.until_current()
        filtered.until_current()
        shell(changing, "ALTER TABLE tasks DROP COLUMN note")
        served(changing, lacks("note"))
        with refused("INVALID_ARGUMENT", "BAD_FILTER"):
            filtered.change()
        written = watcher.update("tasks", id="t1", stars=4)
        change = selected.change()
        assert change.sequence == written.sequence and change.row == {"id": "t1", "stars": 4}
        assert watcher.rows("tasks", filter="stars eq 4")[0]["id"] == "t1"


@pytest.mark.parametrize("statements", [
    ["ALTER TABLE tasks DROP COLUMN stars", "ALTER TABLE tasks ADD COLUMN stars TEXT"],
    ["CREATE TABLE anew (id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL, note TEXT, stars TEXT)",
     "INSERT INTO anew SELECT id, title, note, stars FROM tasks", "DROP TABLE tasks",
     "ALTER TABLE anew RENAME TO tasks"],
], ids=["dropped and added", "built anew"])
def test_a_column_whose_type_becomes_another_gets_another_number(changing, statements):
    """Whoever has the old code could not read the new type under the old number."""
    with Session(changing) as old:
        token = old.page("tasks").resume_token
        old.update("tasks", id="t1", stars=9)
        shell(changing, "BEGIN", *statements, "COMMIT")
        contract = served(changing, lambda c: numbers(c).get("stars") not in (None, BEFORE["stars"]))
        assert numbers(contract) == {**BEFORE, "stars": 9}
        # The old code reads the rows, and what it says of a number it knows no more is nobody's.
        rows = {row["id"]: row for row in old.rows("tasks")}
        assert rows["t1"]["title"] == "first" and "stars" not in rows["t1"]
        with Session(changing) as young:
            young.contract = contract
            assert young.update("tasks", id="t2", stars="many").row["stars"] == "many"
            assert [row["id"] for row in young.rows("tasks", filter="startswith(stars, 'm')")] == ["t2"]
            # What the log holds is read as what it was, or the history begins anew.
            events = young.subscribe("tasks", resume_token=token, once=True)
            try:
                changes = [e for e in events.until_current() if hasattr(e, "operation")]
                assert [c.row.get("stars") for c in changes] == [None, "many"]
            except Refused as error:
                assert error.reason == "HISTORY_COMPACTED" and len(statements) > 2
    changing.terminate()
    changing.start()
    assert numbers(changing.contract) == {**BEFORE, "stars": 9}


def test_text_that_becomes_another_kind_of_text_keeps_its_number(changing):
    shell(
        changing, "BEGIN",
        "CREATE TABLE anew (id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL,"
        " note TEXT CHECK (note IN ('old', 'new')), stars INTEGER)",
        "INSERT INTO anew SELECT id, title, note, stars FROM tasks", "DROP TABLE tasks",
        "ALTER TABLE anew RENAME TO tasks", "COMMIT",
    )
    with Session(changing) as session:

        def note():
            if "tasks" not in {table.name for table in session.call("describe").tables}:
                return None  # It has just been made anew.
            columns = {c.name: c for c in session.call("describe", table="tasks").tables[0].columns}
            return columns["note"] if list(columns["note"].enum_values) else None

        found = until(note, 10, "the change was not noticed")
        assert found.number == BEFORE["note"] and list(found.enum_values) == ["old", "new"]
        assert session.rows("tasks", order_by="note desc")[0]["id"] == "t1"


def test_a_dropped_table_goes_with_its_subscriptions_and_leaves_the_session(changing):
    with Session(changing) as session:
        events = session.subscribe("tasks", heartbeat_interval=0.1)
        token = events.until_current()[-1].resume_token
        every = session.subscribe("", heartbeat_interval=0.1)
        every.until_current()
        shell(changing, "CREATE TABLE spare (id TEXT NOT NULL PRIMARY KEY)", "DROP TABLE tasks")
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            events.change()
        until(lambda: {t.name for t in session.call("describe").tables} == {"spare"})
        for attempt in (
            lambda: session.page("tasks"), lambda: session.get("tasks", "t1"),
            lambda: session.delete("tasks", "t1"), lambda: session.subscribe("tasks").next(),
            lambda: session.subscribe("tasks", resume_token=token).next(),
        ):
            with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
                attempt()
        with refused("INVALID_ARGUMENT", "UNKNOWN_TYPE"):
            session.create("tasks", title="nowhere")
        with refused("UNIMPLEMENTED"):
            changing.raw_unary("/tables.TasksTable/Query", b"")
        with pytest.raises(KeyError):
            numbers(now(changing))
        assert session.call("query", table="spare", count=True).total == 0


def test_a_table_that_is_created_again_begins_a_new_history_with_new_numbers_for_new_columns(changing):
    with Session(changing) as session:
        token = session.page("tasks").resume_token
        events = session.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(
            changing, "BEGIN", "DROP TABLE tasks",
            "CREATE TABLE tasks (id TEXT NOT NULL PRIMARY KEY, stars REAL, fresh DATE, title TEXT)",
            "INSERT INTO tasks VALUES ('n1', 1.5, '2024-02-29', 'new')", "COMMIT",
        )
        with refused(("OUT_OF_RANGE", "NOT_FOUND")):
            events.change()
        contract = served(changing, has("fresh"))
        found = numbers(contract)
        assert found["title"] == BEFORE["title"] and "note" not in found
        assert found["stars"] not in BEFORE.values() and found["fresh"] not in BEFORE.values()
        with Session(changing) as young:
            young.contract = contract
            (row,) = young.rows("tasks")
            assert (row["id"], row["stars"], row["fresh"], row["title"]) == ("n1", 1.5, "2024-02-29", "new")
            with refused("OUT_OF_RANGE", "HISTORY_COMPACTED"):
                young.subscribe("tasks", resume_token=token).next()
            again = young.subscribe("tasks", heartbeat_interval=0.1)
            assert [e.id for e in again.until_current()[:-1]] == ["n1"]
            young.update("tasks", id="n1", stars=2.5)
            assert again.change().row["stars"] == 2.5


def test_a_renamed_table_is_served_under_its_new_name_with_the_old_numbers(changing):
    with Session(changing) as session:
        events = session.subscribe("tasks", heartbeat_interval=0.1)
        events.until_current()
        shell(changing, "ALTER TABLE tasks RENAME TO jobs")
        until(lambda: {t.name for t in session.call("describe").tables} == {"jobs"})
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            session.page("tasks")
        (table,) = session.call("describe").tables
        assert {c.name: c.number for c in table.columns} == BEFORE
        # It is the same table: its subscription goes on, and clients that have its type write to it.
        written = session.update("tasks", id="t1", title="renamed")
        assert events.change().sequence == written.sequence
        assert session.call("query", table="jobs", count=True).total == 2


def test_a_columns_default_is_for_those_who_do_not_know_it(changing):
    """Absent is the default on create and replace, and left alone on update; also with old code."""
    with Session(changing) as old:
        assert old.contract.class_of("tables.Tasks")
        shell(
            changing, "ALTER TABLE tasks ADD COLUMN size INTEGER NOT NULL DEFAULT 4",
            "ALTER TABLE tasks ADD COLUMN tag TEXT DEFAULT 'it''s'",
        )
        contract = served(changing, has("tag"))
        with Session(changing) as young:
            young.contract = contract
            # Rows that were there have it, with the version that they had.
            before = young.get("tasks", "t1")
            assert (before["size"], before["tag"], before["version"]) == (4, "it's", old.get("tasks", "t1")["version"])
            created = old.create("tasks", title="by the old")
            row = young.get("tasks", created.id)
            assert (row["size"], row["tag"]) == (4, "it's")
            young.update("tasks", id=created.id, size=7, tag="x")
            old.update("tasks", id=created.id, title="left alone")
            assert (young.get("tasks", created.id)["size"], young.get("tasks", created.id)["tag"]) == (7, "x")
            old.replace("tasks", id=created.id, title="replaced")
            row = young.get("tasks", created.id)
            assert (row["size"], row["tag"], row["title"]) == (4, "it's", "replaced")
            with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION"):
                young.update("tasks", ["size"], id=created.id)
