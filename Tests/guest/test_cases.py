"""What others do to the database, as people report it from their own: each must go through."""

import os
import time

import grpc
import pytest

import owner
from contract import Contract
from owner import attach, connect, detach, execute, refuses
from picture import Unreadable
from served import MARKS, Served
from server import run, until
from session import Session

MEGABYTE = 1 << 20


# -- names that meet in JSON

MEETING = {
    "camel case": 'createdAt DATETIME, "updatedAt" DATETIME',
    "upper case": "CREATED_AT DATETIME, Updated_At DATETIME, VERSION INTEGER, Deleted BOOLEAN",
    "no underscore": "createdat DATETIME, updatedat TEXT",
    "more underscores": "created__at DATETIME, _version INTEGER, deleted_ BOOLEAN",
    "two of the owner's": "unit_price REAL, unitPrice REAL, UNIT_PRICE_ REAL",
    "one of each": "created_at TEXT, createdAt TEXT, datasync_created_at TEXT, datasyncCreatedAt TEXT",
}


@pytest.mark.parametrize("columns", MEETING.values(), ids=MEETING.keys())
def test_names_that_meet_in_json_break_no_table(guest, columns):
    served = guest(
        f"CREATE TABLE posts (id INTEGER PRIMARY KEY, {columns}, title TEXT);"
        "CREATE TABLE plain (id INTEGER PRIMARY KEY, title TEXT);"
        "INSERT INTO posts (id, title) VALUES (1, 'a');"
    )
    for _ in range(2):
        contract = Contract(served.server.channel())
        for name in ("posts", "plain"):
            fields = contract.class_of(served.table(name).message_type).DESCRIPTOR.fields
            names = [f.name.replace("_", "").lower() for f in fields]
            assert len(set(names)) == len(names), f"names that meet in JSON: {names}"
            assert {f.number for f in fields} >= {1, 2, 3, 4, 5}
        assert served.answers("posts")[0]["1"]["title"] == "a"
        served.restart()


# -- the owner's columns by the names of ours


@pytest.mark.parametrize("how", ["shell", "python"])
def test_the_owners_times_are_written_by_the_owner_alone(guest, how):
    served = guest(
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, created_at DATETIME NOT NULL,"
        " updated_at DATETIME, version INTEGER DEFAULT 1, deleted BOOLEAN DEFAULT 0);"
    )
    watch = served.watch("posts")
    insert = ("INSERT INTO posts (title, created_at, updated_at) VALUES"
              " ('t', '2011-10-31 20:00:00.123456', '2012-01-02 03:04:05')")
    served.shell(insert) if how == "shell" else served.sql(insert)
    (change,) = served.exact()
    assert change.row["title"] == "t" and change.row["version"] == 1
    assert change.row[served.system("posts", 4)] == change.sequence
    served.session.update("posts", id=1, title="u")
    served.sql("UPDATE posts SET title = 'v' WHERE id = 1")
    served.exact()
    assert watch.picture.of("posts")["1"]["title"] == "v"
    assert served.sql("SELECT title, created_at, updated_at, version, deleted FROM posts") == [
        ("v", "2011-10-31 20:00:00.123456", "2012-01-02 03:04:05", 1, 0)
    ]


# -- positional INSERT, SELECT *


