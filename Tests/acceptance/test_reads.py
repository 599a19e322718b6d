"""Get and Query: select, versions, pages, counts."""

import pytest

from conftest import films
from errors import refused
from server import until
from session import Session, View, by_id

TABLE = "notes"


@pytest.fixture
def s(shop_session):
    return shop_session


# -- get


def test_unless_version_answers_not_modified_while_the_version_is_the_rows(s):
    written = s.create(TABLE, title="v1")
    answer = s.call("get", table=TABLE, id=written.id, unless_version=written.sequence)
    assert answer.not_modified and not answer.HasField("entity")
    answer = s.call("get", table=TABLE, id=written.id, unless_version=written.sequence - 1)
    assert not answer.not_modified and s.contract.row_of(answer.entity) == written.row
    changed = s.update(TABLE, id=written.id, title="v2")
    answer = s.call("get", table=TABLE, id=written.id, unless_version=written.sequence)
    assert s.contract.row_of(answer.entity) == changed.row
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.call("get", table=TABLE, id="absent", unless_version=written.sequence)


def test_unless_version_of_a_deleted_row_is_row_deleted(s):
    s.create("soft_notes", id="unless", title="x")
    deleted = s.delete("soft_notes", "unless")
    with refused("NOT_FOUND", "ROW_DELETED"):
        s.call("get", table="soft_notes", id="unless", unless_version=deleted.sequence)
    answer = s.call(
        "get", table="soft_notes", id="unless", unless_version=deleted.sequence,
        include_deleted=True,
    )
    assert answer.not_modified


# -- select


def test_a_selection_holds_the_key_and_what_was_named(s):
    written = s.create(TABLE, title="t", body="b", owner="o")
    id = written.id
    assert s.get(TABLE, id, select=["title"]) == {"id": id, "title": "t"}
    assert s.get(TABLE, id, select=["id"]) == {"id": id}
    assert s.get(TABLE, id, select=["version", "body"]) == {
        "id": id, "version": written.sequence, "body": "b",
    }
    page = s.page(TABLE, select=["owner"], filter=f"id eq '{id}'")
    assert page.rows == [{"id": id, "owner": "o"}]
    number = s.create("counters", label="x").row["number"]
    assert s.get("counters", str(number), select=["label"]) == {"number": number, "label": "x"}


@pytest.mark.parametrize(
    "select, position",
    [(["nonsense"], 1), (["title", "nonsense"], 2), (["title", "body", "title"], 3), ([""], 1),
     (["title", "*"], 2), (["TITLE"], 1)],
)
def test_an_unknown_or_repeated_name_in_a_selection_is_refused_with_its_position(
    s, select, position
):
    written = s.create(TABLE, title="x")
    for attempt in (
        lambda: s.get(TABLE, written.id, select=select),
        lambda: s.page(TABLE, select=select),
        lambda: s.subscribe(TABLE, select=select, once=True).next(),
        lambda: s.subscribe(TABLE, select=select, now={}).next(),
    ):
        with refused("INVALID_ARGUMENT", "BAD_SELECT") as error:
            attempt()
        assert error.metadata["position"] == str(position)


def test_a_page_can_be_selected_and_ordered_by_what_is_not_selected(films_session):
    rows, token = [], ""
    while True:
        page = films_session.page(
            "movies", select=["title"], order_by="year desc, duration", page_size=50,
            page_token=token,
        )
        rows += page.rows
        token = page.next_page_token
        if not token:
            break
    expected = sorted(films(), key=lambda f: (-f["year"], f["duration"], f["id"]))
    assert [row["id"] for row in rows] == [film["id"] for film in expected]
    assert set(rows[0]) == {"id", "title"}


# -- page tokens


def test_a_page_token_with_another_query_is_refused(films_session):
    query = {"table": "movies", "page_size": 10, "filter": "year gt 1950", "order_by": "year"}
    token = films_session.call("query", **query).next_page_token
    assert films_session.call("query", page_token=token, **query).entities
    for change in (
        {"filter": "year gt 1951"}, {"filter": ""}, {"order_by": "year desc"}, {"order_by": ""},
        {"table": "todo_items", "filter": "", "order_by": ""}, {"include_deleted": True},
    ):
        with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
            films_session.call("query", page_token=token, **{**query, **change})


def test_an_altered_page_token_is_refused(films_session, seeded):
    token = films_session.page("movies", page_size=10).next_page_token
    for _ in range(60):
        place = seeded.randrange(len(token))
        letter = seeded.choice("ABCDEFabcdef0123456789")
        if token[place] == letter:
            continue
        altered = token[:place] + letter + token[place + 1:]
        with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
            films_session.page("movies", page_size=10, page_token=altered)
    for altered in (token[:-1], token + "A", token[1:], "x", "é", token * 200):
        with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
            films_session.page("movies", page_size=10, page_token=altered)


