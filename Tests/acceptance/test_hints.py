"""What a person at a command line is told: comments, and errors that say what was meant."""

import json
import re
import shlex

import pytest
from google.protobuf import descriptor_pb2, json_format

import server as servers
from contract import Contract
from errors import refused
from server import ROOT
from session import Session


# -- comments


def comments(file):
    """The comments of a FileDescriptorProto by name: `Movies.title`, `MoviesTable.Create`."""
    found = {}
    for location in file.source_code_info.location:
        names, at, path = [], file, list(location.path)
        while path:
            if len(path) < 2:
                break
            kind, index, *path = path
            if kind not in ((4, 6) if at is file else (2,)):
                break
            field = {4: "message_type", 6: "service"}.get(kind)
            if at is not file:
                field = "field" if isinstance(at, descriptor_pb2.DescriptorProto) else "method"
            at = getattr(at, field)[index]
            names.append(at.name)
        else:
            found[".".join(names)] = " ".join(location.leading_comments.split())
    return found


def told(server, symbol):
    file = Contract(server.channel()).database.FindFileContainingSymbol(symbol)
    return comments(descriptor_pb2.FileDescriptorProto.FromString(file.SerializeToString()))


def members(file, names):
    """Every message, service, field and method of a table, by name."""
    for message in file.message_type:
        if message.name in names:
            yield message.name
            yield from (f"{message.name}.{field.name}" for field in message.field)


def test_every_method_message_and_field_of_a_table_has_a_comment(films_server):
    file = descriptor_pb2.FileDescriptorProto.FromString(
        films_server.contract.database.FindFileContainingSymbol("tables.Movies").SerializeToString()
    )
    found = comments(file)
    names = [f"Movies{ending}" for ending in ("Replace", "Update", "Page", "Event")]
    missing = [name for name in members(file, names) if not found.get(name)]
    (service,) = [each for each in file.service if each.name == "MoviesTable"]
    missing += [m.name for m in service.method if not found.get(f"MoviesTable.{m.name}")]
    assert not missing


def test_system_fields_are_ignored_on_create_as_their_comments_say(shop):
    found = told(shop, "tables.SoftNotes")
    for field in ("created_at", "updated_at", "version", "deleted"):
        assert "gnored on create" in found[f"SoftNotes.{field}"]
        assert "gnored on create" in found[f"Counters.{field}"]
    assert "made by the server" in found["SoftNotes.id"]
    assert "next integer" in found["Counters.number"]
    assert "gnored on create" in found["StrictNotes.doubled"]


@pytest.mark.parametrize(
    "ours, theirs",
    [
        ("SoftNotesPage", ["QueryResponse"]), ("SoftNotesEvent", ["Change"]),
        ("SoftNotesUpdate", ["UpdateRequest"]), ("SoftNotesReplace", ["ReplaceRequest"]),
    ],
)
def test_comments_are_the_contracts_where_it_has_a_twin(shop, ours, theirs):
    contract, found = told(shop, "datasync.v1.Datasync"), told(shop, "tables.SoftNotes")
    twins = {name.split(".")[1]: text for name, text in contract.items() if name.split(".")[0] in theirs
             and "." in name and text}
    for name, text in found.items():
        message, _, field = name.partition(".")
        if message == ours and field in twins:
            assert text == twins[field].replace("the entity", "the row"), name
    if ours in ("SoftNotesUpdate", "SoftNotesReplace"):
        assert found[ours] == contract[theirs[0]].replace("the entity", "the row")


def test_the_proto_command_prints_the_comments(films_server):
    text = servers.run("proto", films_server.database).stdout
    assert "// The row after the change; on DELETE absent." in text
    assert "// Not 0: the write happens only if the stored row has exactly this version." in text
    assert "ignored on create" in text and "// Films, with their ratings and release dates." in text