@pytest.mark.parametrize("while_served", [True, False], ids=["served", "attached"])
def test_who_counts_columns_counts_what_was_there(tmp_path, while_served):
    path = owner.create(tmp_path / "a.db", """
        CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);
        CREATE TABLE audit (id INTEGER, x TEXT);
        CREATE TABLE copies (id INTEGER PRIMARY KEY, x TEXT);
        CREATE VIEW v AS SELECT * FROM t;
        CREATE TRIGGER keep AFTER INSERT ON t BEGIN INSERT INTO audit SELECT * FROM t WHERE id = NEW.id; END;
        INSERT INTO t VALUES (9, 'nine');""")
    served = Served(path, "--attach") if while_served else attach(path) and None
    try:
        connection = connect(path)
        cursor = connection.execute("INSERT INTO t VALUES (1, 'a')")
        assert (cursor.lastrowid, connection.execute("SELECT changes()").fetchone()) == (1, (1,))
        assert connection.execute("INSERT INTO t VALUES (2, 'b') RETURNING *").fetchall() == [(2, "b")]
        connection.execute("INSERT INTO t (x) VALUES ('c')")
        assert connection.execute("SELECT last_insert_rowid(), max(id) FROM t").fetchone() == (10, 10)
        connection.execute("INSERT INTO copies SELECT * FROM t")
        assert connection.execute("SELECT count(*) FROM copies NATURAL JOIN t").fetchone() == (4,)
        assert connection.execute("UPDATE t SET x = x || '!'").rowcount == 4
        assert connection.execute("DELETE FROM t WHERE id > 1").rowcount == 3
        assert connection.execute("SELECT * FROM v").fetchall() == [(1, "a!")]
        assert connection.execute("SELECT * FROM audit ORDER BY id").fetchall() == [
            (1, "a"), (2, "b"), (9, "nine"), (10, "c")
        ]
        before = connection.total_changes
        connection.execute("INSERT INTO t VALUES (5, 'e')")
        # The row, and the one of the owner's trigger; ours may count there, nowhere else.
        assert connection.total_changes - before >= 2
        connection.close()
        if served:
            assert served.answers("t")[0].keys() == {"1", "5"}
            assert served.answers("copies")[0].keys() == {"1", "2", "9", "10"}
    finally:
        served.close() if served else None


# -- a migration statement by statement

WAYS = {
    "copy and back": [
        "CREATE TABLE authors_backup (id INTEGER PRIMARY KEY, name TEXT, born DATE)",
        "INSERT INTO authors_backup SELECT id, name, born FROM authors",
        "DROP TABLE authors",
        "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, born DATE)",
        "INSERT INTO authors SELECT * FROM authors_backup",
        "DROP TABLE authors_backup",
    ],
    "by CREATE TABLE AS": [
        "CREATE TABLE authors_backup AS SELECT * FROM authors",
        "DROP TABLE authors",
        "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, born DATE)",
        "INSERT INTO authors SELECT * FROM authors_backup",
        "DROP TABLE authors_backup",
    ],
    "in one transaction": [
        "BEGIN IMMEDIATE",
        "CREATE TABLE authors_backup (id INTEGER PRIMARY KEY, name TEXT, born DATE)",
        "INSERT INTO authors_backup SELECT * FROM authors",
        "DROP TABLE authors",
        "ALTER TABLE authors_backup RENAME TO authors",
        "COMMIT",
    ],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_migration_goes_through_statement_by_statement(guest, way):
    served = guest(
        "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, born DATE);"
        "INSERT INTO authors VALUES (1, 'a', '1900-01-01'), (2, 'b', NULL);"
    )
    before = {name: c.number for name, c in served.fields("authors").items()}
    kind, token = served.table("authors").message_type, served.token("authors")
    connection = connect(served.path)
    for statement in WAYS[way]:
        connection.execute(statement)
        time.sleep(0.5)
    connection.close()
    served.until_begun_anew("authors", token)
    assert served.table("authors").message_type == kind
    assert {name: c.number for name, c in served.fields("authors").items()} == before
    rows, errors = served.answers("authors")
    assert {id: row.get("name") for id, row in rows.items()} == {"1": "a", "2": "b"} and not errors
    assert owner.columns(served.path, "authors") == ["id", "name", "born"]
    served.watch("authors")
    served.session.create("authors", id=3, name="c")
    served.sql("INSERT INTO authors VALUES (4, 'd', NULL)")
    assert {e.id for e in served.exact() if hasattr(e, "id")} == {"3", "4"}
    assert served.sql("SELECT * FROM authors WHERE id > 2 ORDER BY id") == [(3, "c", None), (4, "d", None)]


# -- unfit values

UNFIT = {
    "time": ("DATETIME", "'not a time'", "'2011-10-31 20:00:00'"),
    "date": ("DATE", "'2011-02-30'", "'2011-02-28'"),
    "clock": ("TIME", "'noon'", "'12:00:00'"),
    "boolean": ("BOOLEAN", "'perhaps'", "1"),
    "integer": ("INTEGER", "'many'", "5"),
    "blob in text": ("TEXT", "x'61'", "'a'"),
    "no UTF-8": ("TEXT", "CAST(x'ff' AS TEXT)", "'a'"),
    "text with a NUL": ("TEXT", "'a' || char(0) || 'b'", "'a'"),
    "uuid": ("UUID", "'123'", "'123e4567-e89b-12d3-a456-426614174abc'"),
    "decimal": ("DECIMAL TEXT", "'cheap'", "'1.50'"),
}


@pytest.mark.parametrize("declared, bad, good", UNFIT.values(), ids=UNFIT.keys())
def test_a_row_with_an_unfit_value_is_told_of_and_never_in_the_view(guest, declared, bad, good):
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared}, other TEXT);"
        f"INSERT INTO t VALUES (1, {good}, 'a'), (2, {bad}, 'b');"
    )
    watch = served.watch("t")
    assert watch.picture.errors_of("t").keys() == {"2"}
    assert watch.picture.errors_of("t")["2"].metadata["column"] == "v"
    assert watch.picture.of("t").keys() == {"1"}
    served.sql("UPDATE t SET other = 'c' WHERE id = 2")
    assert served.exact() == [], "nothing that a client sees has changed"
    served.sql(f"UPDATE t SET v = {bad} WHERE id = 1")
    gone, told = served.exact()
    assert (gone.operation, gone.left_view, gone.sequence) == ("DELETE", True, told.sequence)
    assert isinstance(told, Unreadable) and told.id == "1"
    served.sql(f"UPDATE t SET v = {good} WHERE id = 2")
    (back,) = served.exact()
    assert (back.operation, back.id, back.row["other"]) == ("ADD", "2", "c")
    served.sql("DELETE FROM t WHERE id = 1")
    (gone,) = served.exact()
    assert isinstance(gone, Unreadable) and gone.reason is None and gone.id == "1"


