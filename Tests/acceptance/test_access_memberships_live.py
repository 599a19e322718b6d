"""Subscriptions by memberships: a shared row arrives and leaves with the commit that shares it."""

import concurrent.futures
import sqlite3

import pytest

from errors import refused
from session import Change, Checkpoint
# Its callers are fixtures, of the place that a module has.
from test_access import Place, alice, bob, root  # noqa: F401
from test_access_memberships import FILE, SQL


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path, file=FILE, sql=SQL)
    yield place
    place.server.stop()


def told(change):
    return (change.operation, change.id) + (("left",) if change.left_view else ())


def subscribed(session, table="items", **fields):
    """A subscription that is current, and the ids of its rows."""
    events = session.subscribe(table, **fields)
    first = events.until_current()
    return events, [event.id for event in first if isinstance(event, Change)]


def batch(events):
    """The changes up to the next checkpoint marked `current`."""
    changes = [event for event in events.until_current() if isinstance(event, Change)]
    return changes


def of_items(changes):
    return [told(change) for change in changes if change.table in ("", "items")]


@pytest.mark.parametrize("table", ["items", ""])
def test_a_shared_list_comes_and_goes_with_its_commit(place, bob, root, table):
    events, ids = subscribed(bob, table, previous=True)
    assert [key for key in ids if key.startswith("i")] == ["i2"]
    shared = root.create("team_members", id="x", team_id="red", user_id="bob")
    changes = [change for change in batch(events) if change.table == "items"]
    assert of_items(changes) == [("ADD", "i1")]
    assert changes[0].initial and changes[0].row["title"] == "red"
    assert changes[0].sequence < shared.sequence
    # It goes on with the new sets.
    place.server.foreign("UPDATE items SET title = 'new' WHERE id = 'i1'")
    change = until_item(events, "i1")
    assert told(change) == ("UPDATE", "i1") and change.previous["title"] == "red"
    ended = root.delete("team_members", "x")
    changes = [change for change in batch(events) if change.table == "items"]
    assert of_items(changes) == [("DELETE", "i1", "left")]
    assert changes[0].sequence == ended.sequence
    assert changes[0].previous is None and changes[0].initial
    place.server.foreign("UPDATE items SET title = 'unseen' WHERE id = 'i1'")
    bob.create("items", id="end", list_id=2, title="t")
    assert told(until_item(events)) == ("ADD", "end")


def until_item(events, id=None):
    """The next change of an item; of that one, where it is named."""
    while True:
        change = events.change()
        if change.table == "items" and id in (None, change.id):
            return change


def test_the_batch_is_whole(place, bob, root):
    """The commit's own changes, judged before it by the old sets and after it by the new ones, and what comes."""
    events, _ = subscribed(bob)
    contract = root.contract
    with place.session("alice", client_id="al") as alice:
        alice.call("commit", writes=[
            {"create": {"entity": contract.entity(table, **values)}} for table, values in [
                ("items", {"id": "n1", "list_id": 1, "title": "own"}),
                ("team_members", {"id": "y", "team_id": "open", "user_id": "bob"})]])
    # No set of bob's has other lists now: nothing comes.
    connection = sqlite3.connect(place.folder / "access.db", timeout=20)
    connection.executescript(
        "BEGIN; INSERT INTO items VALUES ('n2', 7, 'new');"
        "UPDATE items SET title = 'x' WHERE id = 'i1';"
        "INSERT INTO team_lists VALUES ('o', 'open', 7), ('p', 'open', 1); COMMIT")
    connection.close()
    changes = batch(events)
    assert sorted(told(change) for change in changes) == [("ADD", "i1"), ("ADD", "n1"), ("ADD", "n2")]
    assert [change.more for change in changes] == [True, True, False]
    initial = {change.id: change.initial for change in changes}
    assert initial == {"i1": False, "n2": False, "n1": True}
    assert changes[-1].id == "n1"


def test_sets_of_others_do_not_disturb(place, alice, bob, root):
    mine, _ = subscribed(alice)
    root.create("team_members", id="x", team_id="red", user_id="bob")
    made = alice.create("items", id="a1", list_id=1, title="t")
    seen = list(mine.until_sequence(made.sequence))
    assert [told(e) for e in seen if isinstance(e, Change)] == [("ADD", "a1")]
    assert not any(e.current for e in seen if isinstance(e, Checkpoint))


def test_nested_sets_and_other_programs(place, bob):
    events, _ = subscribed(bob)
    place.server.foreign("INSERT INTO team_lists VALUES ('z', 'blue', 1)")
    assert [told(c) for c in batch(events)] == [("ADD", "i1")]
    place.server.foreign("UPDATE team_members SET team_id = 'none' WHERE id = 'm2'")
    assert sorted(told(c) for c in batch(events)) == [
        ("DELETE", "i1", "left"), ("DELETE", "i2", "left")]
    place.server.foreign("UPDATE team_members SET team_id = 'red' WHERE id = 'm2'")
    assert sorted(told(c) for c in batch(events)) == [("ADD", "i1"), ("ADD", "i2")]


def test_who_belongs_to_nothing_sees_nothing_until_something_is_shared(place, bob, root):
    root.delete("team_members", "m2")
    events, ids = subscribed(bob)
    assert ids == []
    root.create("team_members", id="x", team_id="red", user_id="bob")
    assert sorted(told(c) for c in batch(events)) == [("ADD", "i1"), ("ADD", "i2")]


