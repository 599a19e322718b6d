"""What the server takes in memory is bounded by account, and told of."""

import os
import random
import re
import sqlite3
import threading
import time
import urllib.request

import pytest

from errors import Refused
from raw import RawConnection, framed
from server import Server, run, until
from session import Session

MIB = 1 << 20
SESSION = "/datasync.v1.Datasync/Session"
CREATE = "/datasync.v1.Datasync/Create"


def started(tmp_path, *limits):
    """A server with limits and metrics, on a table of notes; and the address of its metrics."""
    connection = sqlite3.connect(tmp_path / "a.db")
    connection.executescript(
        "CREATE TABLE notes (id TEXT PRIMARY KEY, n INTEGER, body TEXT);"
        "CREATE TABLE others (id TEXT PRIMARY KEY, body TEXT);"
    )
    connection.close()
    server = Server(
        tmp_path / "a.db", "--attach", "--metrics", "127.0.0.1:0", "--log-level", "info",
        *(word for limit in limits for word in ("--limit", limit)),
    )
    server.start()
    found = until(
        lambda: re.search(r"url=http://(\S+)/metrics", server.log()), 15,
        "the log does not say where the metrics are",
    )
    return server, found[1]


def samples(metrics, name):
    """The values of a metric by the label `account`, or by `limit`."""
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found = re.findall(rf'^{name}{{(?:account|limit)="([^"]+)".*?}} (\S+)$', text, re.MULTILINE)
    return {label: float(value) for label, value in found}


def created(contract, size, table="notes", **fields):
    return contract.new(
        "datasync.v1.CreateRequest", entity=contract.entity(table, body="x" * size, **fields)
    )


def test_messages_that_are_not_whole_have_a_bound(tmp_path):
    server, metrics = started(
        tmp_path, "max_request_bytes=24MiB", "max_request_bytes_per_connection=16MiB",
        "buffered_bytes_share=256KiB",
    )
    try:
        with Session(server) as bystander:
            note = bystander.create("others", body="here").id
            before = server.resident_bytes()
            connections, ended = [], 0
            for _ in range(6):
                connection = RawConnection(server.address)
                connections.append(connection)
                for _ in range(20):
                    stream = connection.begin(CREATE)
                    # A fourth of the message that it says is coming.
                    connection.send(stream, framed(b"\n" * MIB, length=4 * MIB))
                    while connection.receive(0):
                        pass
            for connection in connections:
                connection.receive(0.2)
                while connection.receive(0):
                    pass
                for stream in connection.ended:
                    fields = connection.heads[stream] | connection.trailers.get(stream, {})
                    assert fields["grpc-status"] == "8", fields
                    assert "max_request_bytes" in fields["grpc-message"]
                    ended += 1
            grown = server.resident_bytes() - before
            held = samples(metrics, "datasync_memory_bytes")["requests"]
            assert 16 * MIB < held < 28 * MIB
            # 120 MiB were sent.
            assert ended >= 80
            assert grown < 64 * MIB, f"grew by {grown >> 20} MiB"
            assert bystander.get("others", note)["body"] == "here"
            struck = samples(metrics, "datasync_limit_reached_total")
            assert struck["max_request_bytes"] > 0
            assert struck["max_request_bytes_per_connection"] > 0
            for connection in connections:
                connection.close()
            until(
                lambda: samples(metrics, "datasync_memory_bytes")["requests"] == 0, 15,
                "what the connections had held is not given back",
            )
    finally:
        server.stop()


