"""Long polling equals the subscription: the same changes, in the same form and order."""

import random as randoms
import time

import pytest

import tables
import views
from errors import Refused
from recording import Leg, RecordedSession, Rows, event_of
from round import Round
from server import Server
from writes import Script, Shell, Writer

WRITES = 400
SECONDS = 60


@pytest.fixture
def random(seed):
    return randoms.Random(f"{seed}/long poll")


@pytest.fixture
def server(random, tmp_path):
    server = Server(
        tmp_path / "poll.db", "--attach", "--soft-delete", "*",
        environment={"DATASYNC_LIMITS": "tail-bytes=20000,replay-bytes=3000"},
    )
    server.tables = tables.random_tables(random)
    shell = Shell(server.database)
    shell.run("".join(table.sql for table in server.tables))
    shell.drain()
    server.start()
    server.shell = shell
    yield server
    shell.close()
    server.stop()


def poll(server, client_id, view, token, random, final):
    """Every change after the token, by calls of many sizes; (changes, number of calls)."""
    fields = view.query_fields | {"previous": view.previous, "exclude_own": view.exclude_own}
    changes, calls, deadline = [], 0, time.monotonic() + SECONDS
    while True:
        assert time.monotonic() < deadline, "long polling does not reach the end"
        max_changes = random.choice([0, 1, 2, 2, 5, 5, 50])
        answer = server.unary(
            "Changes", metadata=(("datasync-client-id", client_id),), resume_token=token,
            max_wait=random.choice([0, 0.1, 1]), max_changes=max_changes, **fields,
        )
        calls += 1
        changes += answer.changes
        # A commit is never split, so that an answer may hold more; but not two commits' worth.
        for before in answer.changes[max(0, max_changes - 1):-1] if max_changes else ():
            assert before.more, "an answer goes on past its most changes with a new commit"
        assert not (answer.changes and answer.changes[-1].more), "an answer splits a commit"
        token = answer.resume_token
        if answer.sequence >= final:
            return changes, calls


def test_changes_equal_the_subscription(server, random, record_property):
    rows = Rows(server.contract)
    session = RecordedSession(server, "c1")
    writer = Writer(random, server.tables, server.contract)
    script = Script(random, server.tables)
    maker = Round.__new__(Round)
    maker.random, maker.tables = random, server.tables
    # One sees everything: filters at random may leave next to nothing.
    asked = [views.View()] + [
        views.dataclasses.replace(maker.random_view(), once=False, min_interval=0)
        for _ in range(5)
    ]
    token = session.subscribe("", now={}).until_current()[0].resume_token
    legs = []
    for view in asked:
        fields = view.request_fields | {"resume_token": token}
        leg = Leg("subscription", view, "c1", 0, session)
        leg.request_id = session.send("subscribe", **fields)
        legs.append(leg)
    for number in range(WRITES):
        kind, _, fields = writer.request()
        session.send(kind, **fields)
        if number % 20 == 0:
            server.shell.run(script.script())
    server.shell.drain()
    table = server.tables[0]
    final = session.replace(
        table.name, {"allow_missing": True}, **{table.key.name: "end", tables.MARK: "end"}
    ).sequence
    calls = 0
    for leg in legs:
        deadline = time.monotonic() + SECONDS
        while leg.last_checkpoint() < final:
            assert time.monotonic() < deadline, "the subscription does not reach the end"
            time.sleep(0.02)
        leg.read(rows)
        polled, count = poll(server, "c1", leg.view, token, random, final)
        calls += count
        event = server.contract.class_of("datasync.v1.Event")
        came = [event_of(event(change=change), rows) for change in polled]
        assert came == leg.changes, leg
    session.close()
    total = sum(len(leg.changes) for leg in legs)
    assert total > WRITES / 4, "hardly anything was compared"
    record_property("long polling", f"{total} changes in {calls} calls")


def test_a_wait_that_ends_while_a_commit_is_being_read_does_not_split_it(server, random):
    """The server reads the commit in many pages; between two of them the wait may be over."""
    server.shell.run(
        "CREATE TABLE long_polled (id INTEGER PRIMARY KEY, x TEXT);"
    )
    server.shell.drain()
    waiting = time.monotonic() + SECONDS
    while True:
        try:
            token = server.unary("Changes", table="long_polled").resume_token
            break
        except Refused as error:
            assert error.reason == "TABLE_NOT_FOUND" and time.monotonic() < waiting, error
            time.sleep(0.05)
    rows, came = 400, 0
    for commit in range(60):
        first = commit * rows
        server.shell.run(
            f"WITH RECURSIVE c (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM c WHERE i <"
            f" {first + rows - 1}) INSERT INTO long_polled (id, x) SELECT i, 'x' FROM c;"
        )
        while came < first + rows:
            assert time.monotonic() < waiting, f"{came} changes within {SECONDS} s"
            answer = server.unary(
                "Changes", table="long_polled", resume_token=token,
                max_wait=random.randint(1, 60) / 1000,
            )
            assert not (answer.changes and answer.changes[-1].more), "an answer splits a commit"
            token = answer.resume_token
            came += len(answer.changes)
    assert came == 60 * rows
