"""min_interval: net changes, in batches; and heartbeats beside them."""

import threading
import time

import pytest

from session import Change, Checkpoint, Ended, Session

TABLE = "notes"


@pytest.fixture
def s(shop):
    with Session(shop, client_id="me") as session:
        yield session


@pytest.fixture
def other(shop):
    with Session(shop, client_id="other") as session:
        yield session


def watch(session, table=TABLE, interval=1.5, **fields):
    """The interval begins now, and is long enough for the writes of a test; no heartbeat helps out."""
    events = session.subscribe(
        table, now={}, min_interval=interval, heartbeat_interval=300, **fields
    )
    events.until_current()
    return events


def batch(events, sequence):
    """The changes up to the checkpoint at or past the sequence."""
    passed = events.until_sequence(sequence)
    assert isinstance(passed[-1], Checkpoint)
    changes = [event for event in passed if isinstance(event, Change)]
    assert not any(change.more for change in changes)
    assert len(passed) == len(changes) + 1, "one batch"
    return changes


def kinds(changes):
    return [(c.operation, c.id) for c in changes]


def test_a_row_that_enters_and_leaves_within_is_not_seen(s):
    row = s.create(TABLE, stars=1)
    events = watch(s, filter=f"stars eq 5 and owner ne 'x' and id ge '{row.id}'")
    s.update(TABLE, id=row.id, stars=5)
    s.update(TABLE, id=row.id, title="still in")
    last = s.update(TABLE, id=row.id, stars=1)
    assert batch(events, last.sequence) == []


def test_a_row_that_changes_and_leaves_is_one_delete(s):
    row = s.create(TABLE, title="first", stars=5)
    events = watch(s, filter=f"stars eq 5 and id eq '{row.id}'", previous=True)
    s.update(TABLE, id=row.id, title="second")
    last = s.update(TABLE, id=row.id, stars=1)
    (change,) = batch(events, last.sequence)
    assert (change.operation, change.sequence, change.left_view) == ("DELETE", last.sequence, True)
    assert change.previous == row.row, "the row as the view last showed it"


def test_a_row_removed_and_made_anew_is_one_update(s):
    row = s.create(TABLE, title="old", body="same")
    events = watch(s, previous=True)
    s.delete(TABLE, row.id)
    last = s.create(TABLE, id=row.id, title="new", body="same")
    (change,) = batch(events, last.sequence)
    assert (change.operation, change.row, change.previous) == ("UPDATE", last.row, row.row)
    assert "title" in change.changed_fields and "body" not in change.changed_fields


def test_a_soft_delete_and_its_undoing_fold_too(s):
    row = s.create("soft_notes", title="t")
    plain, deep = watch(s, "soft_notes"), watch(s, "soft_notes", include_deleted=True)
    s.delete("soft_notes", row.id)
    undelete = {"include_deleted": True}
    last = s.update("soft_notes", options=undelete, id=row.id, deleted=False, title="u")
    for events in (plain, deep):
        (change,) = batch(events, last.sequence)
        assert (change.operation, change.row) == ("UPDATE", last.row)
        assert change.changed_fields == ["title"]


def test_a_change_taken_back_touches_no_selected_field(s):
    row = s.create(TABLE, title="t")
    events = watch(s, select=["title"])
    s.update(TABLE, id=row.id, title="u")
    last = s.update(TABLE, id=row.id, title="t", body="b")
    assert batch(events, last.sequence) == []


def test_commits_are_not_seen_apart_and_rows_come_by_their_last_change(s):
    events = watch(s)
    entity = s.contract.entity
    writes = [{"create": {"entity": entity(TABLE, title=str(n))}} for n in range(4)]
    first = s.call("commit", writes=writes)
    ids = [s.contract.row_of(w.entity)["id"] for w in first.writes]
    s.update(TABLE, id=ids[1], title="later")
    last = s.update(TABLE, id=ids[0], title="last")
    changes = batch(events, last.sequence)
    assert kinds(changes) == [("ADD", ids[n]) for n in (2, 3, 1, 0)]
    sequences = [c.sequence for c in changes]
    assert sequences == sorted(sequences)


