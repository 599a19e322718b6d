"""Sets that belong to a principal: kept in ordinary tables, read where the rules need them."""

import threading

import pytest

from errors import refused
# Its callers are fixtures, of the place that a module has.
from test_access import Place, alice, bob, root  # noqa: F401

SQL = """
CREATE TABLE team_members (
  id TEXT PRIMARY KEY, team_id TEXT, user_id TEXT NOT NULL
);
CREATE TABLE team_lists (id TEXT PRIMARY KEY, team_id TEXT NOT NULL, list_id INTEGER);
CREATE TABLE items (id TEXT PRIMARY KEY, list_id INTEGER, title TEXT);
CREATE INDEX members_by_user ON team_members (user_id);
CREATE INDEX lists_by_team ON team_lists (team_id);
INSERT INTO team_members (id, team_id, user_id) VALUES
  ('m1', 'red', 'alice'), ('m2', 'blue', 'bob'), ('m3', NULL, 'bob');
INSERT INTO team_lists VALUES
  ('l1', 'red', 1), ('l2', 'red', 2), ('l3', 'blue', 2), ('l4', 'red', NULL);
INSERT INTO items VALUES
  ('i1', 1, 'red'), ('i2', 2, 'both'), ('i3', 3, 'nobody'), ('i0', NULL, 'none');
"""
FILE = """
credentials: { tokens: tokens.txt }
roles: { admin: [root] }
memberships:
  teams: { table: team_members, value: team_id, where: "user_id eq @principal.id" }
  lists: { table: team_lists, value: list_id, where: "team_id in @principal.teams" }
tables:
  items:
    read:   list_id in @principal.lists or 'admin' in @principal.roles
    create: list_id in @principal.lists
    update: { before: list_id in @principal.lists, after: list_id in @principal.lists or list_id eq 9 }
    delete: list_id in @principal.lists
  team_members:
    read:   user_id eq @principal.id or 'admin' in @principal.roles
    create: team_id in @principal.teams or 'admin' in @principal.roles or team_id eq 'open'
    update: "'admin' in @principal.roles"
    delete: user_id eq @principal.id or 'admin' in @principal.roles
  team_lists:
    read:   team_id in @principal.teams
    create: team_id in @principal.teams
    delete: team_id in @principal.teams
"""


def make(folder, *arguments):
    return Place(folder, file=FILE, sql=SQL, options=arguments)


@pytest.fixture
def place(tmp_path):
    place = make(tmp_path)
    yield place
    place.server.stop()


def ids(session, **fields):
    return [row["id"] for row in session.rows("items", **fields)]


def test_reads_are_judged_by_the_sets_of_their_snapshot(place, alice, bob, root):
    assert ids(alice) == ["i1", "i2"] and ids(bob) == ["i2"]
    assert ids(root) == ["i0", "i1", "i2", "i3"]
    assert alice.page("items", count=True).total == 2
    assert ids(alice, filter="title ne 'both'") == ["i1"]
    assert bob.get("items", "i2")["title"] == "both"
    for key in ("i1", "i3", "i0", "absent"):
        with refused("NOT_FOUND", "ROW_NOT_FOUND"):
            bob.get("items", key)
    # Who belongs to no team sees nothing, and no error.
    bob.delete("team_members", "m2")
    assert ids(bob) == [] and bob.page("items", count=True).total == 0
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        bob.get("items", "i2")


def test_a_change_of_membership_counts_at_once(place, alice, bob, root):
    for n in range(5):
        root.create("team_members", id=f"x{n}", team_id="red", user_id="bob")
        assert ids(bob) == ["i1", "i2"]
        assert bob.get("items", "i1")["title"] == "red"
        root.delete("team_members", f"x{n}")
        assert ids(bob) == ["i2"]
        with refused("NOT_FOUND", "ROW_NOT_FOUND"):
            bob.get("items", "i1")
    # What other programs write counts as well.
    place.server.foreign(
        "INSERT INTO team_members (id, team_id, user_id) VALUES ('f', 'red', 'bob')")
    assert ids(bob) == ["i1", "i2"] and bob.get("items", "i1")["title"] == "red"
    place.server.foreign("DELETE FROM team_members WHERE id = 'f'")
    assert ids(bob) == ["i2"]


