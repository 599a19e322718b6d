"""Within: the four columns stand in the table itself where its owner asks for it, and only where it can."""

import pathlib
import time

import pytest

import owner
from owner import attach, columns, detach, dump, dump_of_the_owners, execute, pragmas, refuses
from server import Server, run
from served import MARKS, Served
from session import Session

OURS = ["created_at", "updated_at", "version", "deleted"]
PLAIN = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
EARLIER = pathlib.Path(__file__).with_name("attached_by_format_1.sql")


def squeezed(statement):
    return "".join(statement.split()) if statement else None


# -- what it does


def test_within_puts_the_columns_into_the_table_and_detach_takes_them_out(tmp_path):
    path = owner.create(tmp_path / "a.db", PLAIN + "CREATE TABLE beside (id TEXT PRIMARY KEY);")
    before = owner.statement_of(path, "t")
    attach(path, "--within", "t")
    assert columns(path, "t") == ["id", "x", *OURS]
    assert columns(path, "beside") == ["id"]
    detach(path)
    assert columns(path, "t") == ["id", "x"]
    assert squeezed(owner.statement_of(path, "t")) == squeezed(before)
    assert execute(path, "SELECT * FROM t") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("columns_", ["id INTEGER PRIMARY KEY, x TEXT)", "id TEXT PRIMARY KEY, x TEXT) WITHOUT ROWID",
                                      "id INTEGER PRIMARY KEY, x TEXT) STRICT"])
def test_a_table_within_is_served_as_one_beside_is(guest, columns_):
    served = guest(f"CREATE TABLE t ({columns_}; INSERT INTO t VALUES (1, 'a');", "--within", "t")
    watch = served.watch("t")
    served.sql("INSERT INTO t (id, x) VALUES (2, 'b')", "UPDATE t SET x = 'c' WHERE id = 1",
               "INSERT OR REPLACE INTO t (id, x) VALUES (2, 'd')", "UPDATE t SET id = 3 WHERE id = 1")
    served.session.update("t", id=3 if "INTEGER" in columns_ else "3", x="e")
    served.exact()
    assert watch.picture.of("t").keys() == {"2", "3"}
    stored = {str(id): v for id, v in served.sql("SELECT id, version FROM t")}
    assert {id: row["version"] for id, row in watch.picture.of("t").items()} == stored


def test_a_database_made_by_schema_has_them_within(tmp_path):
    schema = tmp_path / "schema.sql"
    schema.write_text(PLAIN)
    server = Server(tmp_path / "new.db", "--schema", schema, "--attach").start()
    try:
        assert columns(tmp_path / "new.db", "t") == ["id", "x", *OURS]
    finally:
        server.stop()


@pytest.mark.parametrize("types", [("REAL", "NUM"), ("REAL", "REAL"), ("NUM", "NUM"), ("REAL", "INTEGER")])
def test_a_rebuild_that_writes_our_types_as_affinities_changes_nothing(guest, types):
    served = guest(PLAIN, "--within", "t")
    before = served.answers("t")[0]
    first, second = types
    served.transaction(
        f"CREATE TABLE new (id INTEGER PRIMARY KEY, x TEXT, created_at {first}, updated_at {first},"
        f" version {second}, deleted {second} NOT NULL DEFAULT 0)",
        "INSERT INTO new SELECT * FROM t", "DROP TABLE t", "ALTER TABLE new RENAME TO t",
    )
    served.settle()
    served.until_served("t")
    rows, errors = served.answers("t")
    assert not errors and {id: r["created_at"] for id, r in rows.items()} == {
        id: r["created_at"] for id, r in before.items()}
    served.watch("t")
    served.sql("UPDATE t SET x = 'z' WHERE id = 1")
    served.session.update("t", id=2, x="y")
    assert len(served.exact()) == 2


# -- the plan

