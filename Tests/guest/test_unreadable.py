"""Rows with a value that fits no form: in no view, in no rows, and never out of sight."""

import pytest

from errors import refused
from picture import Unreadable
from session import Checkpoint

SQL = """
CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, name TEXT, n INTEGER);
INSERT INTO t VALUES (1, '2011-10-31 20:00:00', 'a', 1), (2, 'not a time', 'b', 2),
  (3, '2012-10-31 20:00:00', 'c', 3), (4, NULL, 'd', 4), (5, 'nor this', 'e', 5);
"""
BAD = "UPDATE t SET at = 'never' WHERE id = {}"
GOOD = "UPDATE t SET at = '2011-10-31 20:00:00' WHERE id = {}"


@pytest.fixture
def served(guest):
    return guest(SQL)


def shape(events):
    """What came, in short: ADD 1, DELETE 1 (left), unreadable 1, readable 1."""
    found = []
    for event in events:
        if isinstance(event, Unreadable):
            found.append(f"{'unreadable' if event.reason else 'gone'} {event.id}")
        elif not isinstance(event, Checkpoint) and event.table != "guest_marks":
            found.append(f"{event.operation} {event.id}" + (" left" if event.left_view else ""))
    return found


# -- initial rows


def test_they_come_among_the_initial_rows_by_key(served):
    watch = served.watch("t")
    log = served.session.of(watch.request_id)
    ids = []
    for response in log:
        event = response.event
        if event.HasField("change"):
            ids.append(event.change.id)
        elif "unreadable" in event.DESCRIPTOR.fields_by_name and event.HasField("unreadable"):
            assert event.unreadable.initial and event.unreadable.HasField("reason")
            ids.append(event.unreadable.id)
    assert ids == ["1", "2", "3", "4", "5"]
    served.exact()


def test_the_reason_names_table_column_and_type_but_not_the_value(served):
    watch = served.watch("t")
    reason = watch.picture.errors_of("t")["2"]
    assert (reason.code, reason.reason, reason.domain) == ("DATA_LOSS", "UNREADABLE", "datasync")
    assert {k: reason.metadata[k] for k in ("table", "id", "column")} == {"table": "t", "id": "2", "column": "at"}
    assert "text" in reason.message and "not a time" not in reason.message, reason.message
    (asked,) = [e for e in served.session.page("t").errors if e.metadata["id"] == "2"]
    assert (asked.reason, asked.metadata["column"]) == ("UNREADABLE", "at")


def test_a_typed_watch_tells_of_them_too(served):
    name = served.table("t").message_type
    found = []
    for event in served.server.stream("Watch", service=f"{name}Table", once=True):
        if "unreadable" in event.DESCRIPTOR.fields_by_name and event.HasField("unreadable"):
            assert not event.HasField("row") and not event.id
            found.append(event.unreadable.id)
    assert found == ["2", "5"]


# -- as others write

STEPS = [
    (BAD.format(1), ["DELETE 1 left", "unreadable 1"]),
    (GOOD.format(1), ["ADD 1"]),
    ("UPDATE t SET name = 'x' WHERE id = 2", []),
    ("UPDATE t SET at = 'another' WHERE id = 2", []),
    ("UPDATE t SET n = 'many' WHERE id = 3", ["DELETE 3 left", "unreadable 3"]),
    # Another column is the reason then: the value of the first is mended, the second still bad.
    ("UPDATE t SET at = 'never', n = 'many' WHERE id = 3", None),
    ("UPDATE t SET at = NULL, n = 3 WHERE id = 3", ["ADD 3"]),
    ("DELETE FROM t WHERE id = 2", ["gone 2"]),
    ("INSERT INTO t VALUES (6, 'never', 'f', 6)", ["unreadable 6"]),
    ("UPDATE t SET id = 7 WHERE id = 6", ["gone 6", "unreadable 7"]),
    ("INSERT OR REPLACE INTO t VALUES (7, NULL, 'g', 7)", ["ADD 7"]),
    ("INSERT OR REPLACE INTO t VALUES (7, 'never', 'g', 7)", ["DELETE 7 left", "unreadable 7"]),
    ("UPDATE t SET at = 'never'", None),
    ("UPDATE t SET at = NULL", None),
    ("DELETE FROM t", None),
]


def test_the_set_told_of_is_that_of_the_query_at_every_step(served):
    served.watch("t")
    for statement, expected in STEPS:
        served.sql(statement)
        found = shape(served.exact())
        assert expected is None or sorted(found) == sorted(expected), f"{statement}: {found}"