def test_writes_are_judged_by_the_sets_of_their_transaction(place, alice, bob, root):
    bob.create("items", id="b1", list_id=2, title="t")
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        bob.create("items", id="b2", list_id=1, title="t")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        bob.update("items", id="i1", title="t")
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        bob.update("items", id="i2", list_id=1)
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        bob.delete("items", "i1")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        bob.create("items", id="i1", list_id=2, title="t")
    assert error.row is None
    # What one may write and not read comes without the row.
    written = bob.update("items", id="b1", list_id=9)
    assert written.sequence and written.row is None
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        bob.get("items", "b1")


def test_a_commit_counts_its_own_earlier_writes(place, bob):
    contract = bob.contract

    def create(table, **values):
        return {"create": {"entity": contract.entity(table, **values)}}

    join = create("team_members", id="j", team_id="open", user_id="bob")
    make_list = create("team_lists", id="n", team_id="open", list_id=7)
    fill = create("items", id="n1", list_id=7, title="new")
    for order in ([fill, join, make_list], [join, fill, make_list], [make_list, join, fill]):
        with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
            bob.call("commit", writes=order)
        assert ids(bob) == ["i2"]
    bob.call("commit", writes=[join, make_list, fill])
    assert ids(bob) == ["i2", "n1"]


def test_a_row_of_a_membership_is_not_judged_by_itself(place, bob):
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        bob.create("team_members", id="own", team_id="red", user_id="bob")
    assert ids(bob) == ["i2"]


def test_page_tokens_are_their_principals(place, alice, bob, root):
    root.create("team_members", id="t", team_id="red", user_id="bob")
    page = bob.page("items", page_size=1)
    with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
        alice.page("items", page_size=1, page_token=page.next_page_token)
    # The next page is by the sets of its own snapshot.
    root.delete("team_members", "t")
    rest = bob.page("items", page_token=page.next_page_token, page_size=1)
    assert [row["id"] for row in page.rows + rest.rows] == ["i1", "i2"]


def test_rows_that_are_marked_as_deleted_do_not_count(tmp_path):
    place = make(tmp_path, "--soft-delete", "team_members")
    try:
        with place.session("bob", client_id="b") as bob:
            assert ids(bob) == ["i2"]
            bob.delete("team_members", "m2")
            assert bob.get("team_members", "m2", include_deleted=True)["id"] == "m2"
            assert ids(bob) == []
            with refused("NOT_FOUND", "ROW_NOT_FOUND"):
                bob.get("items", "i2")
            with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
                bob.create("items", id="d", list_id=2, title="t")
    finally:
        place.server.stop()


def test_a_set_has_a_limit(tmp_path):
    place = make(tmp_path, "--limit", "max_membership_values=3")
    try:
        with place.session("alice", client_id="a") as alice:
            assert ids(alice) == ["i1", "i2"]
            for n in range(2):
                alice.create("team_lists", id=f"e{n}", team_id="red", list_id=10 + n)
                if n == 0:
                    assert ids(alice) == ["i1", "i2"]
            for call in [
                lambda: ids(alice), lambda: alice.get("items", "i1"),
                lambda: alice.create("items", id="x", list_id=1, title="t"),
                lambda: alice.update("items", id="i1", title="t"),
                lambda: alice.delete("items", "i1"),
            ]:
                with refused("RESOURCE_EXHAUSTED", "MAX_MEMBERSHIP_VALUES") as error:
                    call()
                assert error.metadata["limit"] == "max_membership_values"
            # What does not use it is served, and mends it.
            alice.delete("team_lists", "e1")
            assert ids(alice) == ["i1", "i2"]
    finally:
        place.server.stop()


def test_reads_beside_changes_never_show_what_belongs_to_nobody(place, root):
    stop = threading.Event()
    seen = []

    def read():
        with place.session("bob", client_id="reader") as bob:
            while not stop.is_set():
                seen.append(ids(bob))

    reader = threading.Thread(target=read)
    reader.start()
    contract = root.contract
    try:
        with place.session("root", client_id="w") as writer:
            for n in range(150):
                writer.call("commit", writes=[
                    {"create": {"entity": contract.entity(
                        "team_members", id=f"w{n}", team_id="red", user_id="bob")}},
                ])
                writer.call("commit", writes=[{"delete": {"table": "team_members", "id": f"w{n}"}}])
    finally:
        stop.set()
        reader.join()
    assert {tuple(rows) for rows in seen} <= {("i2",), ("i1", "i2")}
    with place.session("bob", client_id="last") as bob:
        assert ids(bob) == ["i2"]