BREAKS = {
    "audit by SELECT *": ("CREATE TABLE audit (id INTEGER, x TEXT);"
                          "CREATE TRIGGER owners AFTER INSERT ON t BEGIN"
                          " INSERT INTO audit SELECT * FROM t WHERE id = NEW.id; END;", "owners"),
    "positional in a trigger": ("CREATE TABLE u (id INTEGER PRIMARY KEY);"
                                "CREATE TRIGGER owners AFTER INSERT ON u BEGIN"
                                " INSERT INTO t VALUES (NEW.id, 'x'); END;", "owners"),
    "a view with names": ("CREATE VIEW owners (a, b) AS SELECT * FROM t;", "owners"),
    "a compound view": ("CREATE TABLE u (a, b);"
                        "CREATE VIEW owners AS SELECT * FROM t UNION SELECT a, b FROM u;", "owners"),
    "a trigger on a view": ("CREATE VIEW v AS SELECT id FROM t; CREATE TRIGGER owners INSTEAD OF DELETE ON v BEGIN"
                            " REPLACE INTO t SELECT id + 1, 'moved' FROM t WHERE id = OLD.id;"
                            " INSERT INTO t VALUES (OLD.id, 'gone'); END;", "owners"),
    "row values": ("CREATE TABLE u (id INTEGER PRIMARY KEY); CREATE TRIGGER owners AFTER INSERT ON u BEGIN"
                   " UPDATE t SET x = 'y' WHERE (id, x) IN (SELECT * FROM t); END;", "owners"),
    "a natural join": ("CREATE TABLE other (id INTEGER PRIMARY KEY, version INTEGER, deleted INTEGER);"
                       "CREATE VIEW owners AS SELECT version FROM other JOIN t USING (id);", "owners"),
}


@pytest.mark.parametrize("sql, name", BREAKS.values(), ids=BREAKS.keys())
def test_what_within_would_break_is_said_and_refused(tmp_path, sql, name):
    path = owner.create(tmp_path / "a.db", PLAIN + sql)
    before = dump(path)
    # A trigger may be told by the table that it stands on.
    named = name if "VIEW owners" in sql else "trigger"
    refuses("attach", path, "t", "--within", "t", naming=["t", named])
    assert dump_of_the_owners(path) == before
    planned = run("attach", path, "t", "--dry-run", "--within", "t")
    assert named in planned.stdout + planned.stderr
    # Beside breaks none of it.
    attach(path, "t")
    assert columns(path, "t") == ["id", "x"]


TAKEN = {
    "text": "created_at TEXT", "a default": "created_at DATETIME DEFAULT CURRENT_TIMESTAMP",
    "not null": "version INTEGER NOT NULL", "real": "updated_at REAL", "in another case": "Version INTEGER",
    "holds text": "created_at TIMESTAMP", "holds a lock's count": "version INTEGER",
    "generated": "deleted BOOLEAN AS (x IS NULL)", "unique": "version INTEGER UNIQUE",
}


@pytest.mark.parametrize("column", TAKEN.values(), ids=TAKEN.keys())
def test_a_column_of_the_owners_that_is_not_as_ours_is_keeps_a_table_from_within(tmp_path, column):
    path = owner.create(tmp_path / "a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, {column});")
    name = column.split()[0]
    if "AS (" not in column:
        execute(path, ("INSERT INTO t (id, x, " + name + ") VALUES (1, 'a', ?)",
                       (3 if "INTEGER" in column else "2011-10-31 20:00:00",)))
    else:
        execute(path, "INSERT INTO t (id, x) VALUES (1, 'a')")
    before = dump(path)
    refuses("attach", path, "t", "--within", "t", naming=["t", name])
    assert dump_of_the_owners(path) == before


@pytest.mark.parametrize("arguments", [
    ["t", "--within", "t"], ["absent"], ["t", "--soft-delete", "t=x"], ["t", "--within", "absent"],
    ["t", "--beside", "absent"], ["pairs"],
], ids=" ".join)
def test_an_attach_that_is_refused_leaves_no_trace(tmp_path, arguments):
    path = owner.create(tmp_path / "a.db", PLAIN + BREAKS["a view with names"][0]
                        + "CREATE TABLE pairs (a, b, PRIMARY KEY (a, b));")
    before, settings = dump(path), pragmas(path)
    refuses("attach", path, *arguments)
    assert dump(path) == before and pragmas(path) == settings


def test_a_column_declared_as_ours_that_holds_nothing_else_is_used(tmp_path):
    path = owner.create(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, created_at TIMESTAMP, x TEXT);"
                        "INSERT INTO t (id, x) VALUES (1, 'a');")
    attach(path, "--within", "t")
    assert columns(path, "t") == ["id", "created_at", "x", "updated_at", "version", "deleted"]
    assert execute(path, "SELECT typeof(created_at) FROM t") == [("integer",)]


def test_within_names_a_table_that_is_there(tmp_path):
    path = owner.create(tmp_path / "a.db", PLAIN + "CREATE VIEW v AS SELECT 1;")
    before = dump(path)
    for name in ("absent", "v"):
        refuses("attach", path, "--within", name, naming=[name])
    assert dump(path) == before


# -- from one to the other


