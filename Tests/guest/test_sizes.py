"""Sizes: no message leaves that is over max_message_bytes, and no row is in the way of another."""

import pytest

from errors import refused
from picture import Unreadable

LIMIT = 65_536
SQL = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, w BLOB, name TEXT);
INSERT INTO t VALUES (1, 'a', NULL, 'one'), (2, 'b', NULL, 'two'), (3, 'c', NULL, 'three');
"""


@pytest.fixture
def served(guest):
    return guest(SQL, "--max-message-bytes", str(LIMIT))


def grow(served, id, size, column="v"):
    value = "v" * size if column == "v" else b"w" * size
    served.sql((f"UPDATE t SET {column} = ? WHERE id = ?", (value, id)))


def assert_small(served):
    """Nothing that came on the session was over the limit."""
    largest = max(response.ByteSize() for response in served.session.log)
    assert largest <= LIMIT, f"a message of {largest} bytes"


@pytest.mark.parametrize("column", ["v", "w"])
def test_a_row_that_cannot_go_out_alone_is_unreadable(served, column):
    watch = served.watch("t")
    grow(served, 1, LIMIT + 1, column)
    events = served.exact()
    assert [type(e).__name__ for e in events] == ["Change", "Unreadable"] and events[0].left_view
    reason = events[1].reason
    assert reason.metadata["column"] == column and reason.metadata["limit"], reason
    assert watch.picture.of("t").keys() == {"2", "3"}
    assert served.error("get", "t", "1").reason == "UNREADABLE"
    assert served.session.get("t", "1", select=["name"])["name"] == "one"
    assert_small(served)
    grow(served, 1, 5, column)
    assert [e.operation for e in served.exact()] == ["ADD"]


def test_the_largest_column_is_named(served):
    served.watch("t")
    served.transaction(("UPDATE t SET v = ? WHERE id = 1", ("v" * (LIMIT // 2),)),
                       ("UPDATE t SET w = ? WHERE id = 1", (b"w" * (LIMIT * 2 // 3),)))
    told = [e for e in served.exact() if isinstance(e, Unreadable)]
    assert [(e.id, e.column) for e in told] == [("1", "w")]


def test_what_is_only_too_large_is_itself_in_filters(served):
    grow(served, 1, LIMIT * 2)
    for filter, ids in ((f"length(v) eq {LIMIT * 2}", {"1"}), ("startswith(v, 'vvv')", {"1"}),
                        ("v eq null", set()), ("v gt 'b'", {"1", "3"})):
        rows, errors = served.answers("t", filter=filter)
        assert rows.keys() | errors.keys() == ids, filter
        served.watch("t", filter=filter)
    served.exact()
    assert_small(served)


@pytest.mark.parametrize("size", range(LIMIT - 400, LIMIT + 100, 25))
def test_at_the_edge_a_row_is_either_whole_or_unreadable(served, size):
    served.watch("t", previous=True)
    served.watch("")
    grow(served, 1, size)
    served.exact()
    grow(served, 1, size - 1)
    served.exact()
    assert_small(served)


def test_previous_is_left_out_where_it_does_not_fit_beside_the_row(served):
    served.watch("t", previous=True)
    grow(served, 1, LIMIT * 2 // 3)
    (first,) = served.exact()
    assert first.previous and first.previous["v"] == "a"
    served.sql("UPDATE t SET name = 'changed' WHERE id = 1")
    (second,) = served.exact()
    assert second.operation == "UPDATE" and second.previous is None and second.row["name"] == "changed"
    assert_small(served)


def test_own_writes_that_would_make_a_row_so_are_refused(served):
    half = "v" * (LIMIT // 2)
    grow(served, 1, LIMIT // 2)
    before = served.sql("SELECT * FROM t")
    with refused("RESOURCE_EXHAUSTED"):
        served.session.update("t", id=1, w=b"w" * (LIMIT // 2 + 100))
    served.session.create("t", id=9, v=half)
    with refused("RESOURCE_EXHAUSTED"):
        served.session.update("t", id=9, w=b"w" * (LIMIT // 2 + 100))
    served.session.delete("t", "9")
    assert served.sql("SELECT * FROM t") == before


def test_own_writes_of_other_columns_of_a_large_row_succeed_without_an_entity(served):
    served.watch("t")
    grow(served, 1, LIMIT * 2)
    answer = served.session.update("t", id=1, name="renamed")
    assert answer.row is None and answer.sequence
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
        served.session.update("t", options={"if_version": 1}, id=1, name="x")
    assert error.row is None
    served.exact()
    assert served.session.update("t", id=1, v="small").row["v"] == "small"
    grow(served, 1, LIMIT * 2)
    assert served.session.delete("t", "1").row is None
    served.exact()
    assert_small(served)


def test_pages_and_commits_stay_below_the_limit(served):
    for n in range(10, 30):
        served.sql(("INSERT INTO t VALUES (?, ?, NULL, 'filler')", (n, "f" * (LIMIT // 3))))
    rows, errors = served.answers("t")
    assert len(rows) == 23 and not errors
    served.watch("t")
    served.watch("t", min_interval=0.1)
    served.sql("UPDATE t SET name = name || '!'")
    events = served.exact()
    assert len([e for e in events if e.id != ""]) == 23
    assert_small(served)


def test_over_connect_and_long_polling_nothing_is_larger_either(served):
    token = served.session.page("t").resume_token
    for n in range(10, 20):
        served.sql(("INSERT INTO t VALUES (?, ?, NULL, 'filler')", (n, "f" * (LIMIT // 3))))
    grow(served, 1, LIMIT * 2)
    served.settle()
    changes, unreadable = [], []
    for _ in range(30):
        answer = served.server.unary("Changes", table="t", resume_token=token)
        assert answer.ByteSize() <= LIMIT
        changes += list(answer.changes)
        unreadable += list(answer.unreadable)
        token = answer.resume_token
        if not answer.more:
            break
    assert {c.id for c in changes if c.operation == 1} == {str(n) for n in range(10, 20)}
    assert [u.id for u in unreadable] == ["1"]


def test_many_large_rows_hide_no_small_one(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 60)"
        f" INSERT INTO t SELECT i, iif(i % 3 = 0, 's', printf('%0{LIMIT + 10}d', 1)) FROM c;",
        "--max-message-bytes", str(LIMIT),
    )
    served.watch("t")
    served.exact()
    rows, errors = served.answers("t", page_size=7)
    assert (len(rows), len(errors)) == (20, 40)
    assert_small(served)