# -- REPLACE

INTO = "INSERT OR REPLACE INTO t (id, mail) VALUES (2, 'A@x')"
REPLACES = {
    "expression index": ("CREATE UNIQUE INDEX u ON t (lower(mail));", INTO),
    "collation": ("CREATE UNIQUE INDEX u ON t (mail COLLATE NOCASE);", INTO),
    "partial index": ("CREATE UNIQUE INDEX u ON t (lower(mail)) WHERE mail <> '';", INTO),
    "two columns": ("CREATE UNIQUE INDEX u ON t (lower(mail), n);",
                    "REPLACE INTO t (id, mail, n) VALUES (2, 'A@x', 7)"),
    "update or replace": ("CREATE UNIQUE INDEX u ON t (lower(mail)); INSERT INTO t VALUES (2, 'b@x', 7);",
                          "UPDATE OR REPLACE t SET mail = 'A@X' WHERE id = 2"),
    "by the key": ("", "UPDATE OR REPLACE t SET id = 1 WHERE id = 3"),
    "upsert that replaces": ("CREATE UNIQUE INDEX u ON t (lower(mail));",
                             "INSERT OR REPLACE INTO t (id, mail) VALUES (2, 'A@x')"
                             " ON CONFLICT (id) DO NOTHING"),
    "many at once": ("CREATE UNIQUE INDEX u ON t (lower(mail));",
                     "INSERT OR REPLACE INTO t (id, mail) SELECT id + 10, upper(mail) FROM t"),
    "from a trigger": ("CREATE UNIQUE INDEX u ON t (lower(mail));"
                       "CREATE TRIGGER other AFTER INSERT ON side BEGIN"
                       " INSERT OR REPLACE INTO t (id, mail) VALUES (NEW.id, NEW.mail); END;",
                       "INSERT INTO side VALUES (2, 'A@x')"),
    "from a trigger of a replace": ("CREATE TRIGGER other AFTER INSERT ON side BEGIN"
                                    " INSERT INTO t (id, mail) VALUES (1, NEW.mail); END;",
                                    "INSERT OR REPLACE INTO side VALUES (2, 'A@x')"),
    "with recursive triggers": ("CREATE UNIQUE INDEX u ON t (lower(mail));",
                                f"PRAGMA recursive_triggers = ON; {INTO}"),
}