def test_filters_select_and_intervals(place, bob, root):
    only, ids = subscribed(bob, filter="title eq 'red'", select=["title"])
    paced, _ = subscribed(bob, min_interval={"seconds": 600})
    assert ids == []
    root.create("team_members", id="x", team_id="red", user_id="bob")
    changes = batch(only)
    assert [told(c) for c in changes] == [("ADD", "i1")] and "list_id" not in changes[0].row
    # An interval ends at a judgement.
    assert [told(c) for c in batch(paced)] == [("ADD", "i1")]


def test_tokens_are_good_while_the_sets_are_the_same(place, bob, root):
    header = place.header("bob")
    with place.session("bob", client_id="t") as session:
        events = session.subscribe("items")
        token = events.until_current()[-1].resume_token
    made = bob.create("items", id="b9", list_id=2, title="t")
    with place.session("bob", client_id="t") as session:
        events = session.subscribe("items", resume_token=token)
        assert [told(c) for c in events.until_current() if isinstance(c, Change)] == [("ADD", "b9")]
    answer = place.server.unary("Changes", metadata=header, table="items", resume_token=token)
    assert [change.id for change in answer.changes] == ["b9"] and answer.sequence >= made.sequence
    fresh = place.server.unary("Changes", metadata=header, table="items")
    query = bob.page("items").resume_token
    for good in (answer.resume_token, fresh.resume_token, query):
        place.server.unary("Changes", metadata=header, table="items", resume_token=good)
    root.create("team_members", id="x", team_id="red", user_id="bob")
    for old in (token, answer.resume_token, fresh.resume_token, query):
        with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
            place.server.unary("Changes", metadata=header, table="items", resume_token=old)
        with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
            bob.subscribe("items", resume_token=old).until_current()
    # As they were again.
    root.delete("team_members", "x")
    place.server.unary("Changes", metadata=header, table="items", resume_token=query)


def test_a_long_poll_that_waits_ends_when_the_sets_change(place, bob, root):
    header = place.header("bob")

    def wait(pool):
        token = place.server.unary("Changes", metadata=header, table="items").resume_token
        return pool.submit(
            place.server.unary, "Changes", metadata=header, table="items", resume_token=token,
            max_wait={"seconds": 50})

    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = wait(pool)
        root.create("team_members", id="x", team_id="red", user_id="bob")
        with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
            waiting.result(60)
        waiting = wait(pool)
        # Of others it hears nothing; what it may read it gets.
        root.create("team_members", id="y", team_id="red", user_id="carol")
        bob.create("items", id="b1", list_id=1, title="t")
        assert [change.id for change in waiting.result(60).changes] == ["b1"]


def test_authenticate_goes_from_sets_to_sets(place, root):
    with place.session("root", client_id="z") as session:
        events, ids = subscribed(session)
        assert ids == ["i0", "i1", "i2", "i3"]
        session.call("authenticate", token=place.tokens["alice"])
        assert [told(c) for c in batch(events)] == [
            ("DELETE", "i0", "left"), ("DELETE", "i3", "left")]
        session.call("authenticate", token=place.tokens["bob"])
        assert [told(c) for c in batch(events)] == [("DELETE", "i1", "left")]
        root.create("team_members", id="x", team_id="red", user_id="bob")
        assert [told(c) for c in batch(events)] == [("ADD", "i1")]
        # The same again: nothing but the checkpoint.
        session.call("authenticate", token=place.tokens["bob"])
        assert batch(events) == []
        # Several at once: what is left of them is exact.
        sent = [session.send("authenticate", token=place.tokens[name])
                for name in ("root", "alice", "root", "bob", "root") * 3]
        session.answer(sent[-1])
        with place.session("bob", client_id="b") as bob:
            bob.create("items", id="end", list_id=2, title="t")
        assert settle(events, {"i1", "i2"}, "end") == {"i0", "i1", "i2", "i3", "end"}


def settle(events, view, last):
    """The view once a row has come; each event must be one that a client can make something of."""
    view = set(view)
    while last not in view:
        event = events.change()
        if event.operation == "DELETE":
            assert event.id in view, f"{event} of a row that is not there"
            view.remove(event.id)
        else:
            assert (event.operation == "ADD") == (event.id not in view), f"{event} with {view}"
            view.add(event.id)
    return view


def test_a_set_that_grows_too_large_ends_subscriptions(tmp_path):
    place = Place(tmp_path, file=FILE, sql=SQL, options=("--limit", "max_membership_values=3"))
    try:
        with place.session("alice", client_id="a") as alice:
            events, _ = subscribed(alice)
            alice.create("team_lists", id="e0", team_id="red", list_id=10)
            alice.create("team_lists", id="e1", team_id="red", list_id=11)
            with refused("RESOURCE_EXHAUSTED", "MAX_MEMBERSHIP_VALUES"):
                while True:
                    events.next()
            with refused("RESOURCE_EXHAUSTED", "MAX_MEMBERSHIP_VALUES"):
                alice.subscribe("items").until_current()
    finally:
        place.server.stop()


def test_what_joins_and_leaves_quickly_is_exact_in_the_end(place, bob, root):
    events, ids = subscribed(bob)
    contract = root.contract
    view = set(ids)
    for n in range(40):
        root.send("create", entity=contract.entity(
            "team_members", id=f"q{n}", team_id="red", user_id="bob"))
        root.send("delete", table="team_members", id=f"q{n}")
    root.create("team_members", id="end", team_id="red", user_id="bob")
    bob.create("items", id="last", list_id=1, title="t")
    assert settle(events, view, "last") == {"i1", "i2", "last"}
