"""Many subscriptions, and one client that stops reading under load.

By default 1,000 subscriptions on 20 connections; `--full`: 10,000 on 100, and a minute's sleep.
"""

import dataclasses
import random as randoms
import statistics
import time

import pytest

from recording import RecordedSession
from server import Server

SQL = """
CREATE TABLE readings (id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL);
"""
BODY_BYTES = 16_000
WRITES_PER_SECOND = 80
# The sleeper's subscriptions of everything: what a server that queues would have to hold.
WIDE = 10
# What the server may grow by while one sleeps, beyond what the same writes cost it while nobody
# does (SQLite's page caches fill as the log grows): the marks of one call, and an allocator's rest.
MAX_GROWTH_BYTES = 24 << 20


@dataclasses.dataclass
class Size:
    subscriptions: int
    connections: int
    # Awake, and then asleep.
    seconds: float


@pytest.fixture
def size(request):
    if request.config.getoption("--full"):
        return Size(10_000, 100, 60)
    return Size(1000, 20, 12)


@pytest.fixture
def server(tmp_path):
    schema = tmp_path / "load.sql"
    schema.write_text(SQL)
    server = Server(
        tmp_path / "load.db", "--attach", "--schema", schema, "--synchronous", "normal",
        environment={"DATASYNC_LIMITS": "tail-bytes=1000000"},
    ).start()
    yield server
    server.stop()


class Load:
    """Writes at a steady rate, and how long each event took to its subscriber."""

    def __init__(self, session, sessions, owners, random):
        self.session, self.sessions, self.owners, self.random = session, sessions, owners, random
        self.sequences = []

    def run(self, seconds, watch=lambda: None):
        """Latencies of the narrow subscriptions' events, in milliseconds."""
        sent, begun, number = [], time.monotonic(), 0
        while (now := time.monotonic()) < begun + seconds:
            due = begun + number / WRITES_PER_SECOND
            if now < due:
                time.sleep(due - now)
            number += 1
            owner = self.random.choice(list(self.owners))
            row = self.session.contract.entity(
                "readings", id=f"r-{owner}", owner=owner,
                body=self.random.choice("abcdef") * BODY_BYTES + str(number),
            )
            at = time.monotonic()
            request_id = self.session.send("replace", entity=row, allow_missing=True)
            sent.append((request_id, owner, at))
            watch()
        return [self._latency(*write) for write in sent]

    def _latency(self, request_id, owner, at):
        sequence = self.session.answer(request_id).sequence
        self.sequences.append(sequence)
        session, subscription = self.owners[owner]
        deadline = time.monotonic() + 20
        while True:
            for place, response in reversed(session.responses(subscription)):
                if response.event.HasField("change") and response.event.change.sequence == sequence:
                    return (session.times[place] - at) * 1000
            assert time.monotonic() < deadline, f"the event of {sequence} did not come"
            time.sleep(0.01)


class Memory:
    """How far the server's memory has grown at most, since it was last asked."""

    def __init__(self, server):
        self.server = server
        self.base = self.highest = server.resident_bytes()

    def watch(self):
        self.highest = max(self.highest, self.server.resident_bytes())

    def growth(self):
        growth = self.highest - self.base
        self.base = self.highest = self.server.resident_bytes()
        return growth


def quantiles(latencies):
    cuts = statistics.quantiles(latencies, n=20)
    return cuts[9], cuts[18]


def sequences_of(session, request_id):
    found = []
    for _, response in session.responses(request_id):
        assert not response.HasField("status"), f"the subscription ended: {response.status}"
        if response.event.HasField("change"):
            found.append(response.event.change.sequence)
    return found


def test_a_sleeper_costs_nobody_anything(server, size, seed, record_property):
    random = randoms.Random(f"{seed}/load")
    sessions = [RecordedSession(server, f"c{n}") for n in range(size.connections)]
    sleeper, *others = sessions
    owners, each = {}, size.subscriptions // size.connections
    for number, session in enumerate(others):
        for index in range(each):
            owner = f"o{number}-{index}"
            request_id = session.send(
                "subscribe", table="readings", filter=f"owner eq '{owner}'", now={},
                heartbeat_interval=60,
            )
            owners[owner] = (session, request_id)
    wide = [
        sleeper.send("subscribe", table="readings", now={}, heartbeat_interval=60)
        for _ in range(WIDE)
    ]
    narrow = [
        sleeper.send(
            "subscribe", table="readings", filter=f"owner eq 'nobody {n}'", now={},
            heartbeat_interval=60,
        )
        for n in range(each - WIDE)
    ]
    ready = [(sleeper, id) for id in [*wide, *narrow]] + list(owners.values())
    deadline = time.monotonic() + 60
    for session, request_id in ready:
        while not session.is_answered(request_id):
            assert time.monotonic() < deadline, "not every subscription began"
            time.sleep(0.01)
    load = Load(RecordedSession(server, "writer"), others, owners, random)
    load.run(2)
    memory = Memory(server)
    awake = quantiles(load.run(size.seconds, memory.watch))
    usual = memory.growth()
    written = len(load.sequences)
    sleeper.stall()
    asleep = quantiles(load.run(size.seconds, memory.watch))
    growth = memory.growth()
    slept = len(load.sequences) - written
    missed = load.sequences[-1] - sequences_of(sleeper, wide[0])[-1]
    owed = missed * WIDE * BODY_BYTES
    record_property(
        "load",
        f"{size.subscriptions} subscriptions, {size.connections} connections: latency p50/p95"
        f" {awake[0]:.1f}/{awake[1]:.1f} ms, with a sleeper {asleep[0]:.1f}/{asleep[1]:.1f} ms;"
        f" {slept} writes, {owed >> 20} MiB owed, memory grew {growth >> 20} MiB to"
        f" {server.resident_bytes() >> 20} MiB; awake it grew {usual >> 20} MiB",
    )
    assert owed > 3 * MAX_GROWTH_BYTES, "the sleeper was not owed enough to prove anything"
    assert growth < usual + MAX_GROWTH_BYTES
    # Within noise: others use this machine too.
    assert asleep[0] < 2 * awake[0] + 5 and asleep[1] < 3 * awake[1] + 100

    sleeper.resume()
    deadline = time.monotonic() + 120
    for request_id in wide:
        while (sequences_of(sleeper, request_id) or [0])[-1] < load.sequences[-1]:
            assert time.monotonic() < deadline, "the sleeper does not catch up"
            time.sleep(0.1)
        assert sequences_of(sleeper, request_id) == sorted(load.sequences), "a gap"
    for session in [*sessions, load.session]:
        session.close()