@pytest.mark.parametrize("setup, statement", REPLACES.values(), ids=REPLACES.keys())
@pytest.mark.parametrize("rowid", ["", " WITHOUT ROWID"], ids=["rowid", "without rowid"])
def test_a_row_that_a_replace_removes_leaves_the_view(guest, rowid, setup, statement):
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, n INTEGER DEFAULT 7){rowid};"
        "CREATE TABLE side (id INTEGER PRIMARY KEY, mail TEXT);"
        f"INSERT INTO t VALUES (1, 'a@x', 7), (3, 'c@x', 7); {setup}"
    )
    watch = served.watch("t")
    served.sql(*statement.split("; "))
    events = served.exact()
    stored = {str(id): mail for id, mail in served.sql("SELECT id, mail FROM t")}
    assert {id: row["mail"] for id, row in watch.picture.of("t").items()} == stored
    told = [e.id for e in events]
    assert len(told) == len(set(told)), f"a row twice in one commit: {events}"
    assert not [e for e in events[:-1] if not e.more] and not events[-1].more, events


def test_a_row_without_a_key_hides_none_that_a_replace_removes(guest):
    """One commit holds both: what compares keys must not be thrown by a NULL."""
    served = guest(
        "CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER, s TEXT); CREATE UNIQUE INDEX u ON t (s);"
        "INSERT INTO t VALUES ('a', 1, 'x'), ('b', 2, NULL);"
    )
    watch = served.watch("t")
    served.transaction("REPLACE INTO t VALUES ('b', 3, 'x')", "INSERT INTO t VALUES (NULL, 4, 'y')")
    served.exact()
    assert watch.picture.of("t").keys() == {"b"}
    assert served.answers("t")[0].keys() == {"b"}


def test_a_replaced_row_under_its_own_key_is_an_update_that_keeps_its_beginning(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT); INSERT INTO t VALUES (1, 'a');")
    served.watch("t")
    before = served.session.get("t", "1")
    time.sleep(0.02)
    served.sql("INSERT OR REPLACE INTO t VALUES (1, 'b')")
    (change,) = served.exact()
    assert (change.operation, change.changed_fields) == ("UPDATE", ["mail"])
    assert change.row["created_at"] == before["created_at"] < change.row["updated_at"]


def test_a_key_that_is_updated_is_a_delete_and_an_add_that_keeps_its_beginning(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT); INSERT INTO t VALUES (1, 'a');")
    served.watch("t")
    before = served.session.get("t", "1")
    time.sleep(0.02)
    served.sql("UPDATE t SET id = 2")
    events = served.exact()
    assert {(e.operation, e.id) for e in events} == {("DELETE", "1"), ("ADD", "2")}
    assert [e.more for e in events] == [True, False]
    assert served.session.get("t", "2")["created_at"] == before["created_at"]


# -- messages over the limit


