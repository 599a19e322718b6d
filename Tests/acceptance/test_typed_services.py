"""Each table's own service, with the rows themselves as messages."""

import pytest

from contract import plain
from errors import refused
from session import Session, by_id

NOTES = "NotesTable"


@pytest.fixture
def s(shop_session):
    return shop_session


def fields_of(contract, name):
    return {f.name: f.number for f in contract.class_of(name).DESCRIPTOR.fields}


def test_reflection_describes_the_services_messages(shop):
    contract = shop.contract
    assert fields_of(contract, "tables.NotesReplace") == {
        "row": 1, "if_version": 2, "allow_missing": 3, "include_deleted": 4, "mutation_id": 5,
    }
    assert fields_of(contract, "tables.NotesUpdate") == {
        "row": 1, "update_mask": 2, "if_version": 3, "allow_missing": 4, "include_deleted": 5,
        "mutation_id": 6,
    }
    assert {"rows": 1, "next_page_token": 2, "total": 3, "resume_token": 4, "errors": 5}.items() <= fields_of(
        contract, "tables.NotesPage"
    ).items()
    assert fields_of(contract, "tables.NotesEvent") == {
        "operation": 1, "id": 2, "row": 3, "previous": 4, "sequence": 5, "changed_fields": 6,
        "own": 7, "more": 8, "initial": 9, "left_view": 10, "origin": 11, "committed_at": 12,
        "checkpoint": 13, "unreadable": 14,
    }
    methods = contract.pool.FindServiceByName("tables.NotesTable").methods_by_name
    assert {
        name: (m.input_type.full_name, m.output_type.full_name, m.server_streaming)
        for name, m in methods.items()
    } == {
        "Create": ("tables.Notes", "tables.Notes", False),
        "Get": ("datasync.v1.GetRequest", "tables.Notes", False),
        "Replace": ("tables.NotesReplace", "tables.Notes", False),
        "Update": ("tables.NotesUpdate", "tables.Notes", False),
        "Delete": ("datasync.v1.DeleteRequest", "tables.Notes", False),
        "Query": ("datasync.v1.QueryRequest", "tables.NotesPage", False),
        "Watch": ("datasync.v1.SubscribeRequest", "tables.NotesEvent", True),
    }


def test_a_row_is_created_read_updated_replaced_and_deleted(shop, s):
    def written(method, **fields):
        row, trailers = shop.unary_with_trailers(method, service=f"tables.{NOTES}", **fields)
        return plain(row), int(trailers["datasync-sequence"])

    row, sequence = written("Create", title="typed", stars=1)
    assert row["title"] == "typed" and row["version"] == sequence
    id = row["id"]
    assert plain(shop.typed(NOTES, "Get", id=id)) == row == s.get("notes", id)
    row, sequence = written("Update", row={"id": id, "title": "changed"}, if_version=sequence)
    assert row["title"] == "changed" and row["stars"] == 1 and row["version"] == sequence
    row, sequence = written("Update", row={"id": id}, update_mask={"paths": ["stars"]})
    assert "stars" not in row and row["version"] == sequence
    row, sequence = written("Replace", row={"id": id, "title": "anew"})
    assert row["stars"] == 3 and row["version"] == sequence
    gone, deleted = written("Delete", id=id)
    assert gone["title"] == "anew" and deleted == sequence + 1
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        shop.typed(NOTES, "Get", id=id)


def test_errors_come_with_their_details(shop):
    row = shop.typed(NOTES, "Create", id="typed-taken", title="first")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        shop.typed(NOTES, "Create", id="typed-taken", title="second")
    assert error.row == plain(row)
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
        shop.typed(NOTES, "Update", row={"id": "typed-taken", "title": "x"}, if_version=2**62)
    assert error.row == plain(row)
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION"):
        shop.typed(NOTES, "Create", stars=77)
    with refused("INVALID_ARGUMENT", "BAD_MASK"):
        shop.typed(
            NOTES, "Update", row={"id": "typed-taken"}, update_mask={"paths": ["nonsense"]}
        )
    with refused("INVALID_ARGUMENT"):
        shop.typed(NOTES, "Update", update_mask={"paths": ["title"]})
    with refused("INVALID_ARGUMENT"):
        shop.typed(NOTES, "Replace")


