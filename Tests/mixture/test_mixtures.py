"""Everything at once, at random: what is promised holds, a bystander is served, memory has a bound.

DATASYNC_SEED repeats a run's choices (not the scheduling), DATASYNC_MIXTURE_SECONDS=3600 takes an hour.
"""

import os
import time

import pytest

import crash
from conftest import SEED
from latency import figures
from mixture import DISK_REASONS, Mixture, judge
from oracle import Outcome
from views import Seen

SECONDS = float(os.environ.get("DATASYNC_MIXTURE_SECONDS") or 60)
# Each has a database and a server of its own, which is killed and ended some times.
ROUND_SECONDS, SHORT_ROUND_SECONDS = 20, 5
# In bytes, of any of the server's processes at its highest: four connections with caches of a database
# of a few MB, the log's newest, and what clients that do not read are owed.
MAX_RESIDENT = 128 << 20
# In seconds, for 99 of 100 requests of the bystander, among twelve clients in one process on the same
# two processors, and writes that wait for a transaction of thousands of rows.
BOUNDS = {"get": 1.0, "replace": 3.0}
WORST = 30


@pytest.mark.timeout(3 * SECONDS + 300)
def test_all_that_is_promised_holds_in_random_mixtures(tmp_path, record_property):
    print(f"mixtures: seed {SEED}")
    outcome = Outcome()
    deadline = time.monotonic() + SECONDS
    while outcome.rounds == 0 or time.monotonic() < deadline:
        seconds = min(ROUND_SECONDS, max(5, deadline - time.monotonic()))
        one_round(tmp_path, outcome, seconds, record_property)


def one_round(directory, outcome, seconds, record_property):
    where = f"seed {SEED}, round {outcome.rounds}"
    round = Mixture(SEED, outcome.rounds, seconds, directory)
    round.run()
    taken = round.taken
    line = (
        f"{round.summary}; bystander get {figures(taken, 'get')}, replace {figures(taken, 'replace')},"
        f" {len(taken['refusals'])} refused; memory {round.memory.highest >> 20} MiB"
    )
    print(f"{where}: {line}")
    record_property("mixture", line)
    outcome.take(round, judge(round))
    assert not outcome.found, f"{where}\n{outcome.report()}"
    crash.check(round.database)
    unfounded = [refusal for refusal in taken["refusals"] if refusal[2] not in DISK_REASONS]
    assert not unfounded, f"{where}: the bystander was refused {unfounded[:3]}"
    for kind, bound in BOUNDS.items():
        found = figures(taken, kind)
        assert found.p99 <= bound and found.worst <= WORST, f"{where}: {kind} {found}"
    assert round.memory.highest <= MAX_RESIDENT, f"{where}: {round.memory.highest >> 20} MiB"


# -- each of these makes of what was seen something that the server must not do; returns who must say so


def lose_a_change(round):
    leg = next(leg for leg in round.legs if places_of_changes(leg))
    del leg.items[places_of_changes(leg)[0]]
    return "Reliable"


def double_a_change(round):
    leg = next(leg for leg in round.legs if places_of_changes(leg))
    place = places_of_changes(leg)[0]
    leg.items.insert(place, leg.items[place])
    return "Unique"


def change_a_stored_row(round):
    round.stored[next(iter(round.stored))] = "another mark"
    return "Stored"


def lose_the_bystanders_last_write(round):
    round.bystander_wrote += 100
    return "Stored"


def read_another_row(round):
    for number, (session, request_id, (table, key)) in enumerate(round.reads):
        if any(response.HasField("get") for _, response in session.responses(request_id)):
            round.reads[number] = (session, request_id, (table, key + "0"))
            return "Got"
    raise AssertionError("no row was read")


def lose_an_answered_write(round):
    write = next(w for w in round.writes if w.succeeded and not w.was_replayed and w.parts[0].mark)
    round.history.entry(write.answer()[1][0].sequence).origin = ""
    return "Durable"


def places_of_changes(leg):
    """Where changes of rows stand that a later checkpoint says have come."""
    if leg.view.min_interval or leg.view.exclude_own:
        return []
    last = max((n for n, item in enumerate(leg.items) if not isinstance(item.event, Seen)), default=0)
    return [
        n for n, item in enumerate(leg.items[:last])
        if isinstance(item.event, Seen) and not item.event.initial and n > 0
    ]


@pytest.fixture(scope="module")
def short_round(tmp_path_factory):
    round = Mixture(SEED, 0, SHORT_ROUND_SECONDS, tmp_path_factory.mktemp("mixture"))
    round.run()
    assert not judge(round), f"seed {SEED}"
    return round


@pytest.mark.parametrize("spoil", [
    lose_a_change, double_a_change, change_a_stored_row, lose_the_bystanders_last_write,
    read_another_row, lose_an_answered_write,
], ids=lambda spoil: spoil.__name__)
def test_what_must_not_be_is_found(short_round, spoil):
    kept = short_round.stored, short_round.bystander_wrote, short_round.reads
    short_round.stored, short_round.reads = dict(short_round.stored), list(short_round.reads)
    items = {leg.name: list(leg.items) for leg in short_round.legs}
    origins = [entry.origin for entry in short_round.history.entries]
    try:
        assert spoil(short_round) in judge(short_round)
    finally:
        short_round.stored, short_round.bystander_wrote, short_round.reads = kept
        for leg in short_round.legs:
            leg.items = items[leg.name]
        for entry, origin in zip(short_round.history.entries, origins):
            entry.origin = origin
    assert not judge(short_round), "it was not put right again: this shows nothing"