def test_a_page_token_works_in_another_session_and_after_a_restart(demo):
    with Session(demo) as session:
        first = session.page("movies", page_size=100)
    demo.kill()
    demo.start()
    with Session(demo) as session:
        second = session.page("movies", page_size=100, page_token=first.next_page_token)
        ids = [row["id"] for row in first.rows + second.rows]
        assert ids == sorted(film["id"] for film in films())[:200]


# -- counts and deleted rows


def test_the_total_comes_only_where_asked_for_and_counts_matches_before_skip_and_top(
    films_session
):
    year = sum(film["year"] >= 2000 for film in films())
    page = films_session.page(
        "movies", filter="year ge 2000", count=True, skip=3, top=5, page_size=2
    )
    assert page.total == year and len(page.rows) == 2
    assert films_session.page("movies", filter="year ge 2000").total == 0
    assert films_session.page("movies", filter="year gt 3000", count=True).total == 0


def test_deleted_rows_are_read_only_where_asked_for(s):
    for n in range(3):
        s.create("soft_notes", id=f"del-{n}", title="counted")
    s.delete("soft_notes", "del-1")
    query = {"filter": "startswith(id, 'del-')", "count": True}
    page = s.page("soft_notes", **query)
    assert [row["id"] for row in page.rows] == ["del-0", "del-2"] and page.total == 2
    page = s.page("soft_notes", include_deleted=True, **query)
    assert [row["deleted"] for row in page.rows] == [False, True, False] and page.total == 3


def test_rows_come_in_the_order_of_their_keys(s):
    ids = ["Z", "a", "é", "B", "10", "9", "_", "aa", "😀", "ｚ"]
    for id in ids:
        s.create("authors", id=f"order-{id}", name="x")
    rows = s.rows("authors", filter="startswith(id, 'order-')", page_size=3)
    # By code point, which is the order of UTF-8 bytes.
    assert [row["id"] for row in rows] == sorted(f"order-{id}" for id in ids)


def test_integer_keys_order_as_numbers(own_shop):
    with Session(own_shop) as s:
        for number in (10, 9, -1, 100, 2**62, -(2**62)):
            s.create("counters", number=number)
        rows = s.rows("counters", page_size=2)
        assert [row["number"] for row in rows] == sorted((10, 9, -1, 100, 2**62, -(2**62)))


# -- the position of a page


def test_subscribing_after_a_querys_position_misses_nothing(s):
    kept = s.create(TABLE, title="before")
    page = s.page(TABLE, page_size=1000)
    view = {row["id"]: row for row in page.rows}
    assert not page.next_page_token, "the table still fits one page"
    added = s.create(TABLE, title="after")
    changed = s.update(TABLE, id=kept.id, title="changed")
    events = s.subscribe(TABLE, resume_token=page.resume_token, heartbeat_interval=0.1)
    changes = [e for e in events.until_sequence(changed.sequence) if hasattr(e, "operation")]
    assert [c.sequence for c in changes] == [added.sequence, changed.sequence]
    for change in changes:
        view[change.id] = change.row
    assert view == by_id(s.rows(TABLE))


def test_pages_and_the_changes_after_the_first_give_the_present(films_server, seeded):
    """Page through with writes in between, then apply what came after the first page's position."""
    with Session(films_server) as s:
        for n in range(60):
            s.create("todo_items", title=f"p{n}")
        first = s.page("todo_items", page_size=10)
        rows, token = by_id(first.rows), first.next_page_token
        while token:
            ids = sorted(rows)
            s.update("todo_items", id=seeded.choice(ids), title=f"x{seeded.random()}")
            s.create("todo_items", title="new")
            page = s.page("todo_items", page_size=10, page_token=token)
            rows.update(by_id(page.rows))
            token = page.next_page_token
        head = s.create("todo_items", title="head").sequence
        events = s.subscribe("todo_items", resume_token=first.resume_token, heartbeat_interval=0.1)
        for event in events.until_sequence(head):
            if not hasattr(event, "operation"):
                continue
            if event.operation == "DELETE":
                rows.pop(event.id, None)
            elif rows.get(event.id, {}).get("version", 0) <= event.sequence:
                rows[event.id] = event.row
        assert rows == by_id(s.rows("todo_items"))


# -- rows that cannot be read


