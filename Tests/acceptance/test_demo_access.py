"""The demo with users: three at once on the shared lists, while sharing begins and ends."""

import os
import subprocess
import sys
import threading

import pytest

from errors import refused
from server import ROOT
from session import Change
from test_access import Place

DEMO = ROOT / "demo"


@pytest.fixture
def place(tmp_path):
    place = Place(
        tmp_path, file=(DEMO / "access.yml").read_text(), names=("alice", "bob", "carol"),
        sql=(DEMO / "lists.sql").read_text())
    yield place
    place.server.stop()


class Follower:
    """What somebody sees of the todos, live."""

    def __init__(self, place, name):
        self.session = place.session(name, client_id=name)
        self.events = self.session.subscribe("todo_items")
        self.rows = {}
        self.take(self.events.until_current())

    def take(self, events):
        """Ids of the rows that came or changed, and of those that went."""
        told = []
        for event in events:
            if not isinstance(event, Change):
                continue
            if event.operation == "DELETE":
                told.append(f"-{event.id}")
                del self.rows[event.id]
            else:
                told.append(event.id)
                self.rows[event.id] = event.row["title"]
        return told

    def next(self):
        return self.take(self.events.until_current())

    def change(self):
        return self.take([self.events.change()])


def test_three_at_once_see_what_the_rules_show(place):
    alice, bob, carol = (Follower(place, name) for name in ("alice", "bob", "carol"))
    assert set(alice.rows) == {"t1", "t2", "t3"}
    assert set(bob.rows) == {"t1", "t2", "t4"}
    assert set(carol.rows) == {"t1", "t2", "t3", "t4"}

    # What is written into a shared list is seen by those who share it, and by the admin.
    bob.session.create("todo_items", id="t5", list_id="groceries", title="Tea")
    assert [follower.change() for follower in (alice, bob, carol)] == [["t5"]] * 3
    # One's own list has one's own name, and nobody else sees it but the admin.
    assert bob.session.create("todo_items", id="t6", title="Sleep").row["list_id"] == "bob"
    assert bob.change() == carol.change() == ["t6"]

    # Bob cannot help himself to a list; who is in it shares it.
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        bob.session.create("list_members", id="m9", list_id="holiday", user_id="bob")
    alice.session.create("list_members", id="m9", list_id="holiday", user_id="bob")
    assert bob.next() == ["t3"] and bob.rows["t3"] == "Book the boat"
    bob.session.update("todo_items", id="t3", completed=True)
    assert [follower.change() for follower in (alice, bob, carol)] == [["t3"]] * 3

    alice.session.delete("list_members", "m9")
    assert bob.next() == ["-t3"]
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        bob.session.update("todo_items", id="t3", completed=False)
    # An admin reads everything, and writes nothing of others.
    with refused("PERMISSION_DENIED", "ROW_NOT_ALLOWED"):
        carol.session.update("todo_items", id="t3", completed=False)
    alice.session.update("todo_items", id="t3", title="Book a boat")
    assert alice.change() == carol.change() == ["t3"]
    for follower in (alice, bob, carol):
        fresh = {row["id"]: row["title"] for row in follower.session.rows("todo_items")}
        assert follower.rows == fresh
        follower.session.close()


def test_watch_prints_what_comes_and_goes(place):
    watch = subprocess.Popen(
        [sys.executable, DEMO / "watch.py", place.server.address, place.tokens["bob"]],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    # What it does not print within a minute ends the reading of its lines.
    late = threading.Timer(60, watch.kill)
    late.start()
    try:
        first = {watch.stdout.readline().split()[1] for _ in range(3)}
        assert first == {"id=t1", "id=t2", "id=t4"}
        with place.session("alice") as alice:
            alice.create("list_members", id="m9", list_id="holiday", user_id="bob")
            assert watch.stdout.readline() == (
                "ADD id=t3 list_id=holiday title=Book the boat completed=False\n")
            alice.delete("list_members", "m9")
            assert watch.stdout.readline() == "DELETE t3\n"
    finally:
        late.cancel()
        watch.kill()
        watch.wait(10)