def test_a_delete_with_left_view_and_the_unreadable_have_one_sequence_and_one_commit(served):
    served.watch("t")
    served.transaction(BAD.format(1), BAD.format(3), "UPDATE t SET name = 'z' WHERE id = 4")
    events = served.exact()
    assert [e.more for e in events] == [True] * (len(events) - 1) + [False]
    by_id = {}
    for event in events:
        by_id.setdefault(event.id, []).append(event)
    for id in ("1", "3"):
        delete, told = by_id[id]
        assert delete.left_view and delete.sequence == told.sequence and isinstance(told, Unreadable)
    assert [e.operation for e in by_id["4"]] == ["UPDATE"]


def test_what_is_mended_and_broken_in_one_commit_is_told_by_its_end(served):
    served.watch("t")
    served.transaction(BAD.format(1), GOOD.format(1))
    assert shape(served.exact()) == []
    served.transaction(GOOD.format(2), BAD.format(2))
    assert shape(served.exact()) == []
    served.transaction("INSERT INTO t VALUES (8, 'never', 'h', 8)", "DELETE FROM t WHERE id = 8")
    assert shape(served.exact()) == []


# -- filters

FILTERS = ["name ge 'a'", "n gt 1", "at eq null", "at ne null", "at gt 2011-01-01", "n lt 3 or name eq 'e'",
           "not (n eq 2)", "year(at) eq 2011 or n eq 2"]


@pytest.mark.parametrize("filter", FILTERS)
def test_the_bad_value_is_null_in_filters_alike_for_all(served, filter):
    served.watch("t", filter=filter)
    served.exact()
    for statement, _ in STEPS:
        served.sql(statement)
        served.exact()


@pytest.mark.parametrize("filter", FILTERS)
def test_an_index_finds_the_bad_value_where_null_is_asked_for(guest, filter):
    served = guest(SQL + "CREATE INDEX by_at ON t (at); CREATE UNIQUE INDEX by_n ON t (n);"
                   "CREATE INDEX by_name ON t (name);")
    served.watch("t", filter=filter)
    served.exact()
    for statement in ("UPDATE t SET n = 'many' WHERE id = 3", "UPDATE t SET at = 'never' WHERE id < 3",
                      "UPDATE t SET n = 3 WHERE id = 3", "UPDATE t SET at = NULL WHERE id = 1"):
        served.sql(statement)
        served.exact()


def test_a_bad_value_is_null_in_filters(served):
    rows, errors = served.answers("t", filter="at eq null")
    assert (rows.keys(), errors.keys()) == ({"4"}, {"2", "5"})
    rows, errors = served.answers("t", filter="at ne null")
    assert (rows.keys(), errors.keys()) == ({"1", "3"}, set())
    page = served.session.page("t", order_by="at", count=True)
    assert page.total == 5 and len(page.rows) == 3 and len(page.errors) == 2
    assert [r["id"] for r in served.session.page("t", order_by="at").rows] == [4, 1, 3]


def test_it_counts_in_top_skip_and_page_size(served):
    page = served.session.page("t", top=2)
    assert ([r["id"] for r in page.rows], [e.metadata["id"] for e in page.errors]) == ([1], ["2"])
    page = served.session.page("t", skip=2, top=2)
    assert ([r["id"] for r in page.rows], len(page.errors)) == ([3, 4], 0)
    found, token = [], ""
    for _ in range(5):
        page = served.session.page("t", page_size=1, page_token=token)
        found.append(len(page.rows) + len(page.errors))
        token = page.next_page_token
    assert found == [1] * 5 and not token


def test_a_row_begins_and_ceases_to_match_while_unreadable(served):
    served.watch("t", filter="name eq 'b'")
    served.sql("UPDATE t SET name = 'other' WHERE id = 2")
    assert shape(served.exact()) == ["gone 2"]
    served.sql("UPDATE t SET name = 'b' WHERE id = 5")
    assert shape(served.exact()) == ["unreadable 5"]
    served.sql("UPDATE t SET name = 'b' WHERE id = 1", "UPDATE t SET name = 'x', at = 'never' WHERE id = 1")
    assert "unreadable 1" not in shape(served.exact())


# -- what a subscription asks for


@pytest.mark.parametrize("fields", [
    {}, {"table": ""}, {"previous": True}, {"select": ["name", "n"]}, {"select": ["at"]},
    {"min_interval": 0.1}, {"exclude_own": True}, {"include_deleted": True}, {"filter": "n gt 1", "select": ["name"]},
], ids=lambda fields: ", ".join(fields) or "plain")
def test_every_kind_of_subscription_takes_them_as_changes(served, fields):
    fields = dict(fields)
    table = fields.pop("table", "t")
    served.watch(table, **fields)
    served.exact()
    for statement, _ in STEPS:
        served.sql(statement)
        served.exact()