def test_exclude_own_leaves_out_rows_that_nobody_else_touched(s, other):
    mine, both = s.create(TABLE, title="mine"), s.create(TABLE, title="both")
    events = watch(s, exclude_own=True)
    s.update(TABLE, id=mine.id, title="mine 2")
    s.update(TABLE, id=both.id, title="both 2")
    last = other.update(TABLE, id=both.id, title="both 3")
    changes = batch(events, last.sequence)
    assert [(c.id, c.own, c.origin) for c in changes] == [(both.id, False, "other")]


def test_batches_come_no_faster_than_the_interval(s, shop):
    """However much is written; each ends with a checkpoint."""
    interval, seconds = 0.5, 2.5
    events = watch(s, interval=interval)
    began = time.monotonic()
    with Session(shop) as writer:
        while time.monotonic() < began + seconds:
            last = writer.create(TABLE, title="x").sequence
    passed = events.until_sequence(last)
    took = time.monotonic() - began
    checkpoints = [event for event in passed if isinstance(event, Checkpoint)]
    assert 1 <= len(checkpoints) <= took / interval + 1, (len(checkpoints), took)
    assert len(passed) > len(checkpoints)


def test_nothing_changes_nothing_comes_but_heartbeats(s):
    events = s.subscribe(
        TABLE, now={}, filter="title eq 'never'", min_interval=0.2, heartbeat_interval=300
    )
    events.until_current()
    assert events.is_silent(0.7)
    assert len(s.of(events.request_id)) == 1
    often = s.subscribe(TABLE, now={}, min_interval=300, heartbeat_interval=0.1)
    first = often.until_current()[-1]
    s.create(TABLE, title="waits for the interval")
    beats = [often.next() for _ in range(3)]
    assert all(isinstance(beat, Checkpoint) for beat in beats)
    # The view is exact at each: none may stand past what has not been shown.
    assert {beat.sequence for beat in beats} == {first.sequence}
    replay = s.subscribe(TABLE, resume_token=beats[-1].resume_token).until_current()
    assert any(isinstance(event, Change) for event in replay)


@pytest.mark.parametrize("start", ["rows", "now", "token"])
def test_once_ends_with_the_current_checkpoint_also_with_an_interval(s, start):
    token = s.subscribe(TABLE, now={}).until_current()[-1].resume_token
    row = s.create(TABLE, title="t")
    s.update(TABLE, id=row.id, title="u")
    fields = {"rows": {}, "now": {"now": {}}, "token": {"resume_token": token}}[start]
    events = s.subscribe(TABLE, once=True, min_interval=60, **fields)
    passed = events.until_current()
    with pytest.raises(Ended, match="status OK"):
        events.next()
    mine = [e for e in passed if isinstance(e, Change) and e.id == row.id]
    assert len(mine) == (0 if start == "now" else 1)
    if start == "token":
        assert mine[0].operation == "ADD" and mine[0].row["title"] == "u", "folded"


def test_every_table_folds_too(s):
    events = watch(s, "")
    author = s.create("authors", name="a")
    note = s.create(TABLE, title="n")
    s.delete("authors", author.id)
    last = s.update(TABLE, id=note.id, title="m")
    assert kinds(batch(events, last.sequence)) == [("ADD", note.id)]


def test_a_heartbeat_longer_than_the_most_is_accepted(s):
    events = s.subscribe(TABLE, now={}, heartbeat_interval=10**9)
    assert events.until_current()[-1].current


def test_checkpoints_come_during_a_replay_in_which_nothing_matches(own_shop):
    """From a token with much behind it: the position advances, and heartbeats say so or it is over."""
    with Session(own_shop, client_id="w") as session:
        token = session.subscribe(TABLE, now={}).until_current()[-1].resume_token
        stop = threading.Event()

        def write():
            with Session(own_shop) as writer:
                while not stop.is_set():
                    writer.create(TABLE, title="other")

        thread = threading.Thread(target=write)
        thread.start()
        try:
            events = session.subscribe(
                TABLE, resume_token=token, filter="title eq 'never'", heartbeat_interval=0.1
            )
            passed = events.until_current()
            beats = events.until_sequence(passed[-1].sequence + 1)
            assert not any(isinstance(event, Change) for event in passed + beats)
        finally:
            stop.set()
            thread.join(20)