@pytest.mark.parametrize("count, is_commented", [(200, True), (201, False)])
def test_a_database_of_many_tables_keeps_its_descriptor_small(serve, count, is_commented):
    sql = "".join(
        f"CREATE TABLE t{n} (id TEXT NOT NULL PRIMARY KEY, -- Mine.\n title TEXT);\n"
        for n in range(count)
    )
    server = serve("many.db", "--attach", sql=sql)
    file = server.contract.database.FindFileContainingSymbol("tables.T7")
    found = told(server, "tables.T7")
    assert ("T7Page.total" in found) == is_commented and "Mine." in found["T7.id"]
    assert file.ByteSize() < 2 * 1024 * 1024


# -- tables


def attempts(session):
    return {
        "get": lambda name: session.get(name, "x"),
        "query": lambda name: session.page(name),
        "delete": lambda name: session.delete(name, "x"),
        "commit": lambda name: session.call("commit", writes=[{"delete": {"table": name, "id": "x"}}]),
        "subscribe": lambda name: session.subscribe(name).next(),
        "describe": lambda name: session.call("describe", table=name),
    }


@pytest.mark.parametrize("kind", ["get", "query", "delete", "commit", "subscribe", "describe"])
def test_a_misspelt_table_is_told_what_was_meant(films_session, kind):
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as error:
        attempts(films_session)[kind]("movie")
    assert "did you mean 'movies'?" in error.message
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as error:
        attempts(films_session)[kind]("quite_another")
    assert "the tables are movies, todo_items" in error.message


def test_the_long_poll_names_the_tables_too(films_server):
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as error:
        films_server.unary("Changes", table="todo_item")
    assert "did you mean 'todo_items'?" in error.message


@pytest.mark.parametrize("kind", ["get", "query", "delete", "commit"])
def test_an_empty_table_is_told_which_there_are(films_session, kind):
    with refused("INVALID_ARGUMENT", "MISSING_TABLE") as error:
        attempts(films_session)[kind]("")
    assert "names no table; the tables are movies, todo_items" in error.message
    assert error.violations[0][0] == "table"


def test_a_misspelt_type_is_told_what_was_meant(films_session):
    with refused("INVALID_ARGUMENT", "UNKNOWN_TYPE") as error:
        films_session.call("create", entity=films_session.contract.any("tables.Movie", b""))
    assert "did you mean 'tables.Movies'?" in error.message


def test_of_many_tables_few_are_named(serve):
    sql = "".join(f"CREATE TABLE t{n:03} (id TEXT PRIMARY KEY);\n" for n in range(30))
    server = serve("many.db", "--attach", sql=sql)
    with refused("INVALID_ARGUMENT") as error:
        server.unary("Query")
    assert "the tables are t000, " in error.message and "t019 and 10 more" in error.message
    assert "t020" not in error.message


def test_a_misspelt_field_is_told_what_was_meant(films_session):
    with refused("INVALID_ARGUMENT", "BAD_SELECT") as error:
        films_session.page("movies", select=["titel"])
    assert "did you mean 'title'?" in error.message
    with refused("INVALID_ARGUMENT", "BAD_MASK") as error:
        films_session.update("movies", mask=["titel"], id="id-000")
    assert "did you mean 'title'?" in error.message


# -- filters


