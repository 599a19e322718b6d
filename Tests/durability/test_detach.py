"""`datasync detach` leaves the owner's database as it was: the dump is the same, byte for byte."""

import shutil
import sqlite3

import pytest

from server import Server, run
from session import Session

SCHEMA = """
PRAGMA user_version = 7;
PRAGMA application_id = 1234;
CREATE TABLE plain (id TEXT PRIMARY KEY, n INTEGER, note TEXT DEFAULT 'it''s');
CREATE TABLE "odd name" (
  id INTEGER PRIMARY KEY, -- the key
  "a ""quoted"" column" TEXT /* kept */,
  first TEXT NOT NULL DEFAULT '', last TEXT NOT NULL DEFAULT '',
  whole TEXT GENERATED ALWAYS AS (first || ' ' || last) VIRTUAL,
  twice INTEGER AS (length(first) * 2) STORED
);
CREATE TABLE tight (id TEXT PRIMARY KEY NOT NULL, n INT, r REAL, b BLOB, any ANY) STRICT;
CREATE TABLE flat (id TEXT PRIMARY KEY, n INTEGER CHECK (n > 0)) WITHOUT ROWID;
CREATE TABLE both (id TEXT PRIMARY KEY NOT NULL, n INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE child (
  id TEXT PRIMARY KEY, plain TEXT REFERENCES plain (id) ON DELETE CASCADE, UNIQUE (plain, id)
);
CREATE TABLE has_some (id TEXT PRIMARY KEY, created_at TIMESTAMP, deleted BOOLEAN, x TEXT);
CREATE TABLE no_key (a, b);
CREATE INDEX plain_n ON plain (n DESC) WHERE n > 1;
CREATE UNIQUE INDEX odd_name ON "odd name" (lower(first), last);
CREATE VIEW named AS SELECT id, whole FROM "odd name" WHERE whole <> '';
CREATE TRIGGER count_up AFTER INSERT ON child BEGIN
  UPDATE plain SET n = n + 1 WHERE id = NEW.plain; END;
CREATE TRIGGER named_in INSTEAD OF INSERT ON named BEGIN
  INSERT INTO "odd name" (id, first) VALUES (NEW.id, NEW.whole); END;
INSERT INTO plain VALUES ('a', 1, 'x'), ('b', NULL, NULL), ('c', 3, 'ü');
INSERT INTO "odd name" (id, "a ""quoted"" column", first, last) VALUES (1, 'q', 'A', 'B'), (9, NULL, '', 'C');
INSERT INTO tight VALUES ('a', 1, 1.5, x'00ff', 'text'), ('b', NULL, NULL, NULL, 5);
INSERT INTO flat VALUES ('z', 1), ('a', 2);
INSERT INTO both VALUES ('k', 1);
INSERT INTO child VALUES ('1', 'a'), ('2', NULL);
INSERT INTO has_some VALUES ('a', 1000, 0, 'x');
INSERT INTO no_key VALUES (1, 2);
ANALYZE;
"""
TABLES = ("plain", "odd name", "tight", "flat", "both", "child", "has_some", "no_key")


def dump(path):
    """All SQL of it, and every row with the type of each value."""
    connection = sqlite3.connect(path)
    lines = [
        repr(row)
        for row in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    ]
    lines.sort()
    for table in TABLES:
        names = [row[1] for row in connection.execute(f'PRAGMA table_xinfo("{table}")')]
        columns = ", ".join(
            f'typeof("{name}"), quote("{name}")'.replace('"a "quoted" column"', '"a ""quoted"" column"')
            for name in names
        )
        lines.append(f"{table}: {names}")
        lines += sorted(map(repr, connection.execute(f'SELECT {columns} FROM "{table}"')))
    for pragma in ("user_version", "application_id", "journal_mode", "encoding", "page_size"):
        lines.append(f"{pragma}: {connection.execute(f'PRAGMA {pragma}').fetchone()}")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return lines


@pytest.fixture
def owned(tmp_path):
    path = tmp_path / "owned.db"
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.close()
    return path


@pytest.mark.parametrize("how", ["attach", "serve"])
def test_detach_takes_everything_out_again(owned, how):
    before = dump(owned)
    if how == "attach":
        done = run("attach", owned)
        assert done.returncode == 0, done.stderr
    else:
        server = Server(owned, "--attach", "--soft-delete", "flat").start()
        with Session(server, client_id="c") as session:
            # What is written and taken back leaves nothing.
            session.create("plain", id="new", n=1)
            session.create("child", id="3", plain="new")
            session.delete("plain", "new")
            session.create("flat", id="soft", n=5)
            session.delete("flat", "soft")
            changed = session.update("both", id="k", n=2)
            session.update("both", id="k", n=1, options={"if_version": changed.sequence})
            server.foreign("INSERT INTO both (id, n) VALUES ('foreign', 1)")
            server.foreign("DELETE FROM both WHERE id = 'foreign'")
        assert server.terminate() == 0
    assert dump(owned) != before
    planned = run("detach", owned, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    done = run("detach", owned)
    assert done.returncode == 0, done.stderr
    assert "stays" not in done.stdout, done.stdout
    assert dump(owned) == before
    left = sorted(each.name for each in owned.parent.iterdir() if each.name.startswith("owned.db"))
    assert [name for name in left if not name.endswith(".log")] == ["owned.db"], left


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="there is no sqlite3 shell")
def test_the_shells_dump_is_the_same_too(owned):
    import subprocess

    def shell():
        return subprocess.run(
            ["sqlite3", owned, ".dump"], capture_output=True, check=True, timeout=30
        ).stdout

    before = shell()
    assert run("attach", owned).returncode == 0
    assert shell() != before
    assert run("detach", owned).returncode == 0
    assert shell() == before
