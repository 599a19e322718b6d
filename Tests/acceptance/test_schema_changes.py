"""The schema changed by the sqlite3 shell while it is served. Issue 4, point 5; DESIGN "Tables and types"."""

import shutil
import subprocess

import pytest

from contract import Contract, plain
from errors import refused
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
    return serve("changing.db", "--attach", sql=SQL)


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
        assert "note" not in numbers(contract)
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