@pytest.mark.parametrize(
    "text, hint",
    [
        ("title = 'Jaws'", "write eq"), ("title == 'Jaws'", "write eq"),
        ("year != 1994", "write ne"), ("year<>1994", "write ne"), ("year < 1994", "write lt"),
        ("year >= 1994", "write ge"), ("year eq 1994 && duration gt 1", "write and"),
        ("year eq 1994 || duration gt 1", "write or"), ("!(year eq 1994)", "write not"),
        ('title eq "Jaws"', "texts stand in single quotes: 'Jaws'"),
        ("title eq Hello", "texts stand in single quotes: 'Hello'"),
        ("title eq Pulp Fiction and year eq 1994", "texts stand in single quotes: 'Pulp Fiction'"),
        ("title eq 12 Angry Men", "texts stand in single quotes: '12 Angry Men'"),
        ("title eq 1994", "texts stand in single quotes: '1994'"),
        ("title eq 'It's'", "a quote within a text is written twice"),
        ("year eq '1994'", "numbers stand without quotes: 1994"),
        ("best_picture_winner eq 1", "compare with true or false"),
        ("best_picture_winner eq 'true'", "compare with true or false"),
        ("best_picture_winner eq True", "write true"),
        ("rating eq NULL", "write null"), ("rating is null", "write eq null"),
        ("title like 'J%'", "write contains("), ("titel eq 'Jaws'", "did you mean 'title'?"),
    ],
)
def test_a_filter_of_another_language_is_told_how_it_is_written_here(films_session, text, hint):
    with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
        films_session.page("movies", filter=text)
    assert hint in error.message, error.message
    assert error.message == f"filter: {error.violations[0][1]}"


# -- rows


STRICT = """
CREATE TABLE films (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL CHECK (length(title) <= 5),
  year INTEGER NOT NULL CHECK (year BETWEEN 1888 AND 2100),
  shown DATE,
  at TIMESTAMP,
  price DECIMAL,
  cost DECIMAL,
  grade TEXT CHECK (grade IN ('A', 'B')),
  note TEXT NOT NULL DEFAULT ''
);
"""


@pytest.fixture
def films(serve):
    with Session(serve("films.db", "--attach", sql=STRICT)) as session:
        yield session


def fields(error):
    """The fields told of, each of which stands in the message with what is wrong with it."""
    for field, description in error.violations:
        assert f"{field}: {description}" in error.message
    return [field for field, _ in error.violations]


def test_every_value_that_no_column_takes_is_told_at_once(films):
    bad = {"shown": "1994-13-01", "grade": "C", "price": "x"}
    with refused("INVALID_ARGUMENT", "BAD_VALUE") as error:
        films.create("films", title="ok", **bad)
    assert sorted(fields(error)) == ["grade", "price", "shown", "year"]
    assert error.metadata["column"] == "shown"
    # An update without a mask leaves what is absent.
    with refused("INVALID_ARGUMENT", "BAD_VALUE") as error:
        films.update("films", id="1", **bad)
    assert sorted(fields(error)) == ["grade", "price", "shown"]


def test_every_value_that_sqlite_would_not_keep_is_told_at_once(films):
    bad = {"price": "1.2345678901234567890123", "cost": "9.2345678901234567890123"}
    with refused("INVALID_ARGUMENT", "BAD_VALUE") as error:
        films.create("films", title="ok", **bad)
    assert sorted(fields(error)) == ["cost", "price", "year"]
    films.create("films", id="1", title="ok", year=1994)
    with refused("INVALID_ARGUMENT", "BAD_VALUE") as error:
        films.update("films", id="1", mask=["title", "price", "cost"], **bad)
    assert sorted(fields(error)) == ["cost", "price", "title"]


def test_every_constraint_that_a_row_breaks_is_told_at_once(films):
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        films.create("films")
    assert fields(error) == ["title", "year"]
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        films.create("films", title="much too long", year=1700)
    assert fields(error) == ["title", "year"]
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        films.create("films", title="much too long", year=1994)
    assert fields(error) == ["title"]
    films.create("films", id="1", title="ok", year=1994)
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        films.update("films", id="1", mask=["title", "year", "note"], year=1700)
    assert sorted(fields(error)) == ["note", "title", "year"]
    assert films.get("films", "1")["title"] == "ok"


BAD_KEY = "a\nb"


