"""The access file and those that it names are taken anew when they change, and all that is in use is
judged by them."""

import os
import signal
import time

import grpc
import pytest

from errors import refused
from server import until
from session import Change, Checkpoint
from test_access import FILE, TABLE, own_place

__all__ = ["own_place"]


def replaced(path, text):
    """Puts a file in the place of another at once."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.rename(path)


def test_a_token_whose_line_is_gone_is_revoked(own_place):
    server = own_place.server
    server.arguments += ["--limit", "credentials_grace=2s"]
    server.terminate()
    server.start()
    with own_place.session("alice", client_id="a") as alice, own_place.session(
        "bob", client_id="b") as bob:
        mine, others = alice.subscribe(TABLE), bob.subscribe(TABLE)
        mine.until_current(), others.until_current()
        stream = server.stream("Subscribe", metadata=own_place.header("alice"), table=TABLE)
        next(stream)
        wait = server.stream("Subscribe", metadata=own_place.header("bob"), table=TABLE)
        next(wait)
        (own_place.folder / "tokens.txt").write_text(own_place.lines["bob"] + "\n")
        with refused("UNAUTHENTICATED", "CREDENTIALS_REVOKED"):
            mine.change(10)
        began = time.monotonic()
        with refused("UNAUTHENTICATED", "CREDENTIALS_REVOKED"):
            alice.page(TABLE)
        with pytest.raises(grpc.RpcError) as error:
            list(stream)
        assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
        ended = alice.ended(20)
        assert (ended.code, ended.reason) == ("UNAUTHENTICATED", "CREDENTIALS_REVOKED")
        assert 1.5 < time.monotonic() - began < 8
        # Others go on, and nothing is judged.
        made = bob.create(TABLE, id="b", title="t")
        changes = [e for e in others.until_sequence(made.sequence) if isinstance(e, Change)]
        assert [(c.operation, c.id, c.initial) for c in changes] == [("ADD", "b", False)]
        with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
            server.unary("Query", metadata=own_place.header("alice"), table=TABLE)
        wait.cancel()


def test_credentials_that_are_back_or_renewed_in_time_go_on(own_place):
    with own_place.session("alice", client_id="a") as alice:
        events = alice.subscribe(TABLE)
        events.until_current()
        own_place.write_tokens(["bob", "root"])
        with refused("UNAUTHENTICATED", "CREDENTIALS_REVOKED"):
            events.change(10)
        assert alice.call("authenticate", token=own_place.tokens["bob"]).principal == "bob"
        assert alice.page(TABLE).rows == []


@pytest.mark.parametrize("signal_name", [None, "SIGHUP"])
def test_what_the_file_says_now_is_what_is_seen(own_place, signal_name):
    with own_place.session("root", client_id="r") as root, own_place.session(
        "alice", client_id="a") as alice:
        for id, owner in [("a1", "alice"), ("b1", "bob")]:
            root.create(TABLE, id=id, title="t", owner=owner, cost=1)
        beat = {"heartbeat_interval": 0.1}
        views = [alice.subscribe(TABLE), alice.subscribe(""), root.subscribe(TABLE, **beat)]
        notices = alice.subscribe("notices", **beat)
        for events in views + [notices]:
            events.until_current()
        replaced(
            own_place.folder / "access.yml", FILE.replace("admin: [root]", "admin: [root, alice]"))
        if signal_name:
            own_place.server.process.send_signal(getattr(signal, signal_name))
        for events in views[:2]:
            changes = [e for e in events.until_current(10) if isinstance(e, Change)]
            assert sorted((c.operation, c.id, c.row["cost"]) for c in changes) == [
                ("ADD", "b1", 1), ("UPDATE", "a1", 1),
            ]
        # Of what is no other for its caller nothing is judged.
        made = root.create(TABLE, id="c", title="t", owner="carol", cost=1)
        for events in (views[2], notices):
            seen = events.until_sequence(made.sequence)
            assert not [e for e in seen if getattr(e, "initial", False)]
            assert not [e for e in seen if isinstance(e, Checkpoint) and e.current]
        views[0].until_sequence(made.sequence)
        replaced(own_place.folder / "access.yml", FILE)
        changes = [e for e in views[0].until_current(10) if isinstance(e, Change)]
        assert sorted((c.operation, c.id, c.left_view) for c in changes) == [
            ("DELETE", "b1", True), ("DELETE", "c", True), ("UPDATE", "a1", False),
        ]


def test_a_file_that_cannot_be_used_changes_nothing(own_place):
    server, folder = own_place.server, own_place.folder
    faults = lambda: server.log_path.read_text().count("cannot be used")
    with own_place.session("alice", client_id="a") as alice:
        events = alice.subscribe(TABLE)
        events.until_current()
        broken = FILE.replace("read:   owner eq", "read:   nobody eq")
        for number, (name, text, reason) in enumerate([
            ("access.yml", broken, "access.yml: todo_items.read: at 1"),
            ("access.yml", "tables: [", "access.yml"), ("tokens.txt", "x y z\n", "line 1"),
            ("tokens.txt", "# " + "x" * (1 << 20), "more than"),
        ], start=1):
            replaced(folder / name, text)
            until(lambda: faults() >= number, message=f"no word of {name}")
            assert faults() == number and reason in server.log_path.read_text().splitlines()[-1]
        # What does not end, or never begins, keeps nobody.
        (folder / "tokens.txt").unlink()
        os.mkfifo(folder / "tokens.txt")
        until(lambda: "no regular file" in server.log_path.read_text(), message="no word of a pipe")
        time.sleep(2)
        assert faults() <= 6
        assert alice.create(TABLE, id="still", title="t").row["owner"] == "alice"
        (folder / "tokens.txt").unlink()
        own_place.write_tokens(["bob"])
        replaced(folder / "access.yml", FILE)
        with refused("UNAUTHENTICATED", "CREDENTIALS_REVOKED"):
            while True:
                events.change(10)