def test_beside_moves_a_table_and_versions_and_numbers_stay(tmp_path):
    path = owner.create(tmp_path / "a.db", PLAIN + MARKS)
    attach(path, "--within", "t")
    served = Served(path, "--attach")
    try:
        served.session.create("t", x="c")
        served.session.update("t", id=1, x="changed")
        served.sql("UPDATE t SET x = 'other' WHERE id = 2")
        served.settle()
        token = served.session.page("t").resume_token
        rows, numbers = served.answers("t")[0], {c.name: c.number for c in served.table("t").columns}
        served.end()
        attach(path, "--beside", "t")
        assert columns(path, "t") == ["id", "x"]
        served.server.start()
        assert {c.name: c.number for c in served.table("t").columns} == numbers
        assert served.answers("t")[0] == rows
        served.session.update("t", id=1, x="later")
        with Session(served.server) as session:
            events = session.subscribe("t", resume_token=token, once=True).until_current()
            assert [e.row["x"] for e in events[:-1]] == ["later"]
    finally:
        served.close()
    detach(path)
    assert owner.statement_of(path, "t") and columns(path, "t") == ["id", "x"]


def test_a_table_attached_by_an_earlier_version_stays_within(tmp_path):
    path = owner.create(tmp_path / "a.db", EARLIER.read_text() + MARKS)
    versions = execute(path, "SELECT id, version, created_at FROM plain ORDER BY id")
    served = Served(path, "--attach")
    try:
        rows = served.answers("plain")[0]
        assert [(r["id"], r["version"], r["created_at"]) for r in rows.values()] == versions
        assert columns(path, "plain")[-4:] == OURS
        served.watch("plain")
        served.watch("notes")
        served.sql("UPDATE plain SET title = 'x' WHERE id = 1", "UPDATE notes SET deleted = 1 WHERE id = 'a'")
        served.session.update("plain", id=2, title="y")
        served.exact()
        assert "b" not in served.answers("notes")[0] and "b" in served.answers("notes", include_deleted=True)[0]
        # Also where the owner's own columns had been taken over.
        post = served.answers("posts")[0]["1"]
        assert served.system("posts", 4) == "version" and post["version"]
    finally:
        served.end(), served.close()
    kept = execute(path, "SELECT created_at, updated_at, version FROM posts")
    detach(path)
    assert columns(path, "plain") == ["id", "title"]
    assert columns(path, "posts") == ["id", "title", "created_at", "updated_at", "version"]
    assert execute(path, "SELECT created_at, updated_at, version FROM posts") == kept
    assert execute(path, "SELECT id FROM notes ORDER BY id") == [("c",)]


def test_a_table_attached_by_an_earlier_version_can_be_moved_beside(tmp_path):
    path = owner.create(tmp_path / "a.db", EARLIER.read_text() + MARKS)
    versions = execute(path, "SELECT id, version, created_at FROM plain ORDER BY id")
    attach(path, "--beside", "plain")
    assert columns(path, "plain") == ["id", "title"]
    served = Served(path, "--attach")
    try:
        rows = served.answers("plain")[0]
        assert [(r["id"], r["version"], r["created_at"]) for r in rows.values()] == versions
        assert served.fields("plain")["title"].number == 6
    finally:
        served.close()


def test_the_format_number_has_risen(tmp_path):
    path = owner.create(tmp_path / "a.db", PLAIN)
    attach(path)
    ((number,),) = execute(path, "SELECT value FROM datasync_settings WHERE name = 'format'")
    assert number > 1
    # What comes after us refuses in its turn, and so do we.
    execute(path, "UPDATE datasync_settings SET value = 1000 WHERE name = 'format'")
    before = path.read_bytes()
    for command in (["attach", path], ["serve", path, "--listen", "127.0.0.1:0"], ["detach", path]):
        refuses(*command, naming=["newer"])
    assert path.read_bytes() == before


# -- soft deletion


def test_soft_delete_implies_within(tmp_path):
    path = owner.create(tmp_path / "a.db", PLAIN + "CREATE TABLE u (id INTEGER PRIMARY KEY);" + MARKS)
    attach(path, "--soft-delete", "t")
    assert columns(path, "t") == ["id", "x", *OURS] and columns(path, "u") == ["id"]
    served = Served(path, "--attach")
    try:
        assert served.table("t").soft_delete and not served.table("u").soft_delete
        served.session.delete("t", "1")
        assert served.sql("SELECT id, deleted FROM t") == [(1, 1), (2, 0)]
        assert served.answers("t")[0].keys() == {"2"}
        served.session.create("u", id=1)
        served.session.delete("u", "1")
        assert served.sql("SELECT count(*) FROM u") == [(0,)]
    finally:
        served.end(), served.close()
    detach(path)
    assert execute(path, "SELECT * FROM t") == [(2, "b")], "rows marked by ours go"


