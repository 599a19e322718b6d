"""The n-th call fails: no crash, no false OK, the right status, and service goes on by itself.

DATASYNC_ALL_FAULTS=1 fails every n up to the end of the workload; else some are picked.
"""

import errno
import os
import time

import pytest

import crash
from conftest import SEED
from errors import Refused
from preload import Faults
from session import Session
from workload import Crew

# Failpoint: the error injected, what a write may be refused with.
CASES = {
    "write-ENOSPC": ("write", errno.ENOSPC, {("UNAVAILABLE", "DISK_FULL")}),
    "write-EIO": ("write", errno.EIO, {("UNAVAILABLE", "STORAGE_FAILED")}),
    "sync-EIO": ("sync", errno.EIO, {("UNAVAILABLE", "STORAGE_FAILED")}),
    "allocation-ENOMEM": (
        "allocation", errno.ENOMEM,
        {("RESOURCE_EXHAUSTED", "OUT_OF_MEMORY"), ("UNAVAILABLE", "STORAGE_FAILED")},
    ),
}
# At the start: the error, and how many n are worth trying.
START_CASES = {
    "open-EIO": ("open", errno.EIO, 12),
    "write-EIO": ("write", errno.EIO, 8),
    "sync-EIO": ("sync", errno.EIO, 8),
    "allocation-ENOMEM": ("allocation", errno.ENOMEM, 2000),
}
CHECKPOINT_CASES = {"truncate-EIO": ("truncate", errno.EIO)}


@pytest.fixture
def faulty(serve, tmp_path):
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach", start=False)
    faults = Faults(server, tmp_path)
    server.start()
    yield server, faults
    server.stop()


def script(session, writer, allowed, refused):
    """A few writes, each repeated under its id until it is answered."""
    for _ in range(5):
        operation = writer.operation()
        for attempt in range(4):
            try:
                operation.answer = session.answer(writer.request(session, operation))
                break
            except Refused as error:
                assert (error.code, error.reason) in allowed, error
                refused.append(error.code)
        else:
            raise AssertionError(f"refused again and again: {error}")
        writer._happened(operation)


@pytest.mark.parametrize("case", CASES)
def test_a_failing_call_is_no_lie_and_no_end(faulty, seeded, record_property, case):
    kind, error, allowed = CASES[case]
    server, faults = faulty
    crew = Crew(server, seeded, writers=1, outsider=False)
    writer = crew.writers[0]
    crew.follower.start(server)
    injected, refused = 0, []
    with Session(server, client_id=writer.name) as session:
        script(session, writer, allowed, refused)
        before = faults.calls(kind)
        script(session, writer, allowed, refused)
        last = max(8, int((faults.calls(kind) - before) * 1.2))
        numbers = range(1, last + 1)
        if not os.environ.get("DATASYNC_ALL_FAULTS"):
            numbers = sorted(seeded.sample(numbers, min(25, last)))
        for n in numbers:
            faults.arm(kind, error, n)
            try:
                script(session, writer, allowed, refused)
            except BaseException:
                print(f"call {n} of {last}, seed {SEED}\n{server.log()}")
                raise
            injected += faults.injected
            faults.disarm()
            assert server.process.poll() is None, server.log()
    assert injected >= len(numbers) // 3, f"only {injected} of {len(numbers)} faults were met"
    crash.settle(crew, {writer.name: 0})
    crew.follower.stop()
    server.kill()
    crash.recover(crew)
    server.start()
    crew.follower.start(server)
    crash.settle(crew, {writer.name: 0})
    crew.follower.stop()
    record_property(
        f"faults, {case}",
        f"{injected} injected at {len(numbers)} of {last} places, {len(refused)} writes refused "
        f"{sorted(set(refused))}, {writer.done} answered and all there",
    )


def test_writes_are_refused_while_the_disk_is_full_and_go_on_when_it_is_not(faulty, seeded):
    server, faults = faulty
    with Session(server, client_id="c") as session:
        kept = session.create("accounts", id="kept", tag="kept").row
        faults.arm("write", errno.ENOSPC, 1, sticky=True)
        for attempt in range(3):
            with pytest.raises(Refused) as caught:
                session.create("accounts", mutation_id="m", id="full", tag="full")
            assert (caught.value.code, caught.value.reason) == ("UNAVAILABLE", "DISK_FULL")
            assert caught.value.retry is not None
            assert session.get("accounts", "kept") == kept, "reads go on"
        faults.disarm()
        written = session.create("accounts", mutation_id="m", id="full", tag="full")
        assert not written.replayed
    crash.check(server.database)


def test_a_checkpoint_that_cannot_truncate_the_log_harms_nobody(faulty):
    server, faults = faulty
    with Session(server, client_id="c") as session:
        kind, error = CHECKPOINT_CASES["truncate-EIO"]
        faults.arm(kind, error, 1, sticky=True)
        session.create("accounts", id="a", tag="a")
        deadline = time.monotonic() + 10
        while not faults.injected and time.monotonic() < deadline:
            time.sleep(0.05)
        assert faults.injected, "nothing was truncated"
        session.create("accounts", id="b", tag="b")
        faults.disarm()
        session.create("accounts", id="c", tag="c")
        assert {row["id"] for row in session.rows("accounts")} == {"a", "b", "c"}
    crash.check(server.database)


@pytest.mark.parametrize("case", START_CASES)
def test_a_start_that_fails_says_why_and_leaves_the_database_whole(
    serve, tmp_path, seeded, record_property, case
):
    kind, error, last = START_CASES[case]
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")
    with Session(server, client_id="c") as session:
        session.create("accounts", id="a", tag="a")
    server.kill()
    faults = Faults(server, tmp_path)
    numbers = list(range(1, last))
    if not os.environ.get("DATASYNC_ALL_FAULTS"):
        numbers = sorted(seeded.sample(numbers, 6))
    ended = 0
    for n in numbers:
        faults.arm(kind, error, n)
        try:
            server.start()
        except AssertionError:
            ended += 1
            code = server.process.returncode
            assert code is not None and 0 < code < 128, f"call {n}: {code}\n{server.log()}"
            assert server.log().strip(), "it does not say why"
        else:
            server.kill()
        faults.disarm()
        server.log_path.unlink()
    server.start()
    with Session(server, client_id="c") as session:
        assert session.get("accounts", "a")["tag"] == "a"
    crash.check(server.database)
    record_property(f"faults at the start, {case}", f"{len(numbers)} injected, {ended} ended it")
