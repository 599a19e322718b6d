"""Whatever another program does to the rows, before, while and after the server runs, is seen exactly."""

import sqlite3

import pytest

from conftest import SEED, number
from server import Server, run
from session import Session, View

# One of each kind of table, with what the owner's own triggers and keys do to the others.
SCHEMA = """
CREATE TABLE plain (id TEXT PRIMARY KEY, n INTEGER, email TEXT UNIQUE, tag TEXT);
CREATE TABLE counted (id INTEGER PRIMARY KEY, n INTEGER, tag TEXT);
CREATE TABLE growing (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER, tag TEXT);
CREATE TABLE flat (id TEXT PRIMARY KEY, n INTEGER, tag TEXT, UNIQUE (n, tag)) WITHOUT ROWID;
CREATE TABLE tight (id TEXT PRIMARY KEY NOT NULL, n INT, tag TEXT) STRICT;
CREATE TABLE made (id TEXT PRIMARY KEY, n INTEGER, tag TEXT, twice INTEGER AS (n * 2) STORED);
CREATE TABLE child (id TEXT PRIMARY KEY, n INTEGER, tag TEXT,
  parent TEXT REFERENCES plain (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT, tag TEXT, n INTEGER);
CREATE TRIGGER plain_audit AFTER UPDATE OF n ON plain BEGIN
  INSERT INTO audit (what, tag) VALUES (OLD.n || '>' || NEW.n, NEW.tag); END;
CREATE TRIGGER flat_follows AFTER DELETE ON flat BEGIN
  UPDATE counted SET n = n + 1 WHERE id % 3 = 0; END;
CREATE TRIGGER tight_again AFTER INSERT ON tight WHEN NEW.n > 0 BEGIN
  INSERT OR REPLACE INTO tight (id, n, tag) VALUES (NEW.id, NEW.n - 1, NEW.tag); END;
"""
TABLES = ("plain", "counted", "growing", "flat", "tight", "made", "child", "audit")
TEXT_KEYS = ("plain", "flat", "tight", "made", "child")


