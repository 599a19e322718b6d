"""What SQLite is given to run, whatever clients send: statements of the server's own making, with every
value bound. The debug build says them all; the texts themselves are read here, not their effects."""

import random
import re
import sqlite3

import pytest

from conftest import SEED
from errors import Refused
from server import Server
from session import Session
from test_injection import CLEAN, HOSTILE, SQL, quoted

# Stands in everything hostile that is sent, and in nothing that the server writes by itself.
MARK = "zqx7"
FUZZED = 80
# Of the places that take text, those that one text of many is sent to.
PLACES = 7
COLUMNS = ["id", "title", "stars", "level", "price", "at", "day", "token", "version"]
TOKEN = re.compile(
    r"""\s+|(?P<string>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<comment>--|/\*)"""
    r"""|(?P<number>[0-9][0-9.eExX]*)|(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<bound>\?[0-9]*)"""
    r"""|(?P<sign>[(),=<>.*|+-]+)|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
# Of SQL's words, what reading, writing and their bookkeeping take; of numbers, what is no value.
WORDS = set(
    "SELECT FROM WHERE AND OR NOT NULL IS IN AS ON BY ORDER ASC DESC NULLS FIRST LAST LIMIT OFFSET CASE WHEN"
    " THEN ELSE END CAST BLOB TEXT COLLATE BINARY BETWEEN TRUE INSERT INTO VALUES UPDATE SET DELETE REPLACE"
    " BEGIN IMMEDIATE COMMIT ROLLBACK SAVEPOINT RELEASE TO COUNT COALESCE TYPEOF LIKELIHOOD MAX MIN SUM TOTAL"
    " LENGTH DEFAULT RETURNING EXISTS UNION ALL DISTINCT DO CONFLICT NOTHING EXCLUDED UNIQUE IFNULL ABS".split()
)
NUMBERS = {"0", "1", "0.001"}
# Of tables beside: the field's number and the kind of value that are read out of an image.
FIELD_OF_IMAGE = re.compile(r"""(datasync_field\([^(),]*), [0-9]+, '[a-z]'\)""")


@pytest.fixture
def watched(tmp_path):
    path = tmp_path / "watched.db"
    connection = sqlite3.connect(path)
    connection.executescript(SQL)
    connection.close()
    log = tmp_path / "sql.log"
    server = Server(path, "--attach", environment={"DATASYNC_SQL_LOG": str(log)}).start()
    with Session(server, timeout=280) as session:
        assert len(session.rows("notes")) == 2
        if not log.exists():
            pytest.skip("a release build keeps no log of its statements")
        yield server, session, lambda: [t for t in log.read_bytes().decode().split("\0") if t]
    server.stop()


def attempt(body):
    """Whether there was an answer; a clean refusal is none, and nothing else may happen."""
    try:
        body()
    except Refused as error:
        assert error.code in CLEAN, error
        return False
    return True


def hostile_texts(source):
    """The corpus, each text marked at its ends and within; and pieces of it put together at random."""
    for text in HOSTILE:
        if len(text) < 2000:
            middle = len(text) // 2
            yield MARK + text + MARK
            yield text[:middle] + MARK + text[middle:]
    short = [text for text in HOSTILE if len(text) < 80]
    for _ in range(FUZZED):
        yield MARK.join(source.choice(short) for _ in range(source.randrange(2, 6))) + MARK


def send(server, session, text, source, places=None):
    """One text in the places that take text, or in some of them; returns how many requests were answered."""
    column = source.choice(COLUMNS)
    condition = source.choice([
        "title eq {}", "title ne {}", "title ge {}", "startswith(title, {})", "contains(title, {})",
        "title in ({}, 'x', null)", "not (concat(title, {}) eq title)", "tolower({}) eq title",
        "indexof(title, {}) gt 0", "substring({}, 1) eq title", "{} eq title", "level eq {}",
        "price eq {}", "at gt {}", "day lt {}", "token eq {}", "cast({}, Edm.Int64) eq stars",
        "cast({}, Edm.Date) eq day", "length({}) eq stars", "trim({}) eq title or stars eq 1",
    ]).format(quoted(text))
    bodies = [
        lambda: session.page("notes", filter=condition, count=True, order_by=f"{column} desc"),
        lambda: session.page("notes", filter=text),
        lambda: session.page("notes", filter=f"stars eq 1 or {text}"),
        lambda: session.page("notes", order_by=text),
        lambda: session.page("notes", order_by=f"{column}, {text}"),
        lambda: session.page("notes", select=[column, text]),
        lambda: session.page(text), lambda: session.get(text, "a"), lambda: session.get("notes", text),
        lambda: session.page("notes", page_token=text),
        lambda: session.delete("notes", text), lambda: session.update("notes", id=text, title="x"),
        lambda: session.replace("notes", id="a", title=text), lambda: session.update("notes", id="a", title=text),
        lambda: session.update("notes", ["title", text], id="a", title="x"),
        lambda: session.create("notes", id=text, title=text),
        lambda: session.create("notes", title=text, mutation_id=text[:60]),
        lambda: session.create("notes", title="x", price=text), lambda: session.create("notes", title="x", level=text),
        lambda: session.delete("notes", text),
        lambda: session.subscribe("notes", filter=condition, once=True).until_current(),
        lambda: session.subscribe("notes", resume_token=text, once=True).next(),
        lambda: server.typed("NotesTable", "Query", filter=condition, order_by=column),
        lambda: server.typed("NotesTable", "Get", id=text),
        lambda: session.call("describe", table=text),
    ]
    if places is not None:
        bodies = bodies[:1] + source.sample(bodies[1:], places - 1)
    return sum(attempt(body) for body in bodies)


def foreign_tokens(sql, names):
    """What in a statement is none of: SQL's own words, the schema's names, functions of ours, `?`."""
    for token in TOKEN.finditer(FIELD_OF_IMAGE.sub(r"\1)", sql)):
        kind, text = token.lastgroup, token.group()
        if kind is None or kind in ("bound", "sign"):
            continue
        if kind == "name" and text[1:-1] in names:
            continue
        if kind == "number" and text in NUMBERS:
            continue
        if kind == "word" and (
            text.upper() in WORDS or text in names or text.startswith("datasync_")
        ):
            continue
        yield text


def test_no_statement_holds_anything_that_a_client_sent(watched):
    server, session, log = watched
    source = random.Random(SEED)
    server.contract.class_of("tables.Notes")
    # What the server does by itself, with values that are not hostile: its own statements.
    for text in ("plain", "words"):
        send(server, session, text, source)
    own = set(log())
    assert any(sql.startswith("SELECT") and "ORDER BY" in sql for sql in own), own
    texts = list(hostile_texts(source))
    answered = sum(send(server, session, text, source, PLACES) for text in texts)
    assert answered > len(texts), "too much was refused to say anything"
    texts = log()
    assert not [sql for sql in texts if MARK in sql.lower()], "a client's text stands in a statement"
    names = {name for (name,) in server.foreign("SELECT name FROM sqlite_schema")}
    for table in list(names):
        names |= {row[1] for row in server.foreign(f'PRAGMA table_info("{table}")')}
    # What a table beside is called in our statements, and what no field can be called.
    names |= {"t", "r", "deleted", " image", " faulty", "CROSS", "JOIN", "ON"}
    new = [sql for sql in texts if sql not in own and not sql.startswith("--")]
    assert len(new) > 20, "the filters made no statements of their own"
    for sql in new:
        assert not list(foreign_tokens(sql, names)), f"not bound: {list(foreign_tokens(sql, names))} in {sql}"
    assert server.foreign("SELECT word FROM secrets") == [("xyzzy",)]


def test_the_same_question_is_the_same_statement_whatever_it_asks_for(watched):
    """Values apart, a request has one statement: after one of its kind no other adds to the log."""
    server, session, log = watched
    conditions = [
        "title eq {}", "title in ({}, {})", "startswith(title, {}) and stars gt 3", "not contains(title, {})",
        "concat({}, title) ne title", "title ge {} or title lt {}",
    ]

    def ask(text):
        for condition in conditions:
            filter = condition.format(*[quoted(text)] * condition.count("{}"))
            session.page("notes", filter=filter, order_by="title desc, stars", count=True)
        attempt(lambda: session.get("notes", text))
        attempt(lambda: session.update("notes", id="b", title=text))
        row = session.create("notes", title=text)
        session.replace("notes", id=row.id, title=text + "!")
        session.delete("notes", row.id)

    ask("first")
    ask("second")
    before = set(log())
    for text in HOSTILE:
        if len(text) < 1000:
            ask(text)
    assert set(log()) - before == set()