@pytest.mark.parametrize("declared", ["BOOLEAN", "BOOLEAN NOT NULL DEFAULT 0", "BOOL DEFAULT FALSE"])
def test_a_column_of_the_owners_marks_what_is_deleted(guest, declared):
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, is_deleted {declared});"
        "INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 1);", "--soft-delete", "t=is_deleted",
    )
    assert columns(served.path, "t") == ["id", "x", "is_deleted"]
    assert served.system("t", 5) == "is_deleted" and served.table("t").soft_delete
    watch = served.watch("t")
    everything = served.watch("t", include_deleted=True)
    assert watch.picture.of("t").keys() == {"1"} and everything.picture.of("t").keys() == {"1", "2"}
    served.session.delete("t", "1")
    assert served.sql("SELECT is_deleted FROM t WHERE id = 1") == [(1,)]
    served.sql("UPDATE t SET is_deleted = 0 WHERE id = 2")
    served.exact()
    assert watch.picture.of("t").keys() == {"2"}
    assert everything.picture.of("t")["1"]["is_deleted"] is True
    if "NOT NULL" not in declared:
        served.sql("UPDATE t SET is_deleted = NULL WHERE id = 1")
        served.exact()
        assert watch.picture.of("t").keys() == {"1", "2"}, "NULL is not deleted"
    served.end()
    detach(served.path)
    assert execute(served.path, "SELECT count(*) FROM t") == [(2,)], "the owner's marks are the owner's"


@pytest.mark.parametrize("given, named", [("t=x", "x"), ("t=absent", "absent"), ("absent=x", "absent"), ("t=id", "id")])
def test_a_mark_that_cannot_be_one_is_refused(tmp_path, given, named):
    path = owner.create(tmp_path / "a.db", PLAIN)
    before = dump(path)
    refuses("attach", path, "--soft-delete", given, naming=[named])
    assert dump_of_the_owners(path) == before


def test_softly_is_never_by_default(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, deleted BOOLEAN, is_deleted BOOLEAN);")
    assert not served.table("t").soft_delete
    served.session.create("t", id=1, x="a", deleted=True)
    assert served.session.get("t", "1")["deleted"] is True
    assert served.session.get("t", "1")["datasync_deleted"] is False
    served.session.delete("t", "1")
    assert served.sql("SELECT count(*) FROM t") == [(0,)]


def test_the_choices_are_kept_in_the_database(guest):
    served = guest(PLAIN + "CREATE TABLE u (id INTEGER PRIMARY KEY, gone BOOLEAN, at INTEGER);"
                   "INSERT INTO u VALUES (1, 0, 1320091200);",
                   "--within", "t", "--soft-delete", "u=gone", "--form", "u.at=seconds")
    before = (columns(served.path, "t"), served.system("u", 5), served.kinds("u")["at"])
    assert before == (["id", "x", *OURS], "gone", "TIMESTAMP")
    served.end()
    served.server.arguments = ["--attach"]
    served.server.start()
    assert (columns(served.path, "t"), served.system("u", 5), served.kinds("u")["at"]) == before


def test_times_beside_are_those_of_commits(guest):
    served = guest(PLAIN)
    began = time.time()
    row = served.session.update("t", id=1, x="z").row
    assert abs(row["updated_at"] / 1e6 - began) < 30 and row["created_at"] < row["updated_at"]
    first = served.session.get("t", "2")
    assert first["created_at"] == first["updated_at"] == row["created_at"], "the moment of the table's history"
    assert first["deleted"] is False


# -- what a REPLACE removes

