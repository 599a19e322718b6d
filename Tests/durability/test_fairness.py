"""Sessions take turns at the writer: one that sends much does not hold up another's single write."""

import pytest

import crash
from errors import Refused
from server import until
from session import Session

FLOOD = 1000
COMMIT_WRITES = 4000


@pytest.fixture
def locked(serve):
    """A server whose writer waits for another program's lock, so that requests pile up."""
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")
    other = server.sqlite()
    other.execute("BEGIN IMMEDIATE")
    yield server, other
    if other.in_transaction:
        other.execute("ROLLBACK")
    other.close()


def entity(session, id):
    return session.contract.entity("accounts", id=id, tag=id)


def answered(session, ids):
    return sum(1 for id in ids if session.of(id))


def test_a_single_write_does_not_wait_for_a_thousand_of_another_session(locked):
    server, other = locked
    with Session(server, client_id="flood") as flood, Session(server, client_id="one") as one:
        floods = [flood.send("create", entity=entity(flood, f"f{n:04}")) for n in range(FLOOD)]
        # They have arrived: what the session sends after them is answered.
        flood.call("describe")
        single = one.send("create", entity=entity(one, "single"))
        one.call("describe")
        other.execute("COMMIT")
        sequence = one.answer(single).sequence
        sequences = [flood.answer(id, 60).sequence for id in floods]
    before = sum(1 for each in sequences if each < sequence)
    # The batch at the writer's hands when the lock was held, and its turn in the next one.
    assert before <= 512 + 1, f"{before} of {FLOOD} writes of the other session came before it"
    assert sequences == sorted(sequences), "a session's own order is kept"


def test_a_single_write_does_not_wait_for_the_large_commits_of_another_session(locked):
    server, other = locked
    with Session(server, client_id="flood") as flood, Session(server, client_id="one") as one:
        commits = []
        for number in range(4):
            writes = [
                {"create": {"entity": entity(flood, f"c{number}.{n}")}}
                for n in range(COMMIT_WRITES)
            ]
            commits.append(flood.send("commit", writes=writes))
        flood.call("describe")
        single = one.send("create", entity=entity(one, "single"))
        one.call("describe")
        other.execute("COMMIT")
        sequence = one.answer(single, 60).sequence
        lasts = [flood.answer(id, 120).writes[-1].sequence for id in commits]
    assert sum(1 for last in lasts if last < sequence) <= 1, "more than the commit at work came first"


def test_a_full_queue_is_said_with_a_delay_and_nothing_of_it_is_lost(serve):
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach", start=False)
    server.environment = {"DATASYNC_LIMITS": "queued-writes=8"}
    server.start()
    other = server.sqlite()
    other.execute("BEGIN IMMEDIATE")
    try:
        with Session(server, client_id="c") as session:
            ids = [session.send("create", entity=entity(session, f"q{n:02}")) for n in range(40)]
            until(lambda: answered(session, ids), 10, "nothing is refused")
            session.call("describe")
            refused = [id for id in ids if session.of(id)]
            other.execute("COMMIT")
            accepted = [id for id in ids if id not in refused]
            assert all(session.answer(id).sequence for id in accepted)
            # One is in the writer's hands.
            assert 8 <= len(accepted) <= 9 + 8 and refused
            for id in refused:
                with pytest.raises(Refused) as caught:
                    session.answer(id)
                error = caught.value
                assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "WRITE_QUEUE_FULL")
                assert error.metadata["limit"] == "max_queued_writes"
                delay = error.retry.retry_delay
                assert 0 < delay.seconds + delay.nanos / 1e9 <= 5
            assert len(session.rows("accounts")) == len(accepted)
            # It takes writes again.
            assert session.create("accounts", id="again", tag="again").sequence
    finally:
        other.close()
    server.stop()