def test_the_table_is_left_empty_and_another_one_is_refused(shop):
    shop.typed(NOTES, "Create", id="typed-own", title="x")
    for method, fields in (
        ("Get", {"id": "typed-own"}), ("Query", {}), ("Delete", {"id": "typed-own"}),
    ):
        with refused("INVALID_ARGUMENT"):
            shop.typed(NOTES, method, table="authors", **fields)
    with refused("INVALID_ARGUMENT"):
        shop.typed(NOTES, "Get", id="typed-own", unless_version=1)
    assert shop.typed(NOTES, "Get", id="typed-own").title == "x"
    with pytest.raises(Exception) as caught:
        next(shop.stream("Watch", service=f"tables.{NOTES}", table="authors", once=True))
    assert caught.value.code().name == "INVALID_ARGUMENT"


def test_a_query_pages_through_the_rows_themselves(films_server):
    rows, token = [], ""
    while True:
        page = films_server.typed(
            "MoviesTable", "Query", filter="year ge 2000", order_by="duration desc",
            page_size=20, page_token=token, count=True,
        )
        rows += [plain(row) for row in page.rows]
        assert page.resume_token
        token = page.next_page_token
        if not token:
            break
    with Session(films_server) as session:
        assert rows == session.rows("movies", filter="year ge 2000", order_by="duration desc")
    assert page.total == len(rows)


def test_watch_gives_the_rows_and_then_the_changes(shop, s):
    for row in s.rows("authors", filter="name eq 'watched'"):
        s.delete("authors", row["id"])
    first = s.create("authors", name="watched")
    call = shop.stream(
        "Watch", service="tables.AuthorsTable", filter="name eq 'watched'", previous=True
    )
    operations = {1: "ADD", 2: "UPDATE", 3: "DELETE"}
    event = next(call)
    assert operations[event.operation] == "ADD" and event.initial
    assert plain(event.row) == first.row and event.id == first.id
    assert event.sequence == first.sequence
    event = next(call)
    assert event.HasField("checkpoint") and event.checkpoint.current and event.operation == 0
    assert not event.id and not event.HasField("row")
    changes = (event for event in call if not event.HasField("checkpoint"))
    other = s.update("authors", id=first.id, name="out")
    event = next(changes)
    assert operations[event.operation] == "DELETE" and event.left_view
    assert plain(event.previous) == first.row and event.sequence == other.sequence
    assert event.committed_at.seconds > 0 and event.origin and not event.own
    back = s.update("authors", id=first.id, name="watched")
    event = next(changes)
    assert operations[event.operation] == "ADD" and plain(event.row) == back.row
    call.cancel()


def test_watch_once_ends_ok(shop):
    call = shop.stream("Watch", service=f"tables.{NOTES}", once=True)
    rows = {}
    for event in call:
        if not event.HasField("checkpoint"):
            rows[event.id] = plain(event.row)
    assert call.code().name == "OK"
    with Session(shop) as session:
        assert rows == by_id(session.rows("notes"))


def test_a_mutation_id_works_in_replace_update_and_delete(shop):
    metadata = [("datasync-client-id", "typed")]
    shop.typed(NOTES, "Create", id="typed-once", title="x")
    fields = {"row": {"id": "typed-once", "title": "y"}, "mutation_id": "tm"}
    first = shop.typed(NOTES, "Update", metadata, **fields)
    shop.typed(NOTES, "Update", row={"id": "typed-once", "title": "z"})
    assert shop.typed(NOTES, "Update", metadata, **fields) == first
    assert shop.typed(NOTES, "Get", id="typed-once").title == "z"


def test_a_row_reads_in_json_like_the_table(shop):
    row = shop.typed(NOTES, "Create", title="json", stars=4)
    json = shop.contract.json(row)
    assert json["title"] == "json" and json["stars"] == "4" and json["version"].isdigit()
    assert json["created_at"].endswith("Z")


def test_an_unknown_tables_service_is_unimplemented(shop):
    for path in ("/tables.NothingTable/Create", "/tables.NotesTable/Nothing", "/tables.Notes/Get"):
        with refused("UNIMPLEMENTED"):
            shop.raw_unary(path, b"")
