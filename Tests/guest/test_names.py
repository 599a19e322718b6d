"""Names: the owner's columns keep theirs, whatever ours are called beside them. No schema breaks."""

import pathlib
import subprocess
import sys

import pytest
from grpc_tools import protoc

from contract import Contract
from errors import refused
from server import ROOT, run
from session import Session

SYSTEM = {2: "created_at", 3: "updated_at", 4: "version", 5: "deleted"}
# The owner's columns; the names that system fields 2 to 5 then have.
BESIDE = [
    ("created_at DATETIME", {2: "datasync_created_at"}),
    ("CREATED_AT TEXT", {2: "datasync_created_at"}),
    ("createdAt TEXT", {2: "datasync_created_at"}),
    ("createdat TEXT", {2: "datasync_created_at"}),
    ("updated_at TEXT, updatedAt TEXT", {3: "datasync_updated_at"}),
    ("version INTEGER", {4: "datasync_version"}),
    ("Version TEXT", {4: "datasync_version"}),
    ("deleted BOOLEAN", {5: "datasync_deleted"}),
    ("_deleted INTEGER", {5: "datasync_deleted"}),
    ("created_at TEXT, datasync_created_at TEXT", {2: "datasync_created_at_2"}),
    ("created_at TEXT, datasync_created_at TEXT, datasync_created_at_2 TEXT", {2: "datasync_created_at_3"}),
    ("version INTEGER, datasyncVersion INTEGER", {4: "datasync_version_2"}),
    ("created_at TEXT, updated_at TEXT, version INTEGER, deleted INTEGER",
     {2: "datasync_created_at", 3: "datasync_updated_at", 4: "datasync_version", 5: "datasync_deleted"}),
    ("created TEXT, update_at TEXT, versions TEXT, is_deleted BOOLEAN", {}),
]


def descriptor(served, table="t"):
    """What reflection says of the table's message, on a connection of its own."""
    return Contract(served.server.channel()).class_of(served.table(table).message_type).DESCRIPTOR


@pytest.mark.parametrize("columns, renamed", BESIDE, ids=[c for c, _ in BESIDE])
def test_a_system_field_gives_way_to_a_column_of_its_name(guest, columns, renamed):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns}, title TEXT);")
    expected = {**SYSTEM, **renamed}
    names = {f.number: f.name for f in descriptor(served).fields}
    assert {n: names[n] for n in SYSTEM} == expected
    described = {c.number: c for c in served.table("t").columns}
    assert {n: described[n].name for n in SYSTEM} == expected
    assert all(described[n].system for n in SYSTEM)
    written = served.session.create("t", title="a")
    assert written.row[expected[4]] == written.sequence
    # The system fields are found under their names in filters, orders and selections.
    version, created = expected[4], expected[2]
    page = served.session.page("t", filter=f"{version} eq {written.sequence}", order_by=f"{created} desc",
                               select=[version, created])
    assert page.rows == [{"id": 1, version: written.sequence, created: written.row[created]}]
    with refused("INVALID_ARGUMENT", "BAD_MASK"):
        served.session.update("t", [version], id=1)


@pytest.mark.parametrize("columns, renamed", [b for b in BESIDE if b[1]], ids=[c for c, r in BESIDE if r])
def test_the_owners_column_of_that_name_is_one_like_any_other(guest, columns, renamed):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns}, title TEXT);")
    served.watch("t")
    for column in columns.split(", "):
        name, kind = column.split()
        value = {"DATETIME": 1_320_091_200_000_000, "INTEGER": 7, "BOOLEAN": True}.get(kind, "mine")
        # The second of two that meet has another name as a field.
        field = next(c for c in served.table("t").columns
                     if not c.system and (c.stored_name or c.name) == name)
        column, name = name, field.name
        assert not field.system and field.number > 5
        row = served.session.create("t", **{name: value}).row
        assert row[name] == value
        served.session.update("t", [name], id=row["id"])
        assert name not in served.session.get("t", str(row["id"]))
        assert served.sql(f"SELECT {column} FROM t") == [(None,)]
        served.session.update("t", id=row["id"], **{name: value})
        assert served.session.page("t", filter=f"{name} ne null", count=True).total == 1
        served.session.delete("t", str(row["id"]))
    served.exact()


