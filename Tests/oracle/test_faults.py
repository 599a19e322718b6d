"""Each validator is shown to bite: the server is broken on purpose, and it must say so."""

import pytest

import load
import oracle

FAULTS = [
    ("swap-events", "Ordered"),
    ("double-event", "Unique"),
    ("split-commit", "Atomic"),
    ("ignore-filter", "Filter"),
    ("early-checkpoint", "Bookmarkable"),
    ("wrong-token", "Resumable"),
    ("lose-on-resume", "Resumable"),
    ("drop-event", "Reliable"),
    ("initial-gap", "Reliable"),
    ("drop-when-full", "Reliable"),
    ("poll-gap", "Reliable"),
    ("no-previous", "Previous"),
    ("stale-view", "ViewExact"),
    ("fold-hides-delete", "ViewExact"),
    ("event-before-response", "OwnEcho"),
    ("wrong-sequence", "OwnEcho"),
    ("wrong-sequence", "Durable"),
    ("repeat-mutation", "Once"),
    ("double-answer", "Answered"),
]


@pytest.mark.parametrize("fault, validator", FAULTS)
def test_the_validator_finds_the_fault(fault, validator, seed, tmp_path):
    outcome = oracle.run(
        seed, 1, tmp_path, fault=fault, until=validator, round_seconds=4
    )
    assert validator in outcome.found, (
        f"{fault} went unnoticed by {validator} in {outcome.rounds} rounds, seed {seed}:"
        f" {outcome.report()}"
    )


@pytest.mark.parametrize("fault", ["drop-event", "double-event", "drop-when-full"])
def test_the_load_finds_the_fault(fault, tmp_path):
    server = load.start_server(tmp_path, {"DATASYNC_FAULT": fault})
    try:
        # Soon after what is lost, a checkpoint says that it has been sent.
        report = load.run(server, load.Size(40, 4, 1, warm_up_seconds=0, heartbeat_seconds=1))
    finally:
        server.stop()
    assert report["violations"], f"{fault} went unnoticed: {report}"