TEXT = "id TEXT PRIMARY KEY, n INTEGER, s TEXT"
ROWS = "INSERT INTO t (id, n, s) VALUES ('1', 5, 'a'), ('2', 7, 'b'), ('4', 3, 'd');"
INTO = "INSERT OR REPLACE INTO t (id, n, s) VALUES ('3', 5, 'A')"
REPLACES = {
    "an expression": (f"{TEXT});CREATE UNIQUE INDEX u ON t (lower(s));", INTO),
    "an update": (f"{TEXT});CREATE UNIQUE INDEX u ON t (lower(s));", "UPDATE OR REPLACE t SET s = 'B' WHERE id = 1"),
    "an integer key": ("id INTEGER PRIMARY KEY, n INTEGER, s TEXT);CREATE UNIQUE INDEX u ON t (lower(s) DESC);", INTO),
    "without rowid": (f"{TEXT}) WITHOUT ROWID;CREATE UNIQUE INDEX u ON t (lower(s));", INTO),
    "arithmetic": (f"{TEXT});CREATE UNIQUE INDEX u ON t (n % 5, typeof(s));",
                   "INSERT OR REPLACE INTO t (id, n, s) VALUES ('3', 15, 'x')"),
    "two, with commas": (f"{TEXT});CREATE UNIQUE INDEX u ON t (coalesce(n, -1), s COLLATE NOCASE);", INTO),
    "a collated expression": (f"{TEXT});CREATE UNIQUE INDEX u ON t ((s || ',') COLLATE NOCASE ASC);", INTO),
    "some rows": (f"{TEXT});CREATE UNIQUE INDEX u ON t (lower(s)) WHERE s <> '' AND n > 3;", INTO),
    "one for all": (f"{TEXT});CREATE UNIQUE INDEX u ON t ((1)) WHERE n = 5;", INTO),
    "odd names": ('id TEXT PRIMARY KEY, n INTEGER, s TEXT, "a ""b" TEXT DEFAULT \'x\');'
                  'CREATE UNIQUE INDEX "on t (" ON "t" (/* ( */ upper("s"), ([a "b] || s) COLLATE "nocase");', INTO),
    "a default for NULL": ("id TEXT PRIMARY KEY, n INTEGER NOT NULL DEFAULT 5 UNIQUE, s TEXT);",
                           "INSERT OR REPLACE INTO t (id, n, s) VALUES ('3', NULL, 'A')"),
    "a default for NULL in an expression": (
        "id TEXT PRIMARY KEY, n INTEGER NOT NULL ON CONFLICT REPLACE DEFAULT 5, s TEXT);"
        "CREATE UNIQUE INDEX u ON t (n + 1);", "UPDATE OR REPLACE t SET n = NULL WHERE id = 2"),
    "a default for the key": ("id TEXT NOT NULL DEFAULT '1' PRIMARY KEY, n INTEGER, s TEXT);",
                              "UPDATE OR REPLACE t SET id = NULL WHERE id = 2"),
    "the key's default": ("id TEXT NOT NULL DEFAULT '9' PRIMARY KEY, n INTEGER, s TEXT);",
                          "UPDATE OR REPLACE t SET id = NULL WHERE id = 2"),
    "a generated column": (f"{TEXT}, h AS (g || 'x'), g AS (lower(s)));CREATE UNIQUE INDEX u ON t (h);", INTO),
    "the rowid": (f"{TEXT});", "INSERT OR REPLACE INTO t (rowid, id, n, s) VALUES (1, '3', 5, 'A')"),
    "an update of the rowid": (f"{TEXT});", "UPDATE OR REPLACE t SET oid = 2 WHERE id = 1"),
    "the rowid under its last name": ("id TEXT PRIMARY KEY, n INTEGER, s TEXT, rowid TEXT, OID TEXT);",
                                      "UPDATE OR REPLACE t SET _rowid_ = 2 WHERE id = 1"),
    "an upsert": (f"{TEXT});CREATE UNIQUE INDEX u ON t (lower(s));",
                  f"{INTO} ON CONFLICT (id) DO UPDATE SET n = excluded.n"),
    "many": (f"{TEXT});CREATE UNIQUE INDEX u ON t (lower(s));",
             "INSERT OR REPLACE INTO t (id, n, s) SELECT id + 10, n, upper(s) FROM t"),
}


@pytest.mark.parametrize("columns_, statement", REPLACES.values(), ids=REPLACES.keys())
def test_a_row_that_a_replace_removes_leaves_the_view(guest, columns_, statement):
    served = guest(f"CREATE TABLE t ({columns_} {ROWS}", "--within", "t")
    watch, previous = served.watch("t"), served.watch("t", previous=True)
    served.sql(statement)
    served.exact()
    stored = {str(id): s for id, s in served.sql("SELECT id, s FROM t")}
    assert {id: row["s"] for id, row in watch.picture.of("t").items()} == stored
    assert previous.picture.of("t").keys() == stored.keys()
    assert {"1", "2", "4"} - stored.keys(), "nothing was replaced"
    # The owner's own migrations go on.
    served.sql("ALTER TABLE t RENAME COLUMN s TO s2", "ALTER TABLE t RENAME TO t2")
    served.sql(statement.replace(" t ", " t2 ").replace("FROM t", "FROM t2").replace(
        ", s)", ", s2)").replace("s =", "s2 =").replace("(s)", "(s2)"))