def test_a_selection_without_the_column_reads_the_row_as_any_other(served):
    watch = served.watch("t", select=["name"])
    assert watch.picture.of("t").keys() == {"1", "2", "3", "4", "5"} and not watch.picture.errors_of("t")
    served.sql("UPDATE t SET name = 'x' WHERE id = 2")
    assert shape(served.exact()) == ["UPDATE 2"]
    row = served.session.get("t", "2", select=["name"])
    assert row == {"id": 2, "name": "x"}
    assert served.error("get", "t", "2").reason == "UNREADABLE"
    assert len(served.session.page("t", select=["name"]).rows) == 5


def test_a_resumed_subscription_hears_of_what_became_unreadable(served):
    watch = served.watch("t")
    served.settle()
    picture, token = watch.picture, watch.picture.token
    served.forget()
    served.sql(BAD.format(1), GOOD.format(2), "DELETE FROM t WHERE id = 5", "INSERT INTO t VALUES (6, 'x', 'f', 6)")
    served.restart()
    again = served.watch("t", picture, resume_token=token)
    assert sorted(shape(again.events)) == sorted(
        ["DELETE 1 left", "unreadable 1", "ADD 2", "gone 5", "unreadable 6"]
    )
    served.exact()


def test_long_polling_tells_of_them(served):
    token = served.session.page("t").resume_token
    served.sql(BAD.format(1), GOOD.format(2))
    served.settle()
    answer = served.server.unary("Changes", table="t", resume_token=token)
    assert [(u.id, u.HasField("reason")) for u in answer.unreadable] == [("1", True)]
    assert {(c.operation, c.id, c.left_view) for c in answer.changes} == {(3, "1", True), (1, "2", False)}


# -- writes by clients


def test_an_update_that_gives_a_good_value_mends_it(served):
    served.watch("t")
    answer = served.session.update("t", id=2, at=1_320_091_200_000_000)
    assert answer.row["name"] == "b"
    assert shape(served.exact()) == ["ADD 2"]
    answer = served.session.replace("t", id=5, name="mended")
    assert answer.row["name"] == "mended"
    assert shape(served.exact()) == ["ADD 5"]


def test_an_update_of_other_columns_leaves_the_bad_value_and_succeeds_without_an_entity(served):
    served.watch("t")
    answer = served.session.update("t", id=2, name="changed")
    assert answer.row is None and answer.sequence
    assert served.sql("SELECT at, name FROM t WHERE id = 2") == [("not a time", "changed")]
    assert shape(served.exact()) == []
    again = served.session.update("t", id=2, options={"if_version": answer.sequence}, name="again")
    assert again.row is None and again.sequence > answer.sequence
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
        served.session.update("t", id=2, options={"if_version": answer.sequence}, name="late")
    assert error.row is None
    assert served.session.update("t", id=2, options={"if_version": again.sequence}, at=0).row["name"] == "again"


def test_a_delete_succeeds_without_an_entity(served):
    served.watch("t")
    answer = served.session.delete("t", "2")
    assert answer.row is None and answer.sequence
    assert shape(served.exact()) == ["gone 2"]
    assert served.sql("SELECT count(*) FROM t") == [(4,)]


def test_a_create_under_its_key_says_that_it_exists_without_the_row(served):
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        served.session.create("t", id=2, name="x")
    assert error.row is None


# -- keys

KEYS = [
    ("TEXT", "NULL", "no key"), ("TEXT", "''", "empty"), ("TEXT", "x'61'", "a BLOB"),
    ("INT", "'abc'", "text"), ("INT", "1.5", "a real"), ("INT", "NULL", "no key"),
]


@pytest.mark.parametrize("kind, key, what", KEYS, ids=[f"{k} {w}" for k, _, w in KEYS])
def test_a_row_whose_key_cannot_name_it_is_unreadable(guest, kind, key, what):
    served = guest(f"CREATE TABLE t (id {kind} PRIMARY KEY, x TEXT); INSERT INTO t VALUES ({key}, 'a'), (7, 'b');")
    page = served.session.page("t", count=True)
    assert page.total == 2 and len(page.rows) == 1
    (error,) = page.errors
    assert (error.reason, error.metadata["column"]) == ("UNREADABLE", "id")
    # What comes with a subscription, and each change, is told once.
    request = served.session.send("subscribe", table="t", once=True)
    served.session.answer(request)
    assert sum(r.event.HasField("unreadable") for r in served.session.of(request) if r.HasField("event")) == 1
    served.watch("t")
    served.sql(f"UPDATE t SET x = 'c' WHERE id IS {key}")
    events = served.settle()
    assert all(isinstance(e, Unreadable) for e in events), events
    served.sql(f"DELETE FROM t WHERE id IS {key}")
    served.settle()
    assert not served.session.page("t").errors