@pytest.mark.parametrize("size", [4 * MEGABYTE + 1, 6 * MEGABYTE], ids=["over 4 MiB", "6 MiB"])
def test_a_text_that_no_message_holds_hides_no_other_row(guest, size):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, other TEXT);"
        "INSERT INTO t VALUES (1, 'a', 'x'), (2, 'b', 'y');"
    )
    # A client with gRPC's usual limit of what it receives.
    channel = grpc.insecure_channel(
        served.server.address, options=[("grpc.use_local_subchannel_pool", 1)]
    )
    with Session(served.server, channel=channel) as served._session:
        watch = served.watch("t", previous=True)
        served.sql(("UPDATE t SET v = ? WHERE id = 1", ("v" * size,)))
        gone, told = served.exact()
        assert (gone.operation, gone.left_view, told.id) == ("DELETE", True, "1")
        assert told.column == "v" and "limit" in told.reason.metadata, told.reason
        assert watch.picture.of("t").keys() == {"2"}
        served.sql("UPDATE t SET v = 'short' WHERE id = 1")
        (back,) = served.exact()
        assert (back.operation, back.row["v"]) == ("ADD", "short")
    served._session = None
    channel.close()


# -- defaults as SQLite stores them

DEFAULTS = [
    ("INTEGER NOT NULL", "'0'", 0), ("INTEGER", "'42'", 42), ("INTEGER", "-5", -5),
    ("INTEGER", "0x10", 16), ("INTEGER", "(2 * 21)", 42), ("INTEGER", "5.0", 5), ("INTEGER", "TRUE", 1),
    ("REAL", "'1.5'", 1.5), ("REAL", "7", 7.0), ("TEXT", "7", "7"), ("TEXT", "1.5", "1.5"),
    ("TEXT", "'it''s'", "it's"), ("TEXT", '"quoted"', "quoted"), ("TEXT", "(upper('a') || 'b')", "Ab"),
    ("VARCHAR(5)", "12", "12"), ("BOOLEAN NOT NULL", "'0'", False), ("BOOLEAN", "'1'", True),
    ("BOOLEAN", "TRUE", True), ("BOOLEAN", "FALSE", False), ("BOOLEAN", "'t'", True),
    ("DECIMAL", "'1.50'", "1.5"), ("DECIMAL TEXT", "'1.50'", "1.50"), ("BLOB", "x'00ff'", b"\0\xff"),
    ("DATE", "'2024-02-29'", "2024-02-29"), ("DATETIME", "'2024-02-29 12:00:00'", 1709208000_000_000),
    ("JSON TEXT", "'{}'", "{}"), ("TEXT", "NULL", None), ("NUMERIC", "'10'", "10"),
    ("INTEGER", "(abs(-3))", 3), ("TEXT CHECK (v IN ('a', 'b'))", "'b'", "b"),
]


def test_a_default_is_what_sqlite_would_store(guest):
    tables = "".join(
        f"CREATE TABLE d{n} (id INTEGER PRIMARY KEY, v {declared} DEFAULT {default}, x TEXT);"
        for n, (declared, default, _) in enumerate(DEFAULTS)
    )
    served = guest(tables)
    wrong = []
    for n, (declared, default, expected) in enumerate(DEFAULTS):
        try:
            row = served.session.create(f"d{n}", x="x").row
        except Exception as error:
            wrong.append((declared, default, str(error)))
            continue
        served.sql(f"INSERT INTO d{n} (x) VALUES ('x')")
        stored = served.sql(f"SELECT DISTINCT typeof(v), quote(v) FROM d{n}")
        if row.get("v") != expected or len(stored) != 1:
            wrong.append((declared, default, row, stored))
    assert not wrong, wrong


@pytest.mark.parametrize("declared, default, shape", [
    ("DATETIME", "CURRENT_TIMESTAMP", "____-__-__ __:__:__"), ("DATE", "CURRENT_DATE", "____-__-__"),
    ("TIME", "CURRENT_TIME", "__:__:__"), ("DATETIME", "(datetime('now'))", "____-__-__ __:__:__"),
    ("DATETIME", "(strftime('%Y-%m-%dT%H:%M:%fZ'))", "____-__-__T__:__:__.___Z"),
    ("TEXT", "CURRENT_TIMESTAMP", "____-__-__ __:__:__"),
])
def test_the_time_of_now_as_a_default_is_text_and_read_as_such(guest, declared, default, shape):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared} DEFAULT {default}, x TEXT);")
    row = served.session.create("t", x="own").row
    served.sql("INSERT INTO t (x) VALUES ('other')")
    assert served.sql("SELECT count(*) FROM t WHERE v LIKE ? AND typeof(v) = 'text'".replace(
        "?", f"'{shape}'")) == [(2,)], served.sql("SELECT v FROM t")
    rows, errors = served.answers("t")
    assert not errors and rows["1"] == row
    if declared == "DATETIME":
        assert abs(row["v"] / 1e6 - time.time()) < 60


