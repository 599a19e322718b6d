"""What the log no longer holds: whoever needs it is told so, and never served with a gap."""

import pytest

from errors import refused
from session import Session, View, by_id

TABLE = "notes"
LOG_BYTES = 40_000
SQL = "CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, body TEXT);"
BODY = "x" * 500


@pytest.fixture
def short(serve):
    """A server whose log holds some dozens of changes."""
    return serve("short.db", "--attach", "--max-log-bytes", LOG_BYTES, sql=SQL)


@pytest.fixture
def s(short):
    with Session(short, client_id="c") as session:
        yield session


def write(session, count, start=0):
    ids = [
        session.send("create", entity=session.contract.entity(TABLE, id=f"r{n:05}", body=BODY))
        for n in range(start, start + count)
    ]
    return [session.answer(request_id, 60).sequence for request_id in ids]


def token_now(session, table=TABLE):
    return session.subscribe(table, now={}).until_current()[-1].resume_token


def assert_too_old(session, token, since, table=TABLE, **fields):
    with refused("OUT_OF_RANGE", "HISTORY_COMPACTED") as error:
        session.subscribe(table, resume_token=token, **fields).next()
    assert int(error.metadata["oldest"]) > since
    return int(error.metadata["oldest"])


@pytest.mark.parametrize("fields", [{}, {"filter": "id eq 'r00001'"}, {"min_interval": 0.2}])
def test_a_token_from_before_the_log_is_refused(s, fields):
    token = token_now(s)
    sequences = write(s, 300)
    assert_too_old(s, token, sequences[0], **fields)
    assert s.create(TABLE, id="the session goes on").sequence > sequences[-1]


def test_a_token_within_the_log_is_served_whole(s):
    write(s, 300)
    token = token_now(s)
    later = write(s, 10, start=300)
    events = s.subscribe(TABLE, resume_token=token).until_current()
    assert [e.sequence for e in events if hasattr(e, "operation")] == later


def test_the_bound_that_is_named_is_the_bound(s):
    """A token at `oldest` is served, and the changes after it are all there."""
    tokens, sequences = {}, []
    watched = s.subscribe(TABLE, now={}, heartbeat_interval=0.1)
    first = watched.until_current()[-1]
    for n in range(150):
        sequences += write(s, 1, start=n)
        checkpoint = watched.until_sequence(sequences[-1])[-1]
        tokens[checkpoint.sequence] = checkpoint.resume_token
    oldest = assert_too_old(s, first.resume_token, first.sequence)
    served = s.subscribe(TABLE, resume_token=tokens[oldest]).until_current()
    got = [e.sequence for e in served if hasattr(e, "operation")]
    assert got == [q for q in sequences if q > oldest]


def test_it_is_refused_after_a_restart_too_and_by_every_way_in(short):
    with Session(short) as session:
        token, all_tables = token_now(session), token_now(session, "")
        sequences = write(session, 300)
    assert short.terminate() == 0
    short.start()
    with Session(short) as session:
        assert_too_old(session, token, sequences[0])
        assert_too_old(session, all_tables, sequences[0], table="")
    with refused("OUT_OF_RANGE", "HISTORY_COMPACTED") as error:
        short.unary("Changes", table=TABLE, resume_token=token)
    assert int(error.metadata["oldest"]) > sequences[0]


def test_a_subscription_that_rests_past_the_log_ends_and_shows_no_gap(short, s):
    """Its interval is longer than what the log keeps of it."""
    with Session(short) as watcher:
        events = watcher.subscribe(TABLE, now={}, min_interval=5)
        events.until_current()
        sequences = write(s, 400)
        with refused("OUT_OF_RANGE", "HISTORY_COMPACTED") as error:
            while True:
                event = events.next(20)
                # Checkpoints may come, and a batch before the writes went past the log's end.
                assert event.sequence < sequences[-1]
        assert int(error.metadata["oldest"]) > sequences[0]
        # Anew, with the rows as they are.
        view = View().apply_all(watcher.subscribe(TABLE).until_current())
        assert view.of(TABLE) == by_id(watcher.rows(TABLE))


def test_initial_rows_are_exact_while_the_log_is_trimmed_beneath_them(short, s, seeded):
    """Rows as they were at one position, though the log that would tell may be gone: exact, or refused."""
    write(s, 1200)
    with Session(short) as watcher:
        for _ in range(3):
            events = watcher.subscribe(TABLE)
            first = events.next()
            changed = [
                s.send(
                    "replace", allow_missing=True, entity=s.contract.entity(
                        TABLE, id=f"r{seeded.randrange(1300):05}", body=BODY[:seeded.randrange(500)]))
                for _ in range(100)
            ]
            last = s.answer(changed[-1], 60).sequence
            view = View().apply(first)
            with allowing_compaction():
                view.apply_all(events.until_sequence(last, 60))
                assert view.of(TABLE) == by_id(watcher.rows(TABLE))


class allowing_compaction:
    """Of what ends with an error, only that one."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        return getattr(error, "reason", None) == "HISTORY_COMPACTED"
