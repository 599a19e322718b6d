"""Hostile text wherever text goes: clean errors or literal matches, and a database as it was."""

import sqlite3

import pytest

from errors import Refused
from session import Session

SQL = """
CREATE TABLE secrets (id TEXT NOT NULL PRIMARY KEY, word TEXT NOT NULL);
INSERT INTO secrets VALUES ('s1', 'xyzzy');
CREATE TABLE notes (
  id TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  stars INTEGER,
  level TEXT CHECK (level IN ('low', 'high')),
  price DECIMAL TEXT,
  at TIMESTAMP,
  day DATE,
  token UUID
);
INSERT INTO notes VALUES
  ('a', 'first', 1, 'low', '1.50', 1700000000000000, '2024-02-29', '00000000-0000-4000-8000-000000000001'),
  ('b', 'second', 2, 'high', '2', 1700000000000001, '2024-03-01', NULL);
"""

# What breaks out of a string, a name, a list, a number or a statement, in SQL and in its neighbours.
HOSTILE = [
    "'", "''", "'''", '"', '""', "`", "[", "]", "\\", "\\'", "%", "_", "%%", "*", ";", "--", "/*", "*/",
    "' OR '1'='1", "' OR 1=1 --", "') OR ('1'='1", "')) OR 1=1 /*", "x' AND 1=(SELECT count(*) FROM secrets) --",
    "'; DROP TABLE notes; --", "'); DELETE FROM notes; --", "1; DROP TABLE secrets", "a'||'b",
    "' UNION SELECT word, 1, 1, 1 FROM secrets --", "' UNION ALL SELECT sql FROM sqlite_master --",
    '" OR ""="', '"; DROP TABLE notes; --', "notes; --", "notes UNION SELECT * FROM secrets",
    "main.notes", '"notes"', "[notes]", "`notes`", "(SELECT word FROM secrets)",
    "notes WHERE 1=1 --", "sqlite_master", "sqlite_schema", "sqlite_sequence", "datasync_log",
    "datasync_state", "datasync_foreign", "pragma_table_info", "temp.notes", "notes, secrets",
    "CASE WHEN 1 THEN title END", "title COLLATE NOCASE", "title; DROP TABLE notes",
    "title DESC; --", "(title)", "random()", "load_extension('x')", "writefile('/tmp/x', 'y')",
    "readfile('/etc/passwd')", "ATTACH DATABASE '/tmp/x.db' AS x", "PRAGMA writable_schema = 1",
    "VACUUM INTO '/tmp/x'", "title eq 'x' UNION SELECT 1", "1 eq 1 or (select 1)",
    "title eq (select word from secrets)", "exists(select 1)", "title = 'first'", "1=1", "1 or 1",
    "stars eq 1; delete from notes", "stars eq 1 -- and false", "stars eq 1 /* */",
    "stars eq ?1", "stars eq :a", "stars eq @a", "stars eq $a", "?", "?1", ":a", "@p1", "$1", "#1",
    "stars eq x'00'", "stars eq 0x1", "title eq char(39)", "unhex('00') eq title",
    "hex(title) eq 'x'", "glob('*', title)", "like('%', title)", "title like '%'", "title glob '*'",
    "title regexp '.*'", "title match 'x'", "json_extract(title, '$') eq 'x'",
    "datasync_filter('1', 0)", "rowid eq 1", "_rowid_ eq 1", "oid eq 1", "notes.title eq 'first'",
    "sqlite_version() eq '3'", "last_insert_rowid() eq 1", "zeroblob(1000000000) eq title",
    "randomblob(1000000000) eq title", "printf('%1000000000d', 1) eq title", "\u02bc OR 1=1",
    "\u2019 OR \u20191\u2019=\u20191", "\uff07 OR 1=1", "\u037e", "\u200b'", "\u202e'", "\ufeff'",
    "%27 OR 1=1", "&#39; OR 1=1", "\\u0027 OR 1=1", "%00", "\r\n; DROP TABLE notes", "\t' OR 1",
    "$it/title", "$it", "$root", "$filter=1", "../../etc/passwd", "{{7*7}}", "${7*7}", "a" * 9000,
    "'" * 999, '"' * 999, "(" * 999, "null", "NULL", "true", "not", "eq", "select", "*, word",
    "\U0001f600' --", "e\u0301'", "\x01", "\x7f", "\x1b[2J",
]
# Clean: the request's fault, or not there.
CLEAN = {"INVALID_ARGUMENT", "NOT_FOUND"}


@pytest.fixture(scope="module")
def fortress(tmp_path_factory):
    from server import Server

    path = tmp_path_factory.mktemp("fortress") / "fortress.db"
    connection = sqlite3.connect(path)
    connection.executescript(SQL)
    connection.close()
    server = Server(path, "--attach").start()
    # The first answer says that all of attaching is done.
    with Session(server, timeout=900) as session:
        assert len(session.rows("notes")) == 2
        yield server, session
    server.stop()