# -- tools that rebuild


@pytest.mark.parametrize("arguments", [(), ("--within", "t")], ids=["beside", "within"])
def test_a_table_that_a_tool_transforms_is_served_as_before(guest, arguments):
    import sqlite_utils

    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, size INTEGER);"
        "INSERT INTO t VALUES (1, 'a', 5), (2, 'b', 6);", *arguments
    )
    token, numbers = served.token("t"), {c.number for c in served.table("t").columns}
    database = sqlite_utils.Database(served.path)
    database["t"].transform(types={"size": str}, rename={"title": "heading"}, not_null={"heading"})
    database.conn.close()
    if arguments:
        # Versions came along within: its history may go on.
        served.settle()
        served.until_fields("t", lambda fields: "heading" in fields, "the table is not served")
        served.anew()
    else:
        served.until_begun_anew("t", token)
    # A name that was not there before is a new column's, and so is another type.
    assert not {served.fields("t")[name].number for name in ("heading", "size")} & numbers
    rows, errors = served.answers("t")
    assert {id: (row["heading"], row["size"]) for id, row in rows.items()} == {
        "1": ("a", "5"), "2": ("b", "6")} and not errors
    served.watch("t")
    served.session.update("t", id=1, heading="c")
    served.sql("INSERT INTO t (id, heading) VALUES (3, 'd')")
    assert len(served.exact()) == 2


# -- a rename that keeps the old text of triggers


def test_a_rename_by_the_legacy_way_leaves_writes_that_work(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a');")
    connection = connect(served.path, legacy_alter_table="ON")
    connection.execute("ALTER TABLE t RENAME TO u")
    connection.execute("INSERT INTO u VALUES (2, 'b')")
    connection.execute("UPDATE u SET x = 'c' WHERE id = 1")
    connection.execute("REPLACE INTO u VALUES (2, 'd')")
    connection.execute("DELETE FROM u WHERE id = 1")
    connection.close()
    served.until_served("u")
    assert {id: row["x"] for id, row in served.answers("u")[0].items()} == {"2": "d"}
    served.watch("u")
    execute(served.path, "INSERT INTO u VALUES (3, 'e')", legacy_alter_table="ON")
    assert [e.id for e in served.exact()] == ["3"]


# -- many tables


def attach_seconds(tmp_path, count):
    path = owner.create(tmp_path / f"{count}.db", "BEGIN;" + "".join(
        f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, title TEXT, at DATETIME);" for n in range(count)
    ) + "COMMIT;")
    # Its processor time: others may want the machine.
    before = os.times()
    attach(path, timeout=120)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def test_attaching_many_tables_costs_what_they_are(tmp_path, record_property):
    small = attach_seconds(tmp_path, 100)
    large = attach_seconds(tmp_path, 1000)
    record_property("attaching 100 and 1,000 tables", f"{small:.2f} s, {large:.2f} s")
    # SQLite looks through the whole schema for every trigger that is made: that part is not linear.
    assert large < 60 * small, f"{small:.2f} s, {large:.2f} s"


# -- text with a NUL


@pytest.mark.parametrize("tail", ["b", "", "\0", "a" * 1000], ids=["b", "alone", "two", "long"])
def test_a_change_behind_a_nul_is_seen(guest, tail):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a');")
    watch = served.watch("t")
    served.sql(("UPDATE t SET v = ?", ("a\0" + tail,)))
    gone, told = served.exact()
    assert (gone.operation, gone.left_view) == ("DELETE", True) and told.column == "v"
    served.sql("UPDATE t SET v = 'a'")
    (back,) = served.exact()
    assert (back.operation, back.row["v"]) == ("ADD", "a")
    assert watch.picture.of("t")["1"]["v"] == "a"


