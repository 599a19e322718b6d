"""Who may see and do what: an access file, tokens, rules, and what they make of every operation."""

import time

import grpc
import pytest

from errors import Refused, refused
from server import Server, run, until
from session import Change, Checkpoint, Session

SQL = """
CREATE TABLE todo_items (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, owner TEXT, cost INTEGER, slug TEXT UNIQUE, done BOOLEAN
);
CREATE TABLE secrets (id TEXT PRIMARY KEY, words TEXT);
CREATE TABLE notices (id TEXT PRIMARY KEY, words TEXT);
INSERT INTO secrets VALUES ('s', 'nobody sees this');
INSERT INTO notices VALUES ('n', 'everybody reads this');
"""
FILE = """
credentials:
  tokens: tokens.txt
roles: { admin: [root] }
tables:
  todo_items:
    read:   owner eq @principal.id or 'admin' in @principal.roles
    create: owner eq @principal.id or 'admin' in @principal.roles
    update: { before: owner eq @principal.id and title ne 'locked', after: owner eq @old.owner }
    delete: owner eq @principal.id and done eq true
    set:    { owner: '@principal.id' }
    hide:   { cost: "not ('admin' in @principal.roles)" }
  notices: { read: 'true' }
"""
TABLE = "todo_items"


def make_token(name, *arguments):
    """The token, and its line for the token file."""
    lines = run("token", name, *arguments).stdout.splitlines()
    return lines[0].split(": ", 1)[1], lines[1].split(": ", 1)[1]


class Place:
    """A server with an access file, and tokens of three principals."""

    def __init__(self, folder, file=FILE, names=("alice", "bob", "root"), sql=SQL, options=()):
        import sqlite3

        self.folder = folder
        connection = sqlite3.connect(folder / "access.db")
        connection.executescript(sql)
        connection.close()
        tokens = {name: make_token(name) for name in names}
        self.tokens = {name: token for name, (token, _) in tokens.items()}
        self.lines = {name: line for name, (_, line) in tokens.items()}
        self.write_tokens(names)
        (folder / "access.yml").write_text(file)
        self.server = Server(
            folder / "access.db", "--attach", "--access", folder / "access.yml", *options
        ).start()

    def write_tokens(self, names):
        (self.folder / "tokens.txt").write_text("".join(self.lines[name] + "\n" for name in names))

    def header(self, name):
        return [("authorization", f"Bearer {self.tokens[name]}")]

    def session(self, name, **options):
        return Session(self.server, metadata=self.header(name), **options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("access"))
    yield place
    place.server.stop()


@pytest.fixture
def own_place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.server.stop()


@pytest.fixture
def alice(place):
    with place.session("alice", client_id="a") as session:
        yield session


@pytest.fixture
def bob(place):
    with place.session("bob", client_id="b") as session:
        yield session


@pytest.fixture
def root(place):
    with place.session("root", client_id="r") as session:
        yield session


# -- credentials


def test_open_says_who_the_caller_is(place, alice):
    assert alice.opened.principal == "alice" and not alice.opened.HasField("expires_at")


@pytest.mark.parametrize("value", ["Basic YWxpY2U6eA==", "Bearer", "Bearer nothing", ""])
def test_unusable_credentials_end_any_call(place, value):
    with Session(place.server, metadata=[("authorization", value)]) as session:
        error = session.ended(20)
    assert (error.code, error.reason) == ("UNAUTHENTICATED", "CREDENTIALS_INVALID")
    assert "nothing" not in error.message
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        place.server.unary("Get", metadata=[("authorization", value)], table=TABLE, id="x")


def test_two_headers_are_none(place):
    with Session(place.server, metadata=place.header("alice") * 2) as session:
        assert session.ended(20).reason == "CREDENTIALS_INVALID"


def test_without_credentials_only_authenticate_is_served(place):
    with Session(place.server) as session:
        for kind, fields in [
            ("open", {"client_id": "x"}), ("get", {"table": TABLE, "id": "x"}),
            ("query", {"table": "notices"}), ("subscribe", {}), ("describe", {}),
        ]:
            with refused("UNAUTHENTICATED", "CREDENTIALS_REQUIRED"):
                session.call(kind, **fields)
        with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
            session.call("authenticate", token="wrong")
        assert session.call("authenticate", token=place.tokens["bob"]).principal == "bob"
        assert session.call("open", client_id="x").principal == "bob"
        assert [row["id"] for row in session.rows("notices")] == ["n"]
    with refused("UNAUTHENTICATED", "CREDENTIALS_REQUIRED"):
        place.server.unary("Query", table="notices")


# -- tables and operations


