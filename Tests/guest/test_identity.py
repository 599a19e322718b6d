"""Whose a name is: message type and numbers stay with it, whichever way others rebuild the table."""

import os
import shutil
import sqlite3
import time

import pytest

import owner
from errors import refused
from served import limits
from server import run, until
from session import Session

SQL = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, born DATE);
CREATE TABLE books (id INTEGER PRIMARY KEY, author INTEGER REFERENCES authors (id), title TEXT);
INSERT INTO authors VALUES (1, 'a', '1900-01-01'), (2, 'b', NULL), (3, 'c', '1950-05-05');
INSERT INTO books VALUES (1, 1, 'one'), (2, 1, 'two');
"""
NEW = "id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE, email TEXT"
WAYS = {
    "new, then rename": [
        f"CREATE TABLE authors_new ({NEW})",
        "INSERT INTO authors_new SELECT id, name, born, NULL FROM authors",
        "DROP TABLE authors", "ALTER TABLE authors_new RENAME TO authors",
    ],
    "old aside": [
        "ALTER TABLE authors RENAME TO authors_old", f"CREATE TABLE authors ({NEW})",
        "INSERT INTO authors SELECT id, name, born, NULL FROM authors_old", "DROP TABLE authors_old",
    ],
    "old aside and kept": [
        "ALTER TABLE authors RENAME TO authors_old", f"CREATE TABLE authors ({NEW})",
        "INSERT INTO authors SELECT id, name, born, NULL FROM authors_old",
    ],
    "copy and back": [
        "CREATE TABLE authors_backup (id INTEGER PRIMARY KEY, name TEXT, born DATE)",
        "INSERT INTO authors_backup SELECT * FROM authors", "DROP TABLE authors",
        f"CREATE TABLE authors ({NEW})",
        "INSERT INTO authors SELECT id, name, born, NULL FROM authors_backup", "DROP TABLE authors_backup",
    ],
    "a temporary copy and back": [
        "CREATE TEMPORARY TABLE aside AS SELECT * FROM authors", "DROP TABLE authors",
        f"CREATE TABLE authors ({NEW})", "INSERT INTO authors SELECT id, name, born, NULL FROM aside",
        "DROP TABLE aside",
    ],
    "twice over": [
        f"CREATE TABLE authors_1 ({NEW})", "INSERT INTO authors_1 SELECT id, name, born, NULL FROM authors",
        "DROP TABLE authors", "ALTER TABLE authors_1 RENAME TO authors",
        f"CREATE TABLE authors_2 ({NEW})", "INSERT INTO authors_2 SELECT * FROM authors",
        "DROP TABLE authors", "ALTER TABLE authors_2 RENAME TO authors",
    ],
}
# The server waits for a fifth of a second of rest: the pauses are longer.
PACES = {"in one transaction": None, "in autocommit": 0.0, "with pauses": 0.5}


def slowly():
    return ["--limit", "attach_delay=1s"] if "attach_delay" in limits() else []


def perform(path, statements, pause):
    # As tools do it: a key that refers to the table is not to follow it.
    connection = owner.connect(path, foreign_keys="OFF", legacy_alter_table="ON")
    if pause is None:
        connection.execute("BEGIN IMMEDIATE")
    for statement in statements:
        connection.execute(statement)
        time.sleep(pause or 0)
    if pause is None:
        connection.execute("COMMIT")
    connection.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pace", PACES)
def test_a_rebuilt_table_keeps_its_identity(guest, way, pace):
    served = guest(SQL)
    kind = served.table("authors").message_type
    before = {c.name: c.number for c in served.table("authors").columns}
    served.session.update("authors", id=3, name="changed")
    rows = served.answers("authors")[0]
    time.sleep(0.02)
    token = served.token("authors")
    perform(served.path, WAYS[way], PACES[pace])
    served.until_begun_anew("authors", token)
    assert served.table("authors").message_type == kind
    assert {c.name: c.number for c in served.table("authors").columns} == {**before, "email": 8}
    found, errors = served.answers("authors")
    assert not errors and {id: row.get("name") for id, row in found.items()} == {"1": "a", "2": "b", "3": "changed"}
    # Its history begins anew; its entries keep when they were created. (A row that came only after the
    # table had been empty for a while is a new one.)
    assert found["3"]["version"] >= rows["3"]["version"]
    if pace != "with pauses" or not way.endswith(("back", "aside", "kept")):
        assert found["3"]["created_at"] == rows["3"]["created_at"]
    served.watch("authors")
    served.session.update("authors", id=1, email="a@x")
    served.sql("REPLACE INTO authors VALUES (2, 'bb', NULL, 'b@x')", "INSERT INTO authors VALUES (4, 'd', NULL, NULL)")
    assert {e.id for e in served.exact()} == {"1", "2", "4"}
    assert owner.columns(served.path, "authors") == ["id", "name", "born", "email"]
    served.restart()
    assert served.table("authors").message_type == kind
    assert served.answers("authors")[0].keys() == {"1", "2", "3", "4"}


def test_what_is_kept_aside_becomes_a_table_of_its_own(guest):
    served = guest(SQL)
    perform(served.path, WAYS["old aside and kept"], 0.5)
    served.until_served("authors", "authors_old")
    tables = served.tables()
    assert tables["authors"].message_type == "tables.Authors"
    assert tables["authors_old"].message_type not in ("tables.Authors", "")
    served.watch("")
    served.sql("UPDATE authors_old SET name = 'old' WHERE id = 1", "UPDATE authors SET name = 'new' WHERE id = 1")
    assert [(e.table, e.row["name"]) for e in served.exact()] == [("authors_old", "old"), ("authors", "new")]


def test_a_table_renamed_to_an_unknown_name_takes_its_identity_along(guest):
    served = guest(SQL)
    before = {c.name: c.number for c in served.table("authors").columns}
    rows = served.answers("authors")[0]
    watch = served.watch("authors")
    served.sql("ALTER TABLE authors RENAME TO writers")
    until(lambda: "writers" in served.tables(), 15, "the renamed table is not served")
    table = served.tables()["writers"]
    assert {c.name: c.number for c in table.columns} == before
    # It is the same table: the subscription goes on, and versions stay.
    written = served.session.update("authors", id=1, name="x")
    assert watch.change().sequence == written.sequence
    served.anew()
    found = served.answers("writers")[0]
    assert found["2"] == rows["2"] and found["1"]["created_at"] == rows["1"]["created_at"]


def test_the_old_name_used_again_takes_the_identity_back(guest):
    served = guest(SQL)
    kind = served.table("authors").message_type
    served.sql("ALTER TABLE authors RENAME TO writers")
    until(lambda: "writers" in served.tables(), 15, "the renamed table is not served")
    served.sql("CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT, born DATE)")
    served.until_served("authors", "writers")
    tables = served.tables()
    assert tables["authors"].message_type == kind != tables["writers"].message_type
    assert len(served.answers("writers")[0]) == 3 and not served.answers("authors")[0]


def test_a_table_that_comes_back_after_it_was_dropped_has_its_numbers(guest):
    served = guest(SQL)
    before = {c.name: c.number for c in served.table("books").columns}
    served.sql("DROP TABLE books")
    until(lambda: "books" not in served.tables(), 15, "the dropped table is still served")
    served.sql("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, author INTEGER, pages INTEGER)")
    served.until_served("books")
    after = {c.name: c.number for c in served.table("books").columns}
    assert {name: after[name] for name in before} == before and after["pages"] not in before.values()


def test_two_tables_that_trade_names_trade_what_they_are(guest):
    served = guest(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, x TEXT, y TEXT);"
        "INSERT INTO a VALUES (1, 'of a'); INSERT INTO b VALUES (1, 'of b', 'y'), (2, 'too', 'y');"
    )
    kinds = {name: served.table(name).message_type for name in "ab"}
    served.transaction("ALTER TABLE a RENAME TO c", "ALTER TABLE b RENAME TO a", "ALTER TABLE c RENAME TO b")
    served.until_fields("a", lambda fields: "y" in fields, "the trade was not noticed")
    served.anew()
    assert {name: served.table(name).message_type for name in "ab"} == kinds
    assert [r["x"] for r in served.session.rows("a")] == ["of b", "too"]
    assert [r["x"] for r in served.session.rows("b")] == ["of a"]
    served.watch("")
    served.sql("INSERT INTO a VALUES (3, 'n', 'y')", "INSERT INTO b VALUES (3, 'n')")
    assert [e.table for e in served.exact()] == ["a", "b"]


@pytest.mark.parametrize("way", ["VACUUM", "PRAGMA page_size = 8192; VACUUM", "REINDEX", "ANALYZE",
                                 "ALTER TABLE authors RENAME COLUMN name TO called"])
@pytest.mark.parametrize("key", ["TEXT PRIMARY KEY)", "INTEGER PRIMARY KEY)", "TEXT PRIMARY KEY) WITHOUT ROWID"])
def test_entries_follow_the_key_whatever_the_file_does(guest, way, key):
    served = guest(
        f"CREATE TABLE authors (name TEXT, id {key};"
        "INSERT INTO authors VALUES ('a', 1), ('gap', 2), ('b', 3), ('c', 5); DELETE FROM authors WHERE id = 2;"
    )
    served.sql("UPDATE authors SET name = 'bb' WHERE id = 3", "DELETE FROM authors WHERE id = 1")
    served.settle()
    before = {id: (r["version"], r["created_at"], r["updated_at"]) for id, r in served.answers("authors")[0].items()}
    served.sql(*way.split("; "))
    served.settle()
    served.anew()
    after = {id: (r["version"], r["created_at"], r["updated_at"]) for id, r in served.answers("authors")[0].items()}
    assert after == before
    served.watch("authors")
    served.sql("DELETE FROM authors WHERE id = 5")
    assert [(e.operation, e.id) for e in served.exact()] == [("DELETE", "5")]


def test_nothing_is_altered_in_a_schema_that_is_changing(guest):
    served = guest(SQL, *slowly())
    connection = owner.connect(served.path)
    statements = [f"CREATE TABLE step{n} (id INTEGER PRIMARY KEY, x TEXT)" for n in range(6)]
    for number, statement in enumerate(statements):
        connection.execute(statement)
        time.sleep(0.3)
        (count,) = connection.execute(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name LIKE 'step%'").fetchone()
        assert count == 0, f"triggers on a new table after {number} steps"
    # Nor while somebody's transaction is open.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO step0 VALUES (1, 'a')")
    time.sleep(1.5)
    connection.execute("ALTER TABLE step1 ADD COLUMN y TEXT")
    connection.execute("COMMIT")
    connection.close()
    served.until_served(*[f"step{n}" for n in range(6)])
    assert served.answers("step0")[0].keys() == {"1"}


def test_our_triggers_name_no_table_of_the_owners(guest):
    served = guest(SQL)
    found = served.sql("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'datasync%'")
    assert found
    for name, sql in found:
        body = sql.split("BEGIN", 1)[1]
        assert "authors" not in body and "books" not in body, f"{name} names the owner's table: {sql}"


def test_a_token_from_before_a_rebuild_is_too_old_and_the_rest_goes_on(guest):
    served = guest(SQL)
    token = served.session.page("authors").resume_token
    others = served.watch("books")
    perform(served.path, WAYS["new, then rename"], None)
    served.until_begun_anew("authors", token)
    others = served.watch("books", others.picture, resume_token=others.picture.token)
    served.settle()
    assert others.picture.of("books").keys() == {"1", "2"}
    with Session(served.server) as session:
        with refused("OUT_OF_RANGE", "HISTORY_COMPACTED"):
            session.subscribe("authors", resume_token=token).next()


@pytest.mark.parametrize("how", ["backup API", "copied over", "older copy"])
def test_a_file_that_was_put_back_is_another_history(guest, tmp_path, how):
    served = guest(SQL)
    served.session.update("books", id=1, title="before")
    copy = tmp_path / "copy.db"
    with sqlite3.connect(served.path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    target.close(), source.close()
    token = served.session.page("books").resume_token
    served.session.update("books", id=1, title="after")
    if how == "backup API":
        source, target = sqlite3.connect(copy), sqlite3.connect(served.path, timeout=20)
        source.backup(target)
        source.close(), target.close()
    else:
        served.end()
        shutil.copy(copy, served.path)
        for end in ("-wal", "-shm"):
            served.path.with_name(served.path.name + end).unlink(missing_ok=True)
        served.server.start()
    with Session(served.server, client_id="y") as session:
        with refused("OUT_OF_RANGE"):
            session.subscribe("books", resume_token=token).next()
        served.learn(session)
        assert session.get("books", "1")["title"] == "before"


@pytest.mark.parametrize("link", ["same path", "symlink", "hard link", "relative"])
def test_a_second_server_on_the_same_file_does_not_start(guest, tmp_path, link):
    served = guest(SQL)
    path = served.path
    if link == "symlink":
        (tmp_path / "sub").mkdir()
        path = tmp_path / "sub" / "link.db"
        path.symlink_to(served.path)
    elif link == "hard link":
        path = tmp_path / "hard.db"
        os.link(served.path, path)
    elif link == "relative":
        path = os.path.relpath(served.path)
    done = run("serve", path, "--listen", "127.0.0.1:0", timeout=20)
    assert done.returncode != 0 and done.stderr.strip(), done.stdout
    assert served.session.create("books", title="still served").sequence


def test_check_knows_a_renamed_table(guest):
    served = guest("CREATE TABLE tag (slug TEXT PRIMARY KEY, n INTEGER); INSERT INTO tag VALUES ('a', 1);")

    def checked():
        done = run("check", served.path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tables = checked()
    for name, before in (("label", "tag"), ("tag", "label"), ("word", "tag")):
        served.sql(f"ALTER TABLE {before} RENAME TO {name}")
        # Noticed or not.
        checked()
        until(lambda: name in served.tables(), 15, f"{name} is not served")
        served.sql(f"INSERT INTO {name} VALUES ('{name} {before}', 2)")
        served.settle()
        assert checked().split(",")[0].split()[-2:] == tables.split(",")[0].split()[-2:]
    served.end()
    served.sql("ALTER TABLE word RENAME TO other")
    checked()