def test_a_bad_key_is_told_with_the_values_in_the_order_of_fields(films):
    bad = {"shown": "1994-13-01", "price": "x"}
    # What only the store refuses, too.
    inexact = {"cost": "9.2345678901234567890123"}
    with refused("INVALID_ARGUMENT", "BAD_KEY") as error:
        films.create("films", id=BAD_KEY, title="ok", **bad, **inexact)
    assert fields(error) == ["id", "year", "shown", "price", "cost"]
    with refused("INVALID_ARGUMENT", "BAD_KEY") as error:
        films.create("films", id=BAD_KEY, title="ok", year=1994, **inexact)
    assert fields(error) == ["id", "cost"]
    with refused("INVALID_ARGUMENT", "MISSING_ID") as error:
        films.replace("films", title="ok", **bad, **inexact)
    assert fields(error) == ["id", "year", "shown", "price", "cost"]
    with refused("INVALID_ARGUMENT", "MISSING_ID") as error:
        films.update("films", **bad, **inexact)
    assert fields(error) == ["id", "shown", "price", "cost"]
    with refused("INVALID_ARGUMENT", "BAD_KEY") as error:
        films.update("films", id=BAD_KEY, options={"allow_missing": True}, **bad)
    assert fields(error) == ["id", "shown", "price"]
    # Nobody minds what is not written.
    with refused("INVALID_ARGUMENT", "MISSING_ID") as error:
        films.update("films", mask=["title"], title="x", **inexact)
    assert fields(error) == ["id"]


def test_every_bad_field_of_a_write_is_told_in_the_order_of_fields(films):
    entity, long_id = films.contract.entity, "m" * 65
    options = {"if_version": 1, "allow_missing": True, "mutation_id": long_id}
    with refused("INVALID_ARGUMENT", "MISSING_ID") as error:
        films.update("films", mask=["title", "no", "version", "title"], shown="x", options=options)
    told = ["id", "shown"] + ["update_mask"] * 3 + ["allow_missing", "mutation_id"]
    assert fields(error) == told
    with refused("INVALID_ARGUMENT", "MISSING_ID") as error:
        films.call("delete", table="films", id="", mutation_id=long_id)
    assert fields(error) == ["id", "mutation_id"]
    with refused("INVALID_ARGUMENT", "BAD_KEY") as error:
        films.call(
            "commit", writes=[
                {"create": {"entity": entity("films", id="1", title="ok", year=1994)}},
                {"create": {"entity": entity("films", id=BAD_KEY, title="ok", shown="x")}},
            ], mutation_id=long_id)
    assert fields(error) == ["id", "year", "shown", "mutation_id"]
    assert error.metadata["write_index"] == "1"


def test_every_bad_field_of_a_read_is_told_in_the_order_of_fields(films):
    with refused("INVALID_ARGUMENT", "MISSING_ID") as error:
        films.call("get", table="films", id="", select=["no", "year", "neither"])
    assert fields(error) == ["id", "select", "select"]
    with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
        films.page("films", filter="no eq 1", order_by="neither", select=["no", "no"])
    assert fields(error) == ["filter", "order_by", "select", "select"]
    with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
        films.call(
            "subscribe", table="films", filter="no eq 1", select=["no"], resume_token="x",
            min_interval={"seconds": -1}, heartbeat_interval={"seconds": -1})
    told = ["filter", "select", "resume_token", "min_interval", "heartbeat_interval"]
    assert fields(error) == told
    with refused("INVALID_ARGUMENT", "BAD_SELECT") as error:
        films.page("films", select=[f"no{n}" for n in range(5000)])
    assert len(error.violations) <= 20 and error.metadata["position"] == "1"