def test_tables_without_a_rule_do_not_exist(place, alice):
    tables = {table.name: table for table in alice.call("describe").tables}
    assert set(tables) == {TABLE, "notices"}
    assert list(tables["notices"].allowed) == [1]
    assert list(tables[TABLE].allowed) == [1, 2, 3, 4]
    assert "cost" not in {column.name for column in tables[TABLE].columns}
    absent = unseen = None
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as absent:
        alice.page("sacrets")
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as unseen:
        alice.page("secrets")
    assert unseen.message.replace("secrets", "sacrets") == absent.message
    for call in [
        lambda: alice.get("secrets", "s"), lambda: alice.delete("secrets", "s"),
        lambda: alice.subscribe("secrets").until_current(),
    ]:
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            call()
    with refused("INVALID_ARGUMENT", "UNKNOWN_TYPE"):
        alice.create("secrets", id="x", words="y")


def test_an_operation_without_a_rule_is_not_allowed(place, alice):
    with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
        alice.create("notices", id="x", words="y")
    with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
        alice.delete("notices", "n")


# -- rows


def test_rows_outside_the_view_are_answered_as_absent_ones(place, alice, bob):
    alice.create(TABLE, id="absent-or-not", title="t")

    def answers(session, key):
        calls = [
            lambda: session.get(TABLE, key),
            lambda: session.update(TABLE, id=key, title="u"),
            lambda: session.update(TABLE, id=key, title="u", options={"if_version": 3}),
            lambda: session.replace(TABLE, id=key, title="u"),
            lambda: session.delete(TABLE, key),
            lambda: session.delete(TABLE, key, if_version=3),
        ]
        told = []
        for call in calls:
            with refused("NOT_FOUND", "ROW_NOT_FOUND") as error:
                call()
            told.append((error.message, sorted(error.metadata.items()), error.row))
        return told

    absent = answers(bob, "absent-or-nat")
    unseen = answers(bob, "absent-or-not")
    assert str(unseen).replace("absent-or-not", "absent-or-nat") == str(absent)
    assert [row["id"] for row in bob.rows(TABLE)] == []
    assert bob.page(TABLE, count=True).total == 0
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        bob.create(TABLE, id="absent-or-not", title="mine")
    assert error.row is None
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        bob.replace(TABLE, id="absent-or-not", title="mine", options={"allow_missing": True})
    assert error.row is None
    assert alice.get(TABLE, "absent-or-not")["title"] == "t"
    alice.update(TABLE, id="absent-or-not", done=True)
    alice.delete(TABLE, "absent-or-not")


def test_set_fills_in_and_rules_judge_what_becomes(place, alice, bob, root):
    made = alice.create(TABLE, id="filled", title="t")
    assert made.row["owner"] == "alice"
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        alice.create(TABLE, id="other", title="t", owner="bob")
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        alice.update(TABLE, id="filled", owner="bob")
    assert alice.replace(TABLE, id="filled", title="u").row["owner"] == "alice"
    with refused("PERMISSION_DENIED", "ROW_NOT_ALLOWED"):
        alice.delete(TABLE, "filled")
    alice.update(TABLE, id="filled", title="locked")
    with refused("PERMISSION_DENIED", "ROW_NOT_ALLOWED"):
        alice.update(TABLE, id="filled", title="free", options={"if_version": 1})
    # What one may not read comes without the row.
    assert root.get(TABLE, "filled")["owner"] == "alice"


def test_hidden_columns_are_nowhere(place, alice, root):
    root.create(TABLE, id="costly", title="t", owner="alice", cost=7)
    assert root.get(TABLE, "costly")["cost"] == 7
    row = alice.get(TABLE, "costly")
    assert "cost" not in row and row["title"] == "t"
    assert all("cost" not in row for row in alice.rows(TABLE))
    for call in [
        lambda: alice.page(TABLE, filter="cost gt 1"), lambda: alice.page(TABLE, order_by="cost"),
        lambda: alice.page(TABLE, select=["cost"]),
        lambda: alice.subscribe(TABLE, filter="cost gt 1").until_current(),
        lambda: alice.update(TABLE, id="costly", title="u", mask=["cost"]),
    ]:
        with refused("INVALID_ARGUMENT") as error:
            call()
        assert "is no field of" in error.message and "did you mean" not in error.message
    with refused("PERMISSION_DENIED", "FIELD_NOT_ALLOWED"):
        alice.update(TABLE, id="costly", cost=1)
    # What the mask leaves out is not written.
    alice.update(TABLE, id="costly", title="masked", cost=1, mask=["title"])
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
        alice.update(TABLE, id="costly", title="u", options={"if_version": 1})
    assert "cost" not in error.row
    # A replace keeps what its caller does not see.
    alice.replace(TABLE, id="costly", title="replaced")
    assert root.get(TABLE, "costly")["cost"] == 7


