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
BODY_BYTES = 8_000
# Writes on their way: enough that the server always has one to go on with.
WINDOW = 8
# The sleeper's subscriptions of everything: what a server that queues would have to hold.
WIDE = 8
# For whom a minute's full load is a gigabyte, which this client in Python reads at a few MiB a second.
CATCH_UP_SECONDS = 900
# What the server may grow by while one sleeps, beyond what the same writes cost it while nobody
# does (SQLite's page caches fill as the log grows): the marks of one call, and an allocator's rest.
MAX_GROWTH_BYTES = 24 << 20


@dataclasses.dataclass
class Size:
    subscriptions: int
    connections: int
    # Awake, asleep, and awake again: so long each, or so many writes.
    seconds: float
    writes: int


@pytest.fixture
def size(request):
    if request.config.getoption("--full"):
        return Size(10_000, 100, 60, 1_000_000)
    return Size(1000, 20, 12, 900)


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
    """Writes as fast as they are answered, and how long each event took to its subscriber."""

    def __init__(self, session, owners, random):
        self.session, self.owners, self.random = session, owners, random
        self.names = list(owners)
        # By owner, and all in the order of commits.
        self.by_owner = {owner: [] for owner in owners}
        self.sequences = []
        self.number = 0

    def run(self, seconds, writes, watch=lambda: None):
        """Latencies of the narrow subscriptions' events, in milliseconds."""
        sent, until = [], time.monotonic() + seconds
        while time.monotonic() < until and len(sent) < writes:
            if len(sent) >= WINDOW:
                self.session.answer(sent[-WINDOW][0], 60)
            sent.append(self._send())
            watch()
        return [self._latency(*write) for write in sent]

    def _send(self):
        self.number += 1
        owner = self.random.choice(self.names)
        row = self.session.contract.entity(
            "readings", id=f"r-{owner}", owner=owner,
            body=self.random.choice("abcdef") * BODY_BYTES + str(self.number),
        )
        at = time.monotonic()
        return self.session.send("replace", entity=row, allow_missing=True), owner, at

    def _latency(self, request_id, owner, at):
        sequence = self.session.answer(request_id, 60).sequence
        self.sequences.append(sequence)
        self.by_owner[owner].append(sequence)
        session, subscription = self.owners[owner]
        deadline = time.monotonic() + 60
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


def open_all(server, size):
    """The sessions, the sleeper first; (session, subscription) by owner; the sleeper's wide ones."""
    sessions = [RecordedSession(server, f"c{n}") for n in range(size.connections)]
    sleeper, *others = sessions
    owners, each = {}, size.subscriptions // size.connections

    def subscribe(session, filter=""):
        return session.send(
            "subscribe", table="readings", filter=filter, now={}, heartbeat_interval=60
        )

    for number, session in enumerate(others):
        for index in range(each):
            owner = f"o{number}-{index}"
            owners[owner] = (session, subscribe(session, f"owner eq '{owner}'"))
    wide = [subscribe(sleeper) for _ in range(WIDE)]
    narrow = [subscribe(sleeper, f"owner eq 'nobody {n}'") for n in range(each - WIDE)]
    deadline = time.monotonic() + 120
    for session, request_id in [(sleeper, id) for id in [*wide, *narrow]] + list(owners.values()):
        while not session.is_answered(request_id):
            assert time.monotonic() < deadline, "not every subscription began"
            time.sleep(0.01)
    return sessions, owners, wide


def catch_up(sleeper, wide, load):
    """Every one of its subscriptions has everything, in order, once; the seconds it took."""
    began = time.monotonic()
    for request_id in wide:
        while (sequences_of(sleeper, request_id) or [0])[-1] < load.sequences[-1]:
            assert time.monotonic() < began + CATCH_UP_SECONDS, "the sleeper does not catch up"
            time.sleep(0.2)
        assert sequences_of(sleeper, request_id) == load.sequences, "a gap"
    return time.monotonic() - began


# The whole size takes four minutes where nothing else runs.
@pytest.mark.timeout(3600)
def test_a_sleeper_costs_nobody_anything(server, size, seed, record_property):
    random = randoms.Random(f"{seed}/load")
    sessions, owners, wide = open_all(server, size)
    sleeper = sessions[0]
    load = Load(RecordedSession(server, "writer"), owners, random)
    load.run(2, size.writes)
    memory = Memory(server)
    before = quantiles(load.run(size.seconds, size.writes, memory.watch))
    usual = memory.growth()
    written = len(load.sequences)
    sleeper.stall()
    asleep = quantiles(load.run(size.seconds, size.writes, memory.watch))
    growth = memory.growth()
    slept = len(load.sequences) - written
    missed = sum(q > sequences_of(sleeper, wide[0])[-1] for q in load.sequences)
    owed = missed * WIDE * BODY_BYTES
    sleeper.resume()
    caught_up_in = catch_up(sleeper, wide, load)
    after = quantiles(load.run(size.seconds, size.writes))
    record_property(
        "load",
        f"{size.subscriptions} subscriptions, {size.connections} connections: latency p50/p95"
        f" {before[0]:.1f}/{before[1]:.1f} ms, with a sleeper {asleep[0]:.1f}/{asleep[1]:.1f} ms,"
        f" after it {after[0]:.1f}/{after[1]:.1f} ms; {slept} writes,"
        f" {owed >> 20} MiB owed, memory grew {growth >> 20} MiB, awake {usual >> 20} MiB, to"
        f" {server.resident_bytes() >> 20} MiB; caught up in {caught_up_in:.1f} s",
    )
    assert owed > 2 * MAX_GROWTH_BYTES, "the sleeper was not owed enough to prove anything"
    assert growth < usual + MAX_GROWTH_BYTES
    # Within noise, of which the two times without a sleeper tell: others use this machine too.
    assert asleep[0] < 1.5 * max(before[0], after[0]) + 5
    assert asleep[1] < 2 * max(before[1], after[1]) + 50
    catch_up(sleeper, wide, load)
    for owner, (session, request_id) in owners.items():
        assert sequences_of(session, request_id) == load.by_owner[owner], owner
    for session in [*sessions, load.session]:
        session.close()