def test_a_key_may_have_the_name_of_a_system_field(guest):
    served = guest("CREATE TABLE t (version INTEGER PRIMARY KEY, x TEXT);"
                   "CREATE TABLE u (created_at TEXT PRIMARY KEY);")
    names = {f.number: f.name for f in descriptor(served).fields}
    assert (names[1], names[4]) == ("version", "datasync_version")
    assert served.session.create("t", x="a").row["version"] == 1
    assert served.session.create("u", created_at="k").row["created_at"] == "k"


ODD = {
    "unit price": "REAL", "2nd": "TEXT", "a-b": "TEXT", "ünï": "TEXT", "": "TEXT", "with\"quote": "TEXT",
    "dotted.name": "TEXT", " lead": "TEXT", "日本": "TEXT", "a b": "TEXT", "tab\t": "TEXT", "$x": "TEXT",
}


def sql_of(columns):
    return ", ".join('"' + name.replace('"', '""') + f'" {kind}' for name, kind in columns.items())


def test_a_column_whose_name_is_no_identifier_gets_its_number(guest):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {sql_of(ODD)}, title TEXT);")
    stored = {c.stored_name: c for c in served.table("t").columns if not c.system}
    assert set(ODD) - {""} <= set(stored), sorted(stored)
    for name in set(ODD) - {""}:
        assert stored[name].name == f"column_{stored[name].number}", name
    by_name = {c.name: c for c in served.table("t").columns}
    assert by_name["title"].stored_name in ("", "title")
    fields = {c.name: "v" for c in stored.values() if c.name.startswith("column_")}
    price = stored["unit price"].name
    fields[price] = 1.5
    written = served.session.create("t", **fields)
    assert {name: written.row[name] for name in fields} == fields
    assert served.sql('SELECT "unit price", "2nd", "ünï" FROM t') == [(1.5, "v", "v")]
    served.watch("t", filter=f"{price} gt 1", select=[price])
    served.sql('UPDATE t SET "unit price" = 2.5')
    (change,) = served.exact()
    assert change.changed_fields == [price] and change.row[price] == 2.5
    with refused("INVALID_ARGUMENT"):
        served.session.page("t", filter="2nd eq 'v'")


def test_a_column_that_meets_an_earlier_ones_name_gets_its_number(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, unit_price REAL, unitPrice REAL, Unit_Price_ REAL,"
        ' column_9 TEXT, "x y" TEXT);'
    )
    columns = {c.number: c for c in served.table("t").columns}
    names = {c.stored_name or c.name: c.name for c in columns.values()}
    assert names["unit_price"] == "unit_price"
    for stored in ("unitPrice", "Unit_Price_", "x y"):
        number = next(n for n, c in columns.items() if c.stored_name == stored)
        assert names[stored] in (f"column_{number}", f"column_{number}_2"), names
    json = [f.json_name.lower() for f in descriptor(served).fields]
    assert len(set(json)) == len(json)


def test_a_name_of_a_number_that_is_taken_gets_a_two(guest):
    served = guest('CREATE TABLE t (id INTEGER PRIMARY KEY, column_7 TEXT, "x y" TEXT);')
    columns = {c.stored_name or c.name: c for c in served.table("t").columns}
    assert (columns["x y"].number, columns["x y"].name) == (7, "column_7_2")
    assert columns["column_7"].number == 6


def test_names_of_schemas_and_messages_survive_a_restart_and_the_command_line(guest):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, createdAt TEXT, {sql_of(ODD)});")
    before = {c.number: (c.name, c.stored_name) for c in served.table("t").columns}
    served.restart()
    assert {c.number: (c.name, c.stored_name) for c in served.table("t").columns} == before
    printed = run("proto", served.path)
    assert printed.returncode == 0, printed.stderr
    for _, (name, stored) in before.items():
        assert f" {name} = " in printed.stdout, f"{name} is not in the .proto file"
        if stored and stored.isprintable():
            assert stored in printed.stdout, f"the comment does not name {stored!r}"


def test_the_exported_file_is_one_that_protoc_takes(guest, tmp_path):
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, createdAt TEXT, created_at TEXT, {sql_of(ODD)});"
        'CREATE TABLE "order items" (id TEXT PRIMARY KEY, "message" TEXT, "package" TEXT, "optional" TEXT);'
    )
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "tables.proto").write_text(run("proto", served.path).stdout)
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    done = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path}", f"-I{include}", f"-I{ROOT / 'proto'}",
         f"--python_out={out}", "tables.proto"], capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name, json", [("created_on", "createdOn"), ("a_b_c", "aBC"), ("x__y", "xY")])