def test_a_session_is_not_read_while_its_requests_are_large_and_all_are_answered(tmp_path):
    server, metrics = started(tmp_path, "max_request_bytes_per_connection=16MiB")
    try:
        with Session(server) as session:
            session.create("notes", body="warm")
            before = server.resident_bytes()
            locker = server.sqlite()
            locker.execute("BEGIN IMMEDIATE")
            sent = [
                session.send("create", entity=session.contract.entity("notes", body="x" * (MIB // 2)))
                for _ in range(120)
            ]
            until(
                lambda: samples(metrics, "datasync_memory_bytes")["requests"] > 4 * MIB, 30,
                "nothing is held",
            )
            time.sleep(0.5)
            held = samples(metrics, "datasync_memory_bytes")["requests"]
            grown = server.resident_bytes() - before
            locker.execute("COMMIT")
            locker.close()
            for request in sent:
                session.answer(request)
            assert held < 8 * MIB
            assert grown < 40 * MIB, f"grew by {grown >> 20} MiB"
            assert samples(metrics, "datasync_memory_bytes")["requests"] == 0
    finally:
        server.stop()


def test_large_requests_of_all_have_a_bound(tmp_path):
    server, metrics = started(
        tmp_path, "max_request_bytes=16MiB", "buffered_bytes_share=256KiB",
        "max_queued_write_bytes=1GiB",
    )
    try:
        # Unary calls, each on its own: nothing can be left unread.
        locker = server.sqlite()
        locker.execute("BEGIN IMMEDIATE")
        connections = []
        for _ in range(20):
            connection = RawConnection(server.address)
            connections.append(connection)
            connection.calls = []
            for _ in range(3):
                stream = connection.begin(CREATE)
                message = created(server.contract, MIB).SerializeToString()
                connection.send(stream, framed(message), end=True)
                connection.calls.append(stream)
        time.sleep(0.5)
        held = samples(metrics, "datasync_memory_bytes")["requests"]
        locker.execute("COMMIT")
        locker.close()
        codes = [connection.status(stream, 30) for connection in connections for stream in connection.calls]
        assert held < 22 * MIB
        assert set(codes) == {0, 8}
        assert codes.count(0) >= 14
        for connection in connections:
            connection.close()
    finally:
        server.stop()


def test_subscriptions_have_a_bound_over_all_sessions(tmp_path):
    server, metrics = started(tmp_path, "max_subscriptions=50")
    try:
        with Session(server) as one, Session(server) as other:
            for session, count in ((one, 30), (other, 20)):
                requests = [session.send("subscribe", table="notes", now={}) for _ in range(count)]
                for request in requests:
                    session.wait(
                        lambda log: next((r for r in log if r.request_id == request), None))
            with pytest.raises(Refused) as refused:
                other.call("subscribe", table="notes", now={})
            assert (refused.value.code, refused.value.reason) == (
                "RESOURCE_EXHAUSTED", "MAX_SUBSCRIPTIONS")
            assert refused.value.metadata["limit"] == "max_subscriptions"
            one.close()
            until(
                lambda: samples(metrics, "datasync_memory_bytes")["subscriptions"] == 20 * 2048, 15,
                "the subscriptions of a session that has gone still count",
            )
            for _ in range(30):
                other.send("subscribe", table="notes", now={})
            assert other.create("notes", body="more").row["body"] == "more"
    finally:
        server.stop()


def test_limits_shows_what_is_in_use(tmp_path):
    server, metrics = started(tmp_path, "max_writes_per_commit=2")
    try:
        with Session(server) as session:
            with pytest.raises(Refused):
                session.call("commit", writes=[
                    {"create": {"entity": session.contract.entity("notes", body="x")}}] * 3)
            session.send("subscribe", table="notes", now={}, filter="body eq 'a'")
            session.create("notes", body="b")
            shown = run("limits", "--metrics", metrics)
        assert shown.returncode == 0, shown.stderr
        lines = [re.split(r"  +", line) for line in shown.stdout.splitlines()]
        assert lines[0] == ["memory", "in use", "at most", "by"]
        accounts = {line[0]: line for line in lines if len(line) == 4}
        limits = samples(metrics, "datasync_memory_limit_bytes")
        assert set(accounts) - {"memory"} == set(limits)
        assert accounts["output"][2:] == ["512.0 MiB", "max_buffered_bytes"]
        assert accounts["subscriptions"][1] == "2.0 KiB"
        assert any(line[0] == "all" for line in lines)
        assert ["max_writes_per_commit", "1"] in lines
        # Without a server, or with what is none.
        refused = run("limits", "--metrics", "127.0.0.1:1")
        assert refused.returncode != 0 and "127.0.0.1:1 cannot be asked" in refused.stderr
        other = run("limits", "--metrics", server.address)
        assert other.returncode != 0 and server.address in other.stderr + other.stdout
    finally:
        server.stop()


# -- all at once

SECONDS = float(os.environ.get("DATASYNC_MEMORY_SECONDS", "20"))
LIMITS = [
    "max_connections=100", "max_message_bytes=1MiB", "buffered_bytes_share=128KiB",
    "max_buffered_bytes=24MiB", "max_request_bytes=16MiB", "max_request_bytes_per_connection=8MiB",
    "max_subscriptions=5000", "max_filter_bytes=8MiB", "max_page_bytes_held=4MiB", "max_pages_held=8",
    "tail_bytes=4MiB", "max_queued_write_bytes=16MiB", "max_commit_bytes=4MiB", "max_batch_bytes=1MiB",
    "cache_bytes=2MiB", "max_scans=4",
]


def random_request(contract, choice, request_id, tables):
    """One SessionRequest of any kind, large or small."""
    kind = choice.choice(
        ["create", "create", "update", "replace", "delete", "commit", "get", "query", "query",
         "subscribe", "describe", "cancel"])
    table = choice.choice(tables)
    size = choice.choice([10, 1000, 30_000, 200_000])
    row = {"id": f"r{choice.randrange(200)}", "body": chr(97 + choice.randrange(26)) * size}
    words = " or ".join(
        f"contains(body,'{choice.randrange(10**9)}')" for _ in range(choice.randrange(1, 60)))
    filter = choice.choice(["", f"id ne '{choice.randrange(99)}'", words])
    fields = {
        "create": lambda: {"entity": contract.entity(table, body=row["body"])},
        "update": lambda: {"entity": contract.entity(table, **row)},
        "replace": lambda: {"entity": contract.entity(table, **row)},
        "delete": lambda: {"table": table, "id": row["id"]},
        "commit": lambda: {"writes": [
            {"update": {"entity": contract.entity(table, id=row["id"], body=row["body"][:3000])}}
        ] * choice.randrange(1, 40)},
        "get": lambda: {"table": table, "id": row["id"]},
        "query": lambda: {
            "table": table, "page_size": choice.choice([1, 100, 1000]), "filter": filter,
            "order_by": choice.choice(["", "body desc"])},
        "subscribe": lambda: {
            "table": table, "filter": filter, **choice.choice([{"now": {}}, {}])},
        "describe": lambda: {},
        "cancel": lambda: {"request_id": choice.randrange(1, request_id + 1)},
    }[kind]()
    message = contract.class_of("datasync.v1.SessionRequest")(request_id=request_id)
    target = getattr(message, kind)
    target.SetInParent()
    contract._fill(target, fields)
    return framed(message.SerializeToString())


def test_memory_stays_under_the_sum_of_the_limits_whatever_comes(tmp_path, record_property):
    """Hundreds of sessions send anything, and read nothing."""
    seed = int(os.environ.get("DATASYNC_SEED") or random.randrange(1 << 32))
    print(f"seed: {seed}")
    choice = random.Random(seed)
    server, metrics = started(tmp_path, *LIMITS)
    try:
        contract = server.contract
        with Session(server) as session:
            for n in range(200):
                session.create("notes", id=f"r{n}", n=n, body="x" * 50_000)
            base = server.resident_bytes()
            limit = sum(samples(metrics, "datasync_memory_limit_bytes").values())
            peak, most, worst, ended = [0], {}, [0.0], threading.Event()

            def look():
                while not ended.wait(0.05):
                    peak[0] = max(peak[0], server.resident_bytes())

            def account():
                while not ended.wait(0.5):
                    for name, value in samples(metrics, "datasync_memory_bytes").items():
                        most[name] = max(most.get(name, 0), value)

            def live():
                note = session.create("others", id="mine", body="here")
                while not ended.wait(0.05):
                    start = time.monotonic()
                    try:
                        assert session.get("others", note.id)["body"] == "here"
                    except Refused as error:
                        assert error.code == "RESOURCE_EXHAUSTED", error
                    worst[0] = max(worst[0], time.monotonic() - start)

            watchers = [threading.Thread(target=look), threading.Thread(target=live),
                        threading.Thread(target=account)]
            for watcher in watchers:
                watcher.start()
            try:
                sent = storm(server, contract, choice, time.monotonic() + SECONDS)
            finally:
                ended.set()
                for watcher in watchers:
                    watcher.join(90)
            assert not any(watcher.is_alive() for watcher in watchers), "the bystander hangs"
        line = (
            f"{sent} requests of sessions that do not read: {peak[0] >> 20} MiB at most, "
            f"{base >> 20} before, limits {limit / MIB:.0f} MiB; a bystander's get {worst[0]:.2f} s "
            "at worst; " + ", ".join(f"{name} {value / MIB:.1f}" for name, value in most.items())
        )
        print(line)
        record_property("memory", line)
        assert sent > 500
        assert peak[0] - base < limit, line
    finally:
        server.stop()


def storm(server, contract, choice, deadline):
    """Sessions on connections whose windows for us stay shut; a connection that is used up makes way
    for another one. Returns how many requests were sent."""
    sent, connections = 0, []
    while time.monotonic() < deadline:
        if len(connections) >= 40:
            connections.pop(choice.randrange(len(connections))).vanish()
        connection = RawConnection(server.address)
        connections.append(connection)
        try:
            streams = [connection.begin(SESSION) for _ in range(10)]
            for request_id in range(1, 40):
                for stream in streams:
                    data = random_request(contract, choice, request_id, ["notes"])
                    if len(data) > min(connection.h2.local_flow_control_window(stream), 1 << 20):
                        continue
                    for start in range(0, len(data), 16_384):
                        connection.h2.send_data(stream, data[start:start + 16_384])
                    connection.socket.settimeout(5)
                    connection.flush()
                    sent += 1
                if time.monotonic() > deadline:
                    break
        except (OSError, TimeoutError):
            # It is not read any more.
            pass
    for connection in connections:
        connection.close()
    return sent
