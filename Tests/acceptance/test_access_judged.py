"""Rights that change at awkward moments: amid a large commit, again and again, and over rows that cannot be read."""

import sqlite3

import pytest

from session import Change, Checkpoint, event_of
from test_access import Place

SQL = """
CREATE TABLE notes (id TEXT PRIMARY KEY, owner TEXT, size INTEGER);
INSERT INTO notes VALUES ('a1', 'alice', 1), ('b1', 'bob', 1), ('seed', 'alice', 0);
"""
FILE = """
credentials: { tokens: tokens.txt }
roles: { admin: [root] }
tables:
  notes:
    read: owner eq @principal.id or 'admin' in @principal.roles
    create: "'admin' in @principal.roles"
    update: "'admin' in @principal.roles"
    delete: "'admin' in @principal.roles"
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    # A commit of some hundred rows is larger than several pages of the log.
    monkeypatch.setenv("DATASYNC_LIMITS", "replay-bytes=2000,tail-bytes=4000,page-rows=7")
    place = Place(tmp_path, file=FILE, sql=SQL)
    yield place
    place.server.stop()


def foreign(place, script):
    connection = sqlite3.connect(place.folder / "access.db", timeout=20)
    connection.executescript(script)
    connection.close()


def follow(session, events, view, authenticate, last):
    """The view at the checkpoint marked `current` that follows the answer to a request, or at the first after it
    that stands at the sequence or later."""
    is_answered = is_current = False
    position = 0

    def find(log):
        nonlocal is_answered, is_current, position
        while position < len(log):
            response = log[position]
            position += 1
            is_answered = is_answered or response.request_id == authenticate
            if response.request_id != events.request_id:
                continue
            assert response.HasField("event"), response
            event = event_of(session.contract, response.event)
            if isinstance(event, Checkpoint):
                is_current = is_current or is_answered and event.current
                if is_current and event.sequence >= last:
                    return view
            elif event.operation == "DELETE":
                assert event.id in view, f"{event} of a row that is not there"
                view.remove(event.id)
            else:
                assert (event.operation == "ADD") == (event.id not in view), f"{event} of {len(view)} rows"
                view.add(event.id)
        return None

    return session.wait(find, what="exact view")


def test_other_credentials_amid_a_large_commit_are_judged_exactly(place):
    with place.session("alice", client_id="x") as alice:
        token = alice.subscribe("notes").until_current()[-1].resume_token
    rows = ", ".join(f"('n{n}', '{'alice' if n % 2 else 'bob'}', {n})" for n in range(400))
    foreign(place, f"INSERT INTO notes VALUES {rows}")
    with place.session("root", client_id="r") as root:
        last = root.create("notes", id="end", owner="bob", size=1).sequence
    ours = {f"n{n}" for n in range(0, 400, 2)} | {"b1", "end"}
    for tries in range(1, 7):
        with place.session("alice", client_id=f"s{tries}") as session:
            events = session.subscribe("notes", resume_token=token, heartbeat_interval={"nanos": 100_000_000})
            # By then some of the commit has come, and more with every try.
            events.changes(20 * tries)
            for name in ("bob", "alice", "root", "bob"):
                sent = session.send("authenticate", token=place.tokens[name])
            assert follow(session, events, {"a1", "seed"}, sent, last) == ours


def test_rows_that_cannot_be_read_are_told_of_where_they_may_be_read(place):
    foreign(place, "UPDATE notes SET size = 'many' WHERE id IN ('a1', 'b1')")
    with place.session("alice", client_id="x") as session:
        events = session.subscribe("notes", heartbeat_interval={"nanos": 100_000_000})
        first = raw_until_current(session, events)
        assert first == [("error", "a1"), ("ADD", "seed")]
        session.call("authenticate", token=place.tokens["bob"])
        assert sorted(raw_until_current(session, events)) == [
            ("DELETE", "seed"), ("error", "b1"), ("gone", "a1")]
        session.call("authenticate", token=place.tokens["root"])
        assert sorted(raw_until_current(session, events)) == [("ADD", "seed"), ("error", "a1")]
        # What hides the value of a row from nobody shows the row.
        with place.session("root", client_id="r") as root:
            chosen = root.subscribe("notes", select=["owner"])
            assert {c.id for c in chosen.until_current() if isinstance(c, Change)} == {"a1", "b1", "seed"}


def raw_until_current(session, events):
    """What came, with the errors of rows: `gone` says that one is none any more."""
    told = []
    position = getattr(events, "raw", 0)

    def find(log):
        nonlocal position
        while position < len(log):
            response = log[position]
            position += 1
            if response.request_id != events.request_id:
                continue
            assert response.HasField("event"), response
            event = response.event
            if event.HasField("checkpoint"):
                if event.checkpoint.current:
                    return True
            elif event.HasField("change"):
                told.append(({1: "ADD", 2: "UPDATE", 3: "DELETE"}[event.change.operation], event.change.id))
            else:
                unreadable = event.unreadable
                told.append(("error" if unreadable.HasField("reason") else "gone", unreadable.id))
        return None

    session.wait(find, what="checkpoint marked current")
    events.raw = position
    return told