class Owner:
    """The other program: random statements of every kind, in transactions of their own or together."""

    def __init__(self, database, random):
        self.random = random
        self.connection = sqlite3.connect(database, timeout=30, isolation_level=None)
        self.connection.execute(f"PRAGMA recursive_triggers = {random.choice(['ON', 'OFF'])}")
        self.connection.execute(f"PRAGMA foreign_keys = {random.choice(['ON', 'OFF'])}")
        self.count = 0

    def close(self):
        self.connection.close()

    def work(self, statements):
        done = 0
        while done < statements:
            together = self.random.choice([1, 1, 1, 5])
            if together > 1:
                self.connection.execute("BEGIN")
            for _ in range(together):
                self.statement()
                done += 1
            if together > 1:
                self.connection.execute(self.random.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))

    def statement(self):
        sql = self.random.choice(
            [self.insert, self.insert, self.upsert, self.update, self.rename, self.many, self.delete]
        )()
        try:
            self.connection.execute(sql)
        except sqlite3.IntegrityError:
            pass  # A constraint of the owner's refuses it, as it would without a server.

    def key(self, table):
        number = self.random.randrange(1, 9)
        if table in TEXT_KEYS:
            return f"'{self.random.choice('ab')}{number}'"
        return str(number)

    def tag(self):
        self.count += 1
        return f"'t{self.count}'"

    def extra(self, table):
        if table == "plain":
            return ", email", f", 'e{self.random.randrange(4)}'"
        if table == "child":
            return ", parent", f", {self.key('plain')}"
        return "", ""

    def insert(self):
        table = self.random.choice(TABLES)
        verb = self.random.choice(["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
        name, value = self.extra(table)
        return (
            f"{verb} INTO {table} (id, n, tag{name})"
            f" VALUES ({self.key(table)}, {self.random.randrange(4)}, {self.tag()}{value})"
        )

    def upsert(self):
        table = self.random.choice(TABLES)
        return (
            f"INSERT INTO {table} (id, n, tag) VALUES ({self.key(table)}, 1, {self.tag()}),"
            f" ({self.key(table)}, 2, {self.tag()})"
            " ON CONFLICT (id) DO UPDATE SET n = excluded.n, tag = excluded.tag"
        )

    def update(self):
        table = self.random.choice(TABLES)
        how = self.random.choice(["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"])
        return (
            f"{how} {table} SET n = {self.random.randrange(5)}, tag = {self.tag()}"
            f" WHERE id = {self.key(table)}"
        )

    def rename(self):
        table = self.random.choice(TABLES)
        how = self.random.choice(["UPDATE", "UPDATE OR REPLACE"])
        return f"{how} {table} SET id = {self.key(table)} WHERE id = {self.key(table)}"

    def many(self):
        table = self.random.choice(TABLES)
        return f"UPDATE OR REPLACE {table} SET n = coalesce(n, 0) + 1, tag = {self.tag()} WHERE n < 3"

    def delete(self):
        table = self.random.choice(TABLES)
        return f"DELETE FROM {table} WHERE id {self.random.choice(['=', '>='])} {self.key(table)}"


def everything(session):
    return {table: {str(row["id"]): row for row in session.rows(table)} for table in TABLES}


def stored(database):
    """The owner's own columns, as another program reads them."""
    connection = sqlite3.connect(database, timeout=30)
    rows = {
        table: {str(row[0]): row[1:] for row in connection.execute(f"SELECT id, n, tag FROM {table}")}
        for table in TABLES
    }
    connection.close()
    return rows


def converge(session, events, view, database):
    """The subscriber's view is what a query shows, and that is what the file holds."""
    last = session.create("audit", what="last", tag="last").sequence
    view.apply_all(events.until_sequence(last))
    shown = everything(session)
    assert {table: view.of(table) for table in TABLES} == shown, f"seed {SEED}"
    own = {
        table: {id: (row.get("n"), row.get("tag")) for id, row in rows.items()}
        for table, rows in shown.items()
    }
    assert own == stored(database), f"seed {SEED}"


def check(database):
    """Log and rows agree; the owner may have broken its own foreign keys."""
    report = run("check", database, timeout=60)
    findings = [line for line in report.stdout.splitlines()[1:] if "a foreign key to" not in line]
    assert report.returncode in (0, 1) and not findings, report.stdout


@pytest.mark.parametrize("round", range(number("DATASYNC_FOREIGN_ROUNDS", 4)))
def test_every_way_of_writing_rows_is_seen(tmp_path, seeded, round):
    random = type(seeded)(SEED + round)
    database = tmp_path / "owned.db"
    connection = sqlite3.connect(database)
    connection.executescript(SCHEMA)
    connection.close()
    # Before there was a server.
    owner = Owner(database, random)
    owner.work(60)
    server = Server(database, "--attach").start()
    view = View()
    try:
        with Session(server, client_id="watcher") as session:
            events = session.subscribe("", heartbeat_interval=0.1)
            view.apply_all(events.until_current())
            # While it runs, with writes of its own between.
            for _ in range(15):
                owner.work(10)
                table = random.choice(TEXT_KEYS)
                id = f"a{random.randrange(1, 9)}"
                entity = session.contract.entity(table, id=id, tag=f"own {id}")
                session.call("replace", allow_missing=True, entity=entity)
            converge(session, events, view, database)
        assert server.terminate() == 0
        # After it has ended.
        owner.work(60)
        check(database)
        server.start()
        with Session(server, client_id="watcher") as session:
            events = session.subscribe("", heartbeat_interval=0.1, resume_token=view.token)
            converge(session, events, view, database)
            # And in the end, when it is killed among them.
            owner.work(30)
        server.kill()
        owner.work(30)
        check(database)
        server.start()
        with Session(server, client_id="watcher") as session:
            events = session.subscribe("", heartbeat_interval=0.1, resume_token=view.token)
            converge(session, events, view, database)
    finally:
        owner.close()
        server.stop()
    check(database)
    expected = stored(database)
    assert run("detach", database).returncode == 0
    assert stored(database) == expected