# -- a database in UTF-16


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16le", "UTF-16be"])
def test_a_database_in_utf_16_is_refused_plainly_by_every_command(tmp_path, encoding):
    path = owner.create(
        tmp_path / "wide.db", f"PRAGMA encoding = '{encoding}'; CREATE TABLE t (id INTEGER PRIMARY KEY);"
    )
    before = path.read_bytes()
    for command in (["serve", path, "--attach", "--listen", "127.0.0.1:0"], ["attach", path],
                    ["attach", path, "--dry-run"], ["detach", path], ["check", path], ["proto", path],
                    ["explain", path, "t"]):
        done = refuses(*command, naming=["UTF-16", "UTF-8"])
        assert len(done.stderr.strip().splitlines()) <= 3, done.stderr
    assert path.read_bytes() == before


# -- the smaller ones


def test_an_enum_that_compares_without_case_is_read_in_the_declared_spelling(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT COLLATE NOCASE CHECK (v IN ('Open', 'Closed')),"
        " w TEXT CHECK (w COLLATE NOCASE IN ('a', 'b')), x TEXT COLLATE RTRIM CHECK (x IN ('p', 'q')));"
        "INSERT INTO t VALUES (1, 'OPEN', 'a', 'p  '), (2, 'closed', 'b', 'q');"
    )
    rows, errors = served.answers("t")
    assert not errors, errors
    assert (rows["1"]["v"], rows["2"]["v"], rows["1"]["x"]) == ("Open", "Closed", "p")
    served.watch("t", filter="v eq 'Open'")
    served.sql("UPDATE t SET v = 'oPeN' WHERE id = 2")
    assert [(e.operation, e.id) for e in served.exact()] == [("ADD", "2")]


@pytest.mark.parametrize("values, kind", [
    ("(1, 5), (2, 6)", "INT64"), ("(1, 'a'), (2, 'b')", "STRING"), ("(1, 1.5)", "DOUBLE"),
    ("(1, x'61')", "BYTES"), ("(1, 5), (2, 'b')", "STRING"), ("(1, NULL)", "STRING"),
])
@pytest.mark.parametrize("declared", ["v ANY) STRICT", "v)"], ids=["ANY", "no type"])
def test_a_column_of_any_type_has_the_type_of_its_values(guest, declared, values, kind):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {declared}; INSERT INTO t VALUES {values};")
    assert served.kinds("t")["v"] == kind
    assert not served.answers("t")[1]


def test_an_exhausted_autoincrement_is_no_full_disk(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x TEXT);"
        "INSERT INTO t VALUES (9223372036854775807, 'last');"
    )
    error = served.error("create", "t", x="one more")
    assert error.reason != "DISK_FULL" and "disk" not in error.message, error
    assert error.metadata.get("table") == "t" or "t" in error.message.split(), error
    assert served.session.create("t", id=5, x="by its own key").row["id"] == 5


def test_a_trigger_of_the_owners_named_as_ours_stays_and_fires(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE seen (n INTEGER);"
        "CREATE TRIGGER datasync_nightly AFTER INSERT ON t BEGIN INSERT INTO seen VALUES (NEW.id); END;"
        "CREATE TABLE datasync_own (id INTEGER PRIMARY KEY, x TEXT);"
    )
    served.session.create("t", id=1, x="a")
    served.sql("INSERT INTO t VALUES (2, 'b')", "INSERT INTO datasync_own VALUES (1, 'x')")
    assert served.sql("SELECT n FROM seen ORDER BY n") == [(1,), (2,)]
    assert "datasync_own" not in served.tables()
    served.end()
    detach(served.path)
    assert owner.statement_of(served.path, "datasync_nightly")
    assert execute(served.path, "SELECT * FROM datasync_own") == [(1, "x")]