def test_events_are_those_of_the_callers_view(place, alice, bob, root):
    views = {}
    for name, session in [("alice", alice), ("bob", bob), ("root", root)]:
        for table in (TABLE, ""):
            events = session.subscribe(table, previous=True)
            events.until_current()
            views[name, table] = events
    root.create(TABLE, id="e1", title="t", owner="alice", cost=1)
    root.create(TABLE, id="e2", title="t", owner="bob", cost=1)
    alice.update(TABLE, id="e1", title="mine")
    place.server.foreign("UPDATE todo_items SET cost = 2 WHERE id = 'e1'")
    last = bob.update(TABLE, id="e2", done=True)
    bob.delete(TABLE, "e2")
    end = root.create(TABLE, id="end", title="t", owner="root").sequence
    assert end > last.sequence
    seen = {}
    for key, events in views.items():
        changes = [e for e in events.until_sequence(end) if isinstance(e, Change)]
        seen[key] = [(c.operation, c.id, sorted(c.changed_fields)) for c in changes]
        if key[0] != "root":
            assert all("cost" not in (c.row or {}) for c in changes)
            assert all("cost" not in (c.previous or {}) for c in changes)
        events.cancel()
    for table in (TABLE, ""):
        assert seen["alice", table] == [
            ("ADD", "e1", []), ("UPDATE", "e1", ["title"]), ("UPDATE", "e1", []),
        ]
        assert seen["bob", table] == [
            ("ADD", "e2", []), ("UPDATE", "e2", ["done"]), ("DELETE", "e2", []),
        ]
        assert ("UPDATE", "e1", ["cost"]) in seen["root", table]


def test_page_tokens_and_mutations_are_their_principals(place, alice, bob, root):
    for n in range(3):
        alice.create(TABLE, id=f"page{n}", title="paged")
    page = alice.page(TABLE, filter="title eq 'paged'", page_size=1)
    with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
        bob.page(TABLE, filter="title eq 'paged'", page_size=1, page_token=page.next_page_token)
    first = alice.create(TABLE, mutation_id="m", id="once", title="t")
    again = alice.create(TABLE, mutation_id="m", id="once", title="t")
    assert again.replayed and again.row == first.row
    other = root.create(TABLE, mutation_id="m", id="twice", title="t", owner="root")
    assert not other.replayed


# -- while the stream lives


def test_authenticate_judges_what_was_sent(own_place):
    with own_place.session("root", client_id="r") as root:
        for id, owner in [("a1", "alice"), ("a2", "alice"), ("b1", "bob")]:
            root.create(TABLE, id=id, title="t", owner=owner, cost=1)
        with own_place.session("alice", client_id="x") as session:
            subscriptions = [session.subscribe(TABLE), session.subscribe("")]
            for events in subscriptions:
                events.until_current()
            with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
                session.call("authenticate", token="wrong")
            answer = session.call("authenticate", token=own_place.tokens["bob"])
            assert answer.principal == "bob"
            for events in subscriptions:
                judged = events.until_current()
                changes = [e for e in judged if isinstance(e, Change)]
                assert [(c.operation, c.id, c.left_view, c.initial) for c in changes] == [
                    ("DELETE", "a1", True, True), ("DELETE", "a2", True, True),
                    ("ADD", "b1", False, True),
                ]
                assert [c.more for c in changes] == [True, True, False]
                assert changes[-1].row["title"] == "t" and "cost" not in changes[-1].row
            # To one who sees what is hidden.
            session.call("authenticate", token=own_place.tokens["root"])
            changes = [e for e in subscriptions[0].until_current() if isinstance(e, Change)]
            assert [(c.operation, c.id) for c in changes] == [
                ("ADD", "a1"), ("ADD", "a2"), ("UPDATE", "b1"),
            ]
            assert [c.row["cost"] for c in changes] == [1, 1, 1]
            # It goes on with the new rights.
            made = root.create(TABLE, id="c", title="t", owner="carol", cost=2)
            later = [
                e for e in subscriptions[0].until_sequence(made.sequence) if isinstance(e, Change)
            ]
            assert [(c.operation, c.id, c.row["cost"]) for c in later] == [("ADD", "c", 2)]


def test_what_a_wrong_file_says_stops_the_start(tmp_path):
    import sqlite3

    sqlite3.connect(tmp_path / "x.db").executescript("CREATE TABLE t (id TEXT PRIMARY KEY, o TEXT)")
    (tmp_path / "access.yml").write_text("tables:\n  t: { read: owner eq @principal.id }\n")
    done = run(
        "serve", tmp_path / "x.db", "--attach", "--listen", "127.0.0.1:0", "--access",
        tmp_path / "access.yml")
    assert done.returncode != 0
    assert "access.yml: t.read: at 1:" in done.stderr and "owner" in done.stderr