def dump(server):
    connection = server.sqlite()
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def attempt(body):
    """The answer, or None where it was cleanly refused; nothing else may happen."""
    try:
        return body()
    except Refused as error:
        assert error.code in CLEAN, error
        assert error.domain == "datasync" and error.reason, "a refusal has a reason of ours"
        text = f"{error.message} {error.metadata} {error.violations}"
        assert "xyzzy" not in text, "a secret in an error"
        for word in ("sqlite3_", "SQLITE_", "syntax error", "no such column", "no such table"):
            assert word not in text, f"SQLite speaks through: {text}"
        return None


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text)[:50])
def test_hostile_text_reads_nothing_and_changes_nothing(fortress, hostile):
    server, session = fortress
    before = dump(server)
    everything = {"a", "b"}

    def ids(page):
        assert page is None or all("word" not in row for row in page.rows)
        return None if page is None else {row["id"] for row in page.rows}

    # As a whole filter, order or select: refused, or one that the language has.
    for fields in (
        {"filter": hostile}, {"order_by": hostile}, {"select": [hostile]},
        {"filter": hostile, "count": True, "order_by": hostile}, {"page_token": hostile},
    ):
        found = ids(attempt(lambda: session.page("notes", **fields)))
        assert found is None or found <= everything
    # Behind a true condition nothing but a refusal, or the same rows, is an answer.
    for filter in (f"stars eq 1 {hostile}", f"stars eq 1 and {hostile}", f"stars in (1, {hostile})"):
        found = ids(attempt(lambda: session.page("notes", filter=filter)))
        assert found is None or found <= {"a"}, filter
    # As text in a filter: itself, whatever it looks like.
    for condition in (
        "title eq {}", "startswith(title, {})", "endswith(title, {})", "title in ({}, {})",
        "concat(title, 'x') eq {}", "indexof(title, {}) gt 5",
    ):
        filter = condition.format(*[quoted(hostile)] * condition.count("{}"))
        found = ids(attempt(lambda: session.page("notes", filter=filter)))
        assert not found, filter
    contained = ids(attempt(lambda: session.page("notes", filter=f"contains(title, {quoted(hostile)})")))
    assert not contained
    # Where a value of another type should stand.
    for column in ("level", "price", "at", "day", "token", "stars"):
        attempt(lambda: session.page("notes", filter=f"{column} eq {quoted(hostile)}"))
        attempt(lambda: session.page("notes", filter=f"{column} eq {hostile}"))
    # As a table, an id, or where to go on.
    for body in (
        lambda: session.page(hostile), lambda: session.get(hostile, "a"),
        lambda: session.get("notes", hostile), lambda: session.delete(hostile, "a"),
        lambda: session.delete("notes", hostile), lambda: session.call("describe", table=hostile),
        lambda: session.subscribe(hostile, once=True).next(),
        lambda: session.subscribe("notes", resume_token=hostile, once=True).next(),
        lambda: session.update("notes", id=hostile, title="changed"),
        lambda: session.update("notes", [hostile], id="a", title="changed"),
        lambda: session.get("notes", "a", select=[hostile]),
    ):
        assert attempt(body) is None
    attempt(lambda: server.typed("NotesTable", "Query", filter=hostile, order_by=hostile))
    assert attempt(lambda: server.typed("NotesTable", "Get", id=hostile)) is None
    assert dump(server) == before
    assert {row["id"] for row in session.rows("notes")} == everything


def test_hostile_text_is_kept_as_it_is(fortress):
    """Written as a value and as a key: it comes back letter for letter, and finds itself alone."""
    server, session = fortress
    written = {}
    for index, hostile in enumerate(HOSTILE):
        row = session.create("notes", id=f"h{index}", title=hostile)
        assert row.row["title"] == hostile
        written[row.id] = hostile
        if len(hostile) < 8000:
            found = session.rows("notes", filter=f"title eq {quoted(hostile)}")
            assert [row["id"] for row in found] == [row["id"] for row in found if row["title"] == hostile]
            assert f"h{index}" in {row["id"] for row in found}
    for index, hostile in enumerate(HOSTILE):
        try:
            key = session.create("notes", id=hostile, title=f"key {index}").id
        except Refused as error:
            # Too long, or with control characters in it.
            assert error.code == "INVALID_ARGUMENT", error
            assert len(hostile.encode()) > 255 or any(ord(c) < 32 or ord(c) == 127 for c in hostile)
            continue
        assert key == hostile and session.get("notes", hostile)["title"] == f"key {index}"
        assert session.delete("notes", hostile).row["title"] == f"key {index}"
    for id, hostile in written.items():
        assert server.foreign("SELECT title FROM notes WHERE id = ?", (id,)) == [(hostile,)]
        session.delete("notes", id)
    assert server.foreign("SELECT word FROM secrets") == [("xyzzy",)]
    assert {row["id"] for row in session.rows("notes")} == {"a", "b"}