@pytest.mark.parametrize("name", ["file:x.db", "file:x.db?mode=ro", "a b.db", "a?b=c#d.db", "ä%20.db", "-x.db"])
def test_a_file_may_have_any_name(tmp_path, name):
    path = owner.create(tmp_path / "plain.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);" + MARKS)
    path = path.rename(tmp_path / name)
    for given in (path, name if not name.startswith("-") else f"./{name}"):
        attach(given, cwd=tmp_path)
    served = Served(path)
    try:
        assert served.session.create("t", x="a").row["x"] == "a"
    finally:
        served.close()
    assert run("detach", path).returncode == 0


def test_health_knows_no_service_of_a_table_that_was_dropped(guest):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY);")
    health = health_pb2_grpc.HealthStub(served.server.shared_channel)

    def status(table):
        try:
            return health.Check(
                health_pb2.HealthCheckRequest(service=f"tables.{table}Table"), timeout=10
            ).status
        except grpc.RpcError as error:
            return error.code().name

    assert status("T") == health_pb2.HealthCheckResponse.SERVING
    served.sql("DROP TABLE t")
    until(lambda: "t" not in served.tables(), 15, "the dropped table is still served")
    assert status("T") in ("NOT_FOUND", health_pb2.HealthCheckResponse.SERVICE_UNKNOWN), status("T")
    assert status("U") == health_pb2.HealthCheckResponse.SERVING


def test_health_lists_every_service_of_many_tables(guest):
    served = guest("BEGIN;" + "".join(
        f"CREATE TABLE many{n} (id INTEGER PRIMARY KEY);" for n in range(150)) + "COMMIT;")
    from grpc_health.v1 import health_pb2

    if not hasattr(health_pb2, "HealthListRequest"):
        pytest.skip("this grpcio-health-checking has no List")
    call = served.server.shared_channel.unary_unary(
        "/grpc.health.v1.Health/List",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=health_pb2.HealthListResponse.FromString,
    )
    names = call(health_pb2.HealthListRequest(), timeout=10).statuses.keys()
    assert {f"tables.Many{n}Table" for n in range(150)} <= set(names), len(names)


# -- keys that we make

BARE = "0123456789abcdef0123456789abcdef"
HYPHENS = "01234567-89ab-cdef-0123-456789abcdef"
KEY_FORMS = {
    "as Django has them": ("char(32) NOT NULL", [BARE], BARE),
    "text": ("TEXT", [BARE, BARE.replace("0", "f")], BARE),
    "capitals": ("TEXT", [BARE.upper()], BARE.upper()),
    "hyphens": ("TEXT", [HYPHENS], HYPHENS),
    "hyphens in capitals": ("UUID", [HYPHENS.upper()], HYPHENS.upper()),
    "both": ("TEXT", [BARE, HYPHENS], HYPHENS),
    "others": ("TEXT", [BARE, "a"], HYPHENS),
    "none": ("TEXT", [], HYPHENS),
    "none, room for 32": ("CHAR (32) NOT NULL", [], BARE),
    "none, room for 36": ("char(36)", [], HYPHENS),
}


@pytest.mark.parametrize("declared, keys, form", KEY_FORMS.values(), ids=KEY_FORMS.keys())
@pytest.mark.parametrize("arguments", [(), ("--within", "t")], ids=["beside", "within"])
def test_a_key_that_we_make_is_written_as_those_that_are_there(guest, arguments, declared, keys, form):
    values = "".join(f"INSERT INTO t VALUES ('{key}', 'a');" for key in keys)
    served = guest(f"CREATE TABLE t (id {declared} PRIMARY KEY, x TEXT); {values}", *arguments)
    shape = [(len(form), form.count("-"), form.upper() == form)] * 2
    for _ in range(2):
        made = served.session.create("t", x="b").id
        assert [(len(key), key.count("-"), key.upper() == key) for key in (made, form)] == shape
        assert served.sql(("SELECT x FROM t WHERE id = ?", (made,))) == [("b",)]
        served.restart()