LONG = "k" * 300
READABLE = [("TEXT", LONG), ("TEXT", "tab\tand\nline"), ("TEXT", "ünï 😀"), ("TEXT", " "), ("TEXT", "1"),
            ("TEXT", "a/b?c"), ("TEXT", "\x01"), ("INT", 5), ("INT", -(2**63)), ("INTEGER", 2**63 - 1),
            ("VARCHAR(3)", "longer")]


@pytest.mark.parametrize("kind, key", READABLE, ids=[f"{k} {str(v)[:8]!r}" for k, v in READABLE])
def test_every_key_that_sqlite_tells_apart_is_read_updated_and_deleted(guest, kind, key):
    served = guest(f"CREATE TABLE t (id {kind} PRIMARY KEY NOT NULL, x TEXT);")
    served.sql(("INSERT INTO t VALUES (?, 'a')", (key,)))
    served.watch("t")
    assert served.session.get("t", str(key)) == served.answers("t")[0][str(key)]
    served.session.update("t", id=key, x="b")
    served.sql("UPDATE t SET x = x || 'c'")
    assert len(served.exact()) == 2
    served.session.delete("t", str(key))
    served.exact()
    assert served.sql("SELECT count(*) FROM t") == [(0,)]


@pytest.mark.parametrize("key", [LONG, "tab\t", "\x01"])
def test_only_a_create_refuses_such_a_key(guest, key):
    served = guest("CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT);")
    with refused("INVALID_ARGUMENT"):
        served.session.create("t", id=key, x="a")


def test_a_table_with_a_blob_key_is_not_served_and_named(guest):
    served = guest("CREATE TABLE b (id BLOB PRIMARY KEY, x TEXT);")
    assert "b" not in served.tables()
    assert "b" in {table for table, _ in served.not_served()}


# -- soft deletion


def test_a_soft_deleted_one_is_only_listed_with_include_deleted(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, gone BOOLEAN);"
        "INSERT INTO t VALUES (1, 'never', 1), (2, 'never', 0), (3, NULL, NULL);", "--soft-delete", "t=gone",
    )
    assert served.answers("t")[1].keys() == {"2"}
    assert served.answers("t", include_deleted=True)[1].keys() == {"1", "2"}
    served.watch("t")
    served.watch("t", include_deleted=True)
    served.sql("UPDATE t SET gone = 1 WHERE id = 2", "UPDATE t SET gone = 0 WHERE id = 1")
    served.exact()


def test_more_is_unreadable_than_is_readable_over_pages(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);"
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 500)"
        " INSERT INTO t SELECT i, iif(i % 50 = 0, i, 'bad ' || i) FROM c;"
    )
    served.watch("t")
    served.watch("t", filter="n eq null")
    served.exact()
    served.sql("UPDATE t SET n = 1 WHERE id % 3 = 0", "UPDATE t SET n = 'x' WHERE id % 5 = 0")
    served.exact()


@pytest.mark.parametrize("arguments", [(), ("--within", "t")], ids=["beside", "within"])
@pytest.mark.parametrize("bad", [b"nul\0x", b"\0", b"bad \xff utf-8", b"it's, \0 'x'"], ids=repr)
def test_one_that_was_never_in_the_view_does_not_leave_it(guest, arguments, bad):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT, n INTEGER);", *arguments)
    watch = served.watch("t")
    written = ("INSERT OR REPLACE INTO t (id, s, n) VALUES (?, CAST(? AS TEXT), ?)", (1, bad, 1))
    for last in ("DELETE FROM t", "UPDATE t SET s = 'good'", "REPLACE INTO t (id, s) VALUES (1, 'good')"):
        served.sql(written)
        events = served.exact()
        assert [e.id for e in events if isinstance(e, Unreadable)] == ["1"] and events[-1].reason, events
        served.sql("UPDATE t SET n = 2")
        served.sql(last)
        told = [event_kind(e) for e in served.exact()]
        assert told == (["no longer"] if last.startswith("DELETE") else ["no longer", "ADD"]) or \
            told == ["ADD"] and "good" in last, told
    assert watch.picture.of("t").keys() == {"1"}


def event_kind(event):
    if isinstance(event, Unreadable):
        return "unreadable" if event.reason else "no longer"
    return event.operation