def test_masks_take_the_json_name_too(guest, name, json):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {name} TEXT); INSERT INTO t VALUES (1, 'a');")
    served.session.update("t", [json], id=1, **{name: "b"})
    assert served.sql(f"SELECT {name} FROM t") == [("b",)]


def test_masks_take_the_snake_case_that_json_makes_of_a_name(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, dueDate TEXT); INSERT INTO t VALUES (1, 'a');")
    served.session.update("t", ["due_date"], id=1, dueDate="b")
    assert served.sql("SELECT dueDate FROM t") == [("b",)]


def test_a_column_added_later_takes_its_name_from_a_system_field(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a');")
    watch = served.watch("t")
    before = served.session.get("t", "1")
    served.sql("ALTER TABLE t ADD COLUMN version INTEGER DEFAULT 3")
    served.until_fields("t", lambda fields: "version" in fields and fields["version"].number > 5,
                        "the added column is not served under its own name")
    # As after any change of the schema that its reader could misread.
    with pytest.raises(Exception) as ended:
        watch.change(10)
    assert ended.type.__name__ in ("Refused", "Ended"), ended.value
    served.anew()
    assert served.system("t", 4) == "datasync_version"
    row = served.session.get("t", "1")
    assert (row["version"], row["datasync_version"]) == (3, before["version"])
    served.watch("t")
    served.sql("UPDATE t SET version = 4")
    assert served.exact()[0].changed_fields == ["version"]


@pytest.mark.parametrize("name", ["datasync_x", "DATASYNC_rows2", "datasync_"])
def test_a_table_named_as_ours_are_is_the_owners(guest, name):
    served = guest(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY);")
    assert name not in served.tables() and "t" in served.tables()
    assert any(table == name for table, _ in served.not_served()), served.not_served()
    served.sql(f"INSERT INTO {name} VALUES (1, 'a')")
    with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
        served.session.page(name)


KEYWORDS = ["order", "select", "group", "from", "table", "message", "package", "import", "class", "None",
            "true", "optional", "oneof", "descriptor", "id2", "string", "any", "not", "and", "in", "null", "now"]


def test_no_schema_makes_an_invalid_descriptor(guest, seeded):
    """Random columns out of names that meet each other in every way."""
    parts = ["created", "at", "At", "AT", "_", "__", "version", "column", "6", "7", "_7", "datasync", " ", "deleted"]
    tables = []
    for n in range(40):
        names = {}
        for _ in range(seeded.randrange(1, 9)):
            name = "".join(seeded.choice(parts) for _ in range(seeded.randrange(1, 5)))
            if name.lower() != "id":
                names.setdefault(name.lower(), name)
        columns = sql_of({name: "TEXT" for name in names.values()})
        tables.append(f"CREATE TABLE r{n} (id INTEGER PRIMARY KEY, {columns});")
    tables.append(f"CREATE TABLE words (id INTEGER PRIMARY KEY, {sql_of({k: 'TEXT' for k in KEYWORDS})});")
    served = guest("".join(tables))
    for n in range(40):
        message = descriptor(served, f"r{n}")
        folded = [f.name.replace("_", "").lower() for f in message.fields]
        assert len(set(folded)) == len(folded), [f.name for f in message.fields]
        values = {f.name: "v" for f in message.fields if f.number > 5}
        row = served.session.create(f"r{n}", **values).row
        assert {k: row[k] for k in values} == values
    assert len(descriptor(served, "words").fields) == 5 + len(KEYWORDS)
    # Each can be named in a filter, a reserved word of the language or not.
    with Session(served.server) as session:
        session.contract._row_types.update(served.session.contract._row_types)
        kind = session.contract.row_type("words")
        row = session.contract.new(kind, **{k: "v" for k in KEYWORDS})
        session.call("create", entity=session.contract.any(kind, row.SerializeToString()))
        for word in KEYWORDS:
            if word not in ("not", "null", "true", "now"):
                assert session.page("words", filter=f"{word} eq 'v'", count=True).total == 1, word