UNSEEN = {
    "a default that is made": ("n INTEGER, s TEXT NOT NULL DEFAULT (lower('A')) UNIQUE);", "s"),
    "generated of a default": ("n INTEGER NOT NULL DEFAULT 3, s TEXT, g AS (n + 1));CREATE UNIQUE INDEX odd ON t (g);",
                               "odd"),
    "in an expression": ("n INTEGER, s TEXT NOT NULL DEFAULT CURRENT_DATE);CREATE UNIQUE INDEX odd ON t (lower(s));",
                         "odd"),
}


@pytest.mark.parametrize("columns_, index", UNSEEN.values(), ids=UNSEEN.keys())
def test_a_table_whose_rows_could_go_unseen_is_not_within(tmp_path, columns_, index):
    path = owner.create(tmp_path / "a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns_}"
                        "CREATE TABLE u (id INTEGER PRIMARY KEY);" + MARKS)
    before = dump(path)
    for arguments in (["t", "--within", "t"], ["--soft-delete", "t"], ["--soft-delete", "*", "t"]):
        refuses("attach", path, *arguments, naming=["t", index, "REPLACE", "beside"])
        assert dump(path) == before
    plan = run("attach", path, "--within", "*", "--dry-run").stdout
    assert "not within, because" in plan and index in plan, plan
    attach(path, "--within", "*")
    assert columns(path, "u") == ["id", *OURS] and not set(OURS) & set(columns(path, "t"))
    schema = tmp_path / "schema.sql"
    schema.write_text(before.decode())
    server = Server(tmp_path / "new.db", "--schema", schema, "--attach").start()
    server.stop()
    assert columns(tmp_path / "new.db", "u") == ["id", *OURS]
    assert not set(OURS) & set(columns(tmp_path / "new.db", "t"))


@pytest.mark.parametrize("index", ["(n)", "(lower(s))", "(s) WHERE n > 3"])
@pytest.mark.parametrize("before", ["", "CREATE UNIQUE INDEX b ON t (n, id); CREATE UNIQUE INDEX c ON t (s, n, id);"
                                    "CREATE UNIQUE INDEX d ON t (lower(s)) WHERE n > 100;"], ids=["none", "others"])
def test_an_index_that_comes_later_hides_no_row(guest, before, index):
    served = guest(f"CREATE TABLE t ({TEXT}); {ROWS} {before}", "--within", "t")
    token = served.token("t")
    served.sql(f"CREATE UNIQUE INDEX u ON t {index}", INTO.replace("'A'", "'a'"))
    served.until_begun_anew("t", token)
    watch = served.watch("t")
    assert watch.picture.of("t").keys() == {"2", "3", "4"}
    served.sql("UPDATE OR REPLACE t SET n = 7, s = 'b' WHERE id = '3'")
    served.exact()
    assert watch.picture.of("t").keys() == {"3", "4"}
    # One that goes is nothing.
    served.sql("DROP INDEX u", "INSERT INTO t (id, n, s) VALUES ('5', 7, 'b')")
    served.exact()
    assert watch.picture.of("t").keys() == {"3", "4", "5"}


def test_an_index_that_hides_rows_takes_a_table_within_out_until_it_is_moved_beside(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 3, g AS (n + 1));"
                   "INSERT INTO t (id, n) VALUES (1, 1), (2, 2);", "--within", "t")
    served.sql("CREATE UNIQUE INDEX odd ON t (g)")
    served.settle()
    reason = served.not_served()["t", ""]
    assert "odd" in reason and "--beside" in reason, reason
    served.sql("INSERT OR REPLACE INTO t (id, n) VALUES (3, 1)")
    created = dict(served.sql("SELECT id, created_at FROM t"))
    served.end()
    assert "odd" in run("attach", served.path, "--dry-run").stdout
    attach(served.path, "--beside", "t")
    assert columns(served.path, "t") == ["id", "n", "g"]
    served.server.arguments = ["--attach"]
    served.server.start()
    rows = served.answers("t")[0]
    assert rows.keys() == {"2", "3"} and rows["2"]["created_at"] == created[2]
    served.watch("t")
    served.sql("INSERT OR REPLACE INTO t (id, n) VALUES (4, 2)")
    served.exact()