def test_a_value_that_does_not_fit_is_an_error_for_that_row_alone(serve):
    server = serve(
        "loose.db", "--attach",
        sql="""
        CREATE TABLE loose (id TEXT PRIMARY KEY, whole INTEGER, day DATE, flag BOOLEAN, words TEXT);
        INSERT INTO loose VALUES
          ('a', 1, '2024-02-29', 1, 'fine'),
          ('b', 'many', '2024-01-01', 0, 'no number'),
          ('c', 3, 'yesterday', 1, 'no date'),
          ('d', 4, '2024-01-01', 0, x'ff00'),
          ('e', 5, NULL, NULL, NULL);
        """,
    )
    with Session(server) as s:
        page = s.page("loose")
        assert [row["id"] for row in page.rows] == ["a", "e"]
        named = {(e.metadata["table"], e.metadata["id"], e.metadata["column"]) for e in page.errors}
        assert named == {("loose", "b", "whole"), ("loose", "c", "day"), ("loose", "d", "words")}
        assert all(error.message for error in page.errors)
        assert s.get("loose", "e")["whole"] == 5
        with refused("DATA_LOSS") as error:
            s.get("loose", "b")
        assert (error.metadata["id"], error.metadata["column"]) == ("b", "whole")
        # The others go on as ever, and another program can mend it.
        server.foreign("UPDATE loose SET whole = 2 WHERE id = 'b'")
        until(lambda: s.page("loose").rows[1]["id"] == "b")
        assert s.update("loose", id="b", whole=3).row["whole"] == 3


def test_a_write_mends_or_removes_a_row_that_cannot_be_read(serve):
    server = serve(
        "loose.db", "--attach",
        sql="""
        CREATE TABLE loose (id TEXT PRIMARY KEY, whole INTEGER, day DATE);
        INSERT INTO loose VALUES ('a', 'many', NULL), ('b', 'few', 'today'), ('c', 1, 'never'),
          ('d', 'none', NULL);
        """,
    )
    with Session(server) as s:
        assert s.update("loose", id="a", whole=3).row["whole"] == 3
        assert s.get("loose", "a")["whole"] == 3
        # What is not written stays as it is: the write happens, and its answer has no row to show.
        answer = s.update("loose", id="b", whole=3)
        assert answer.row is None and answer.sequence
        assert server.foreign("SELECT whole, day FROM loose WHERE id = 'b'") == [(3, "today")]
        with refused("DATA_LOSS", "UNREADABLE") as error:
            s.get("loose", "b")
        assert error.metadata["column"] == "day"
        assert s.replace("loose", id="b", whole=4).row["whole"] == 4
        # To NULL, which is not the same as what is stored.
        assert "day" not in s.update("loose", mask=["day"], id="c").row
        assert s.get("loose", "c")["whole"] == 1
        assert s.delete("loose", "d").sequence
        page = s.page("loose")
        assert [row["id"] for row in page.rows] == ["a", "b", "c"] and not page.errors


def test_describe_tells_tables_and_columns(s):
    tables = {table.name: table for table in s.call("describe").tables}
    assert list(tables) == sorted(tables)
    assert {"notes", "soft_notes", "counters", "authors", "books"} <= set(tables)
    notes = tables["notes"]
    assert notes.message_type == "tables.Notes" and not notes.soft_delete
    assert tables["soft_notes"].soft_delete and tables["soft_notes"].message_type == "tables.SoftNotes"
    assert 0 < notes.default_page_size <= notes.max_page_size
    columns = {column.name: column for column in notes.columns}
    numbers = {name: column.number for name, column in columns.items()}
    assert [numbers[n] for n in ("id", "created_at", "updated_at", "version", "deleted")] == [
        1, 2, 3, 4, 5,
    ]
    assert [numbers[n] for n in ("title", "body", "stars", "slug", "owner")] == [6, 7, 8, 9, 10]
    assert all(columns[n].system for n in ("id", "created_at", "updated_at", "version", "deleted"))
    assert not columns["title"].system
    assert columns["body"].nullable and not columns["title"].nullable
    assert [c.number for c in notes.columns] == sorted(numbers.values())
    key = {column.name: column for column in tables["counters"].columns}["number"]
    assert key.number == 1 and key.system
    one = s.call("describe", table="notes").tables
    assert len(one) == 1 and one[0] == notes


def test_the_numbers_of_fields_are_those_of_the_row_type(s):
    for table in s.call("describe").tables:
        fields = s.contract.class_of(table.message_type).DESCRIPTOR.fields
        assert {f.name: f.number for f in fields} == {c.name: c.number for c in table.columns}
        assert all(f.has_presence for f in fields)


def test_reads_of_one_table_hold_up_while_another_is_written(s, shop):
    with Session(shop) as writer:
        ids = [
            writer.send("create", entity=writer.contract.entity("authors", name=str(n)))
            for n in range(300)
        ]
        for _ in range(30):
            s.page(TABLE, page_size=5)
        for id in ids:
            writer.answer(id)


def test_a_view_from_pages_equals_a_view_from_initial_rows(films_session):
    events = films_session.subscribe("movies").until_current()
    view = View().apply_all(events)
    assert view.of("movies") == by_id(films_session.rows("movies", page_size=7))
