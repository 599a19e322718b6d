"""Limits: listed, set by name, and named where they strike."""

import shlex
import socket
import time

import pytest

from errors import Refused, refused, status_of
from server import binary, run, until
from session import Session, by_id
from test_command import failed

NOTES = "CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT);"


def limits():
    """What `datasync limits` lists: the default by name."""
    result = run("limits")
    assert result.returncode == 0 and not result.stderr
    lines = [line.split(None, 2) for line in result.stdout.splitlines()]
    for name, default, meaning in lines:
        assert meaning.endswith(")") and " to " in meaning.rsplit("(", 1)[1], meaning
    return {name: default for name, default, meaning in lines}


def limit(name, value):
    return "--limit", f"{name}={value}"


def test_every_limit_that_is_listed_can_be_set(serve):
    listed = limits()
    assert len(listed) > 40
    options = [option for name, default in listed.items() for option in limit(name, default)]
    server = serve("a.db", "--attach", *options, sql=NOTES)
    with Session(server) as session:
        assert session.create("notes", body="as before").row["body"] == "as before"


@pytest.mark.parametrize("name", ["max_subscriptions_per_session", "max_writes_per_commit",
                                  "max_decoded_bytes", "max_message_bytes", "page_size"])
def test_a_limit_holds_where_it_is_set_and_is_named_in_the_error(serve, name):
    value = {"max_decoded_bytes": "64KiB", "max_message_bytes": "32KiB"}.get(name, 2)
    server = serve("a.db", "--attach", *limit(name, value), sql=NOTES)
    with Session(server) as session:
        contract = session.contract
        for number in range(3):
            session.create("notes", body=str(number))
        create = {"create": {"entity": contract.entity("notes", body="x")}}
        if name == "max_subscriptions_per_session":
            for _ in range(2):
                session.subscribe("notes").until_current()
            with refused("RESOURCE_EXHAUSTED", "MAX_SUBSCRIPTIONS_PER_SESSION") as error:
                session.call("subscribe", table="notes")
            assert error.metadata["limit"] == name
        elif name == "max_writes_per_commit":
            session.call("commit", writes=[create] * 2)
            with refused("RESOURCE_EXHAUSTED", "MAX_WRITES_PER_COMMIT") as error:
                session.call("commit", writes=[create] * 3)
            assert error.metadata["limit"] == name
        elif name == "max_decoded_bytes":
            session.send("commit", writes=[create] * 5_000)
            error = session.session_status()
            assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_COMPLEX")
            assert error.metadata["limit"] == name
        elif name == "max_message_bytes":
            with refused("RESOURCE_EXHAUSTED") as error:
                server.unary("Create", entity=contract.entity("notes", body="x" * 40_000))
            assert name in error.message
        else:
            page = session.page("notes")
            assert len(page.rows) == 2 and page.next_page_token


def test_a_limit_that_strikes_is_named_in_the_log(serve):
    server = serve("a.db", "--attach", *limit("max_connections", 2), sql=NOTES)
    host, port = server.address.rsplit(":", 1)
    sockets = [socket.create_connection((host, int(port)), timeout=10) for _ in range(4)]
    deadline = time.monotonic() + 10
    while "limit=max_connections" not in server.log() and time.monotonic() < deadline:
        time.sleep(0.05)
    for one in sockets:
        one.close()
    assert "limit=max_connections" in server.log()


@pytest.mark.parametrize("value, words", [
    ("max_conections=5", ["max_conections", "there is no limit of that name", "max_connections"]),
    ("max_connections", ["NAME=VALUE"]),
    ("max_connections=many", ["max_connections=many", "whole number"]),
    ("max_connections=0", ["out of range", "1 to 1000000"]),
    ("write_timeout=90", ["write_timeout=90", "90s", "units are ms, s, m, h and d"]),
    ("max_message_bytes=4MB", ["KiB, MiB and GiB"]),
    ("stream_window_bytes=1KiB", ["out of range", "65535 to"]),
    ("max_page_size=10", ["page_size", "max_page_size"]),
])
def test_what_cannot_be_set_is_refused_with_what_would_be_right(tmp_path, value, words):
    failed(run("serve", tmp_path / "a.db", "--limit", value), *words)


def test_a_shorthand_and_its_limit_do_not_go_together(tmp_path):
    failed(run("serve", tmp_path / "a.db", "--max-connections", 5, *limit("max_connections", 6)),
           "--max-connections", "give one of them")
    failed(run("serve", tmp_path / "a.db", "--max-connections", 0), "--max-connections",
           "out of range")