def test_of_very_many_faults_some_are_told(serve):
    columns = ", ".join(f"c{n} DATE" for n in range(30))
    server = serve("wide.db", "--attach", sql=f"CREATE TABLE t (id TEXT PRIMARY KEY, {columns})")
    with Session(server) as session:
        with refused("INVALID_ARGUMENT", "BAD_VALUE") as error:
            session.create("t", **{f"c{n}": "x" for n in range(30)})
        assert len(fields(error)) == 20 and error.message.endswith("; and 10 more")
    # The trailers of a call hold less than a session's messages.
    columns = ", ".join(f"{'long' * 20}{n} DATE" for n in range(30))
    server = serve("long.db", "--attach", sql=f"CREATE TABLE t (id TEXT PRIMARY KEY, {columns})")
    row = server.contract.entity("t", **{f"{'long' * 20}{n}": "x" * 64 for n in range(30)})
    with refused("INVALID_ARGUMENT", "BAD_VALUE") as error:
        server.unary("Create", entity=row)
    assert 5 < len(error.violations) < 20 and error.message.endswith(" more")


def test_a_version_that_differs_comes_with_both(films):
    written = films.create("films", id="1", title="ok", year=1994)
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
        films.update("films", id="1", year=1995, options={"if_version": 77})
    assert error.metadata["if_version"] == "77"
    assert error.metadata["version"] == str(written.sequence)
    assert (error.metadata["table"], error.metadata["id"]) == ("films", "1")


def test_what_is_not_there_is_told_alike_by_reads_and_writes(films):
    said = set()
    for attempt in (
        lambda: films.get("films", "no"), lambda: films.delete("films", "no"),
        lambda: films.update("films", id="no", year=1994),
    ):
        with refused("NOT_FOUND", "ROW_NOT_FOUND") as error:
            attempt()
        said.add(error.message)
    assert said == {'films has no row "no"'}


# -- the examples of the README


def examples():
    """Each grpcurl command of the README: the method, and the requests' JSON."""
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        for command in re.split(r"\n(?=grpcurl)", block.strip()):
            words = shlex.split(command, comments=True)
            if words[0] != "grpcurl" or "describe" in words:
                continue
            data = words[words.index("-d") + 1].strip() if "-d" in words else "{}"
            requests, decoder = [], json.JSONDecoder()
            while data:
                request, end = decoder.raw_decode(data)
                requests.append(request)
                data = data[end:].strip()
            yield words[-1], requests


def asked(server, path, requests):
    """The first answers to requests in JSON, as many as there are requests."""
    service, name = path.split("/")
    method = server.contract.method(service, name)
    types = [server.contract.class_of(t.full_name) for t in (method.input_type, method.output_type)]
    for request in requests:
        # grpcurl writes a mask as the message that it is.
        if "update_mask" in request:
            request["update_mask"] = ",".join(request["update_mask"]["paths"])
    messages = [
        json_format.ParseDict(request, types[0](), descriptor_pool=server.contract.pool)
        for request in requests
    ]
    call = server.shared_channel.stream_stream(
        f"/{path}", request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=types[1].FromString,
    )(iter(messages), timeout=30)
    answers = [
        json_format.MessageToDict(next(call), descriptor_pool=server.contract.pool)
        for _ in requests
    ]
    call.cancel()
    return answers


def test_the_readmes_examples_for_grpcurl_do_as_they_say(demo):
    answers = [
        (path, requests, asked(demo, path, requests)) for path, requests in examples()
    ]
    found = {path.rsplit("/")[-1]: answers for path, _, answers in answers}
    assert found["Create"][0]["title"] == "Milk" and not found["Create"][0]["completed"]
    assert found["Update"][0]["completed"] and found["Update"][0]["title"] == "Milk"
    assert found["Delete"][0] == found["Update"][0]
    assert all(row["rating"] == "R" and row["year"] == "1994" for row in found["Query"][0]["rows"])
    assert found["Watch"][0]["checkpoint"]["current"]
    assert any("min_interval" in request for _, requests, _ in answers for request in requests)
    session = {answer["requestId"]: answer for answer in found["Session"]}
    assert list(session) == ["1", "2", "3", "4", "5"]
    assert session["3"]["get"]["entity"]["completed"] and session["4"]["query"]["entities"]
    assert "status" not in str(session)