def test_the_help_tells_where_the_limits_are():
    text = " ".join(run("serve", "--help").stdout.split())
    assert "--limit <name=value>" in text and "datasync limits" in text


def test_connections_leave_the_database_its_descriptors(serve, tmp_path, monkeypatch):
    """Few files may be open: clients are refused by the limit's name, the others are served."""
    program = tmp_path / "datasync"
    program.write_text(f"#!/bin/sh\nulimit -n 150\nexec {shlex.quote(binary())} \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("DATASYNC_BIN", str(program))
    server = serve("a.db", "--attach", "--loops", "2", sql=NOTES)
    assert "fewer connections than max_connections" in server.log()
    assert "LimitNOFILE=" in server.log()
    host, port = server.address.rsplit(":", 1)
    with Session(server) as session:
        events = session.subscribe("notes")
        events.until_current()
        sockets = [socket.create_connection((host, int(port)), timeout=10) for _ in range(200)]
        until(
            lambda: "limit=max_connections" in server.log(),
            message="no word of the limit in the log",
        )
        session.create("notes", id="new")
        assert events.change().id == "new"
        assert "new" in by_id(session.rows("notes"))
        for one in sockets:
            one.close()


def strike(session, name):
    """Makes a limit of the service layer strike that is set to 2, or as low as it goes."""
    contract = session.contract
    create = {"create": {"entity": contract.entity("notes", body="x")}}
    if name == "max_subscriptions_per_session":
        for _ in range(3):
            last = session.send("subscribe", table="notes")
        with refused("RESOURCE_EXHAUSTED", "MAX_SUBSCRIPTIONS_PER_SESSION") as error:
            session.answer(last)
    elif name == "max_writes_per_commit":
        with refused("RESOURCE_EXHAUSTED", "MAX_WRITES_PER_COMMIT") as error:
            session.call("commit", writes=[create] * 3)
    elif name == "max_decoded_bytes":
        session.send("commit", writes=[create] * 5_000)
        error = session.session_status()
    elif name == "max_malformed_messages":
        for _ in range(3):
            session.send_raw(b"\xff\xff")
        error = session.ended()
        assert error.code == "INVALID_ARGUMENT"
    else:
        # One waits for the lock that another program holds, two more wait, the others are too many.
        sent = [session.send("create", entity=create["create"]["entity"]) for _ in range(30)]
        error = session.wait(
            lambda log: next(
                (r for r in log if r.request_id in sent and r.HasField("status")), None
            )
        )
        error = Refused(status_of(error.status), contract)
    assert error.metadata["limit"] == name


SERVICE_LIMITS = ["max_subscriptions_per_session", "max_writes_per_commit", "max_decoded_bytes",
                  "max_malformed_messages", "max_queued_writes"]


@pytest.mark.parametrize("name", SERVICE_LIMITS)
def test_a_limit_of_the_service_stands_in_the_error_and_in_the_log(serve, name):
    value = {"max_decoded_bytes": "64KiB"}.get(name, 2)
    server = serve("a.db", "--attach", *limit(name, value), sql=NOTES)
    with Session(server) as session:
        other = server.sqlite()
        if name == "max_queued_writes":
            other.execute("BEGIN IMMEDIATE")
        strike(session, name)
        other.close()
    until(lambda: f"limit={name}" in server.log(), message=f"{name} is not in the log")


def test_the_rows_that_a_commit_writes_have_a_bound_however_small_it_is(serve):
    """A hundred updates of one large row are a request of a few kilobytes, and an answer of many."""
    server = serve("a.db", "--attach", *limit("max_commit_bytes", "1MiB"), sql=NOTES)
    with Session(server) as session:
        row = session.create("notes", body="x" * 300_000)
        writes = [
            {"replace": {"entity": session.contract.entity("notes", id=row.id, body=str(n) * 300_000)}}
            for n in range(4)
        ]
        assert len(session.call("commit", writes=writes[:3]).writes) == 3
        with refused("RESOURCE_EXHAUSTED", "MAX_COMMIT_BYTES") as error:
            session.call("commit", writes=writes)
        assert error.value.metadata["limit"] == "max_commit_bytes"
        assert error.value.metadata["write_index"] == "3"
        assert session.get("notes", row.id)["body"] == "2" * 300_000
