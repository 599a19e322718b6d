"""Subscriptions: where they begin, what they show, when they speak."""

import threading
import time

import grpc
import pytest

from errors import refused
from session import Change, Checkpoint, Ended, Session, View, by_id

TABLE = "notes"


@pytest.fixture
def s(shop_session):
    return shop_session


@pytest.fixture
def own(own_shop):
    with Session(own_shop, client_id="own") as session:
        yield session


def only_changes(events):
    return [event for event in events if isinstance(event, Change)]


# -- what they are of


@pytest.mark.parametrize("filter, position", [
    ("created_at le now()", 15), ("now() gt updated_at", 1), ("title eq 'é' and year(now()) gt 1", 23),
    ("not (created_at in (2024-01-01) or now() lt created_at)", 36),
])
def test_a_filter_that_time_alone_changes_is_refused(own_shop, own, filter, position):
    """A view is exact at each checkpoint, and only changes come as events; a query may ask for now()."""
    assert own.page(TABLE, filter=filter, count=True).total == 0
    stream = own_shop.stream("Watch", service="tables.NotesTable", filter=filter)
    for attempt in (
        lambda: own.subscribe(TABLE, filter=filter).next(),
        lambda: own.subscribe(TABLE, filter=filter, once=True).next(),
        lambda: own_shop.unary("Changes", table=TABLE, filter=filter),
    ):
        with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
            attempt()
        assert error.metadata["position"] == str(position)
        ((field, description),) = error.violations
        assert field == "filter" and description.startswith(f"at {position}: found now()")
    with pytest.raises(grpc.RpcError) as caught:
        next(stream)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


# -- where they begin


def test_initial_rows_come_in_key_order_with_their_versions_and_then_current(own):
    written = [own.create(TABLE, id=id, title=id) for id in ("c", "a", "é", "b")]
    events = own.subscribe(TABLE).until_current()
    rows = events[:-1]
    assert [e.id for e in rows] == ["a", "b", "c", "é"]
    assert all(e.operation == "ADD" and e.initial and e.table == TABLE for e in rows)
    versions = {w.id: w.sequence for w in written}
    assert {e.id: e.sequence for e in rows} == versions
    assert all(e.row["version"] == e.sequence and not e.changed_fields for e in rows)
    assert all(e.previous is None for e in rows)
    checkpoint = events[-1]
    assert checkpoint.current and checkpoint.resume_token
    assert checkpoint.sequence >= max(versions.values())
    later = own.create(TABLE, id="d", title="d")
    assert later.sequence == checkpoint.sequence + 1


def test_initial_rows_of_many_pages_are_all_there(films_session):
    events = films_session.subscribe("movies", filter="year lt 2000").until_current()
    assert by_id(e.row for e in events[:-1]) == by_id(
        films_session.rows("movies", filter="year lt 2000")
    )


def test_with_now_a_current_checkpoint_comes_at_once_and_then_changes_only(s):
    before = s.create(TABLE, title="before")
    events = s.subscribe(TABLE, now={})
    first = events.next(2)
    assert isinstance(first, Checkpoint) and first.current and first.sequence >= before.sequence
    after = s.create(TABLE, title="after")
    change = events.change()
    assert change.sequence == after.sequence and not change.initial


def test_with_a_resume_token_the_changes_after_it_come_and_then_current(s):
    token = s.subscribe(TABLE, now={}).until_current()[-1].resume_token
    a = s.create(TABLE, title="a")
    s.create("authors", name="not in view")
    b = s.update(TABLE, id=a.id, title="b")
    c = s.delete(TABLE, a.id)
    events = s.subscribe(TABLE, resume_token=token).until_current()
    changes = only_changes(events)
    assert [x.sequence for x in changes] == [a.sequence, b.sequence, c.sequence]
    assert [x.operation for x in changes] == ["ADD", "UPDATE", "DELETE"]
    assert not any(x.initial for x in changes)
    assert changes[0].row == a.row and changes[1].row == b.row and changes[2].row is None
    assert all(isinstance(e, (Change, Checkpoint)) for e in events)


def test_once_ends_ok_after_the_current_checkpoint_in_every_case(s):
    token = s.subscribe(TABLE, now={}).until_current()[-1].resume_token
    s.create(TABLE, title="one more")
    for start in ({}, {"now": {}}, {"resume_token": token}):
        subscription = s.subscribe(TABLE, once=True, **start)
        events = subscription.until_current()
        with pytest.raises(Ended):
            subscription.next()
        assert events[-1].current
        assert bool(only_changes(events)) == ("now" not in start)


def test_an_empty_table_is_current_at_once(own):
    events = own.subscribe("authors").until_current(3)
    assert len(events) == 1


def test_no_change_is_missed_or_doubled_between_the_initial_rows_and_the_tail(own_shop, own):
    for n in range(300):
        own.send("create", entity=own.contract.entity(TABLE, title=str(n)))
    stop = threading.Event()
    done = []

    def write():
        with Session(own_shop) as writer:
            ids = [row["id"] for row in writer.rows(TABLE)]
            n = 0
            while not stop.is_set():
                n += 1
                writer.create(TABLE, title=f"w{n}")
                writer.update(TABLE, id=ids[n % len(ids)], title=f"u{n}")
                if n % 3 == 0:
                    done.append(writer.delete(TABLE, ids.pop(n % len(ids))))
            done.append(writer.create(TABLE, title="last"))

    own.page(TABLE)
    thread = threading.Thread(target=write)
    thread.start()
    try:
        with Session(own_shop) as watcher:
            subscriptions = []
            for _ in range(8):
                subscriptions.append(watcher.subscribe(TABLE, heartbeat_interval=0.1))
                time.sleep(0.05)
            stop.set()
            thread.join(20)
            rows = by_id(watcher.rows(TABLE))
            for subscription in subscriptions:
                view = View().apply_all(subscription.until_sequence(done[-1].sequence))
                assert view.of(TABLE) == rows
    finally:
        stop.set()
        thread.join(20)


# -- checkpoints


def test_checkpoints_come_at_least_every_heartbeat(s):
    events = s.subscribe(TABLE, now={}, heartbeat_interval=0.2)
    events.until_current()
    began = time.monotonic()
    for _ in range(4):
        assert isinstance(events.next(2), Checkpoint)
    assert time.monotonic() - began < 2


def test_checkpoints_come_also_while_changes_do(s, shop):
    events = s.subscribe(TABLE, now={}, heartbeat_interval=0.2)
    events.until_current()
    deadline = time.monotonic() + 1.5
    with Session(shop) as writer:
        while time.monotonic() < deadline:
            last = writer.create(TABLE, title="x").sequence
            time.sleep(0.01)
    checkpoints, sequence = 0, 0
    while sequence < last:
        event = events.next()
        sequence = event.sequence
        checkpoints += isinstance(event, Checkpoint)
    assert checkpoints >= 3


def test_a_heartbeat_below_the_least_is_the_least(s):
    events = s.subscribe(TABLE, now={}, heartbeat_interval=0.001)
    events.until_current()
    time.sleep(1)
    count = len(s.of(events.request_id)) - 1
    assert 4 <= count <= 14, f"{count} checkpoints in a second"


@pytest.mark.parametrize("name", ["heartbeat_interval", "min_interval"])
@pytest.mark.parametrize("seconds", [-1, -0.001])
def test_negative_intervals_are_refused(s, name, seconds):
    with refused("INVALID_ARGUMENT"):
        s.subscribe(TABLE, now={}, **{name: seconds}).next()


def test_the_position_advances_where_nothing_is_in_view(s):
    events = s.subscribe(TABLE, now={}, filter="title eq 'never'", heartbeat_interval=0.1)
    events.until_current()
    written = s.create("authors", name="elsewhere")
    s.create(TABLE, title="not never")
    passed = events.until_sequence(written.sequence + 1, 5)
    assert not only_changes(passed)
    token = passed[-1].resume_token
    assert not only_changes(s.subscribe(TABLE, resume_token=token).until_current())


def test_every_checkpoint_can_be_resumed_from(own):
    events = own.subscribe(TABLE, now={}, heartbeat_interval=0.1)
    checkpoints = events.until_current()
    sequences = []
    for n in range(6):
        sequences.append(own.create(TABLE, title=str(n)).sequence)
        checkpoints += [e for e in events.until_sequence(sequences[-1]) if isinstance(e, Checkpoint)]
    assert len({c.sequence for c in checkpoints}) == 7
    for checkpoint in checkpoints:
        replay = own.subscribe(TABLE, resume_token=checkpoint.resume_token).until_current()
        got = [c.sequence for c in only_changes(replay)]
        assert got == [q for q in sequences if q > checkpoint.sequence]


# -- views


def test_rows_that_come_to_match_enter_and_rows_that_stop_leave(s):
    row = s.create(TABLE, title="view", stars=1)
    events = s.subscribe(
        TABLE, filter=f"stars ge 3 and id eq '{row.id}'", previous=True, now={}
    )
    events.until_current()
    s.update(TABLE, id=row.id, title="still out")
    entered = s.update(TABLE, id=row.id, stars=4)
    change = events.change()
    assert (change.operation, change.sequence, change.row) == ("ADD", entered.sequence, entered.row)
    assert change.previous is None and not change.changed_fields and not change.left_view
    within = s.update(TABLE, id=row.id, stars=5)
    change = events.change()
    assert (change.operation, change.row, change.previous) == ("UPDATE", within.row, entered.row)
    assert change.changed_fields == ["stars"]
    left = s.update(TABLE, id=row.id, stars=2)
    change = events.change()
    assert (change.operation, change.sequence) == ("DELETE", left.sequence)
    assert change.left_view and change.row is None and change.previous == within.row
    assert not change.changed_fields
    s.update(TABLE, id=row.id, stars=0)
    s.update(TABLE, id=row.id, stars=3)
    assert events.change().operation == "ADD"
    deleted = s.delete(TABLE, row.id)
    change = events.change()
    assert (change.operation, change.sequence) == ("DELETE", deleted.sequence)
    assert not change.left_view


def test_a_row_that_leaves_by_null_leaves(s):
    row = s.create(TABLE, title="null", body="b")
    events = s.subscribe(TABLE, filter=f"body eq 'b' and id eq '{row.id}'")
    events.until_current()
    s.update(TABLE, ["body"], id=row.id)
    change = events.change()
    assert change.operation == "DELETE" and change.left_view


def test_a_soft_delete_is_a_plain_delete_without_include_deleted(s):
    events = s.subscribe("soft_notes", now={}, previous=True)
    events.until_current()
    row = s.create("soft_notes", title="soft")
    deleted = s.delete("soft_notes", row.id)
    back = s.update("soft_notes", options={"include_deleted": True}, id=row.id, deleted=False)
    add, gone, again = events.changes(3)
    assert add.operation == "ADD"
    assert (gone.operation, gone.sequence, gone.row) == ("DELETE", deleted.sequence, None)
    assert not gone.left_view and gone.previous == row.row
    assert (again.operation, again.row) == ("ADD", back.row) and again.previous is None


def test_a_soft_delete_is_an_update_with_include_deleted(s):
    events = s.subscribe("soft_notes", now={}, include_deleted=True)
    events.until_current()
    row = s.create("soft_notes", title="soft")
    deleted = s.delete("soft_notes", row.id)
    back = s.update("soft_notes", options={"include_deleted": True}, id=row.id, deleted=False)
    add, gone, again = events.changes(3)
    assert add.row == row.row
    assert (gone.operation, gone.row) == ("UPDATE", deleted.row)
    assert gone.row["deleted"] is True and gone.changed_fields == ["deleted"]
    assert (again.operation, again.row, again.changed_fields) == ("UPDATE", back.row, ["deleted"])


def test_initial_rows_leave_deleted_ones_out_unless_asked_for(own):
    own.create("soft_notes", id="kept", title="x")
    own.create("soft_notes", id="gone", title="x")
    own.delete("soft_notes", "gone")
    seen = lambda **more: [
        e.id for e in only_changes(own.subscribe("soft_notes", **more).until_current())
    ]
    assert seen() == ["kept"]
    assert seen(include_deleted=True) == ["gone", "kept"]


def test_a_change_of_a_deleted_row_is_not_seen_without_include_deleted(s):
    s.create("soft_notes", id="quiet", title="x")
    s.delete("soft_notes", "quiet")
    events = s.subscribe("soft_notes", now={})
    events.until_current()
    s.update("soft_notes", options={"include_deleted": True}, id="quiet", title="y")
    s.create("soft_notes", id="loud", title="x")
    assert events.change().id == "loud"


# -- previous, changed_fields, select


def test_previous_comes_with_update_and_delete_and_never_with_add(s):
    events = s.subscribe(TABLE, now={}, previous=True)
    events.until_current()
    a = s.create(TABLE, title="a")
    b = s.update(TABLE, id=a.id, title="b")
    s.delete(TABLE, a.id)
    add, update, delete = events.changes(3)
    assert add.previous is None and update.previous == a.row and delete.previous == b.row
    quiet = s.subscribe(TABLE, now={})
    quiet.until_current()
    c = s.create(TABLE, title="c")
    s.update(TABLE, id=c.id, title="d")
    assert [x.previous for x in quiet.changes(2)] == [None, None]


def test_changed_fields_name_what_differs_but_not_version_and_updated_at(s):
    row = s.create(TABLE, title="t", body="b")
    events = s.subscribe(TABLE, now={})
    events.until_current()
    s.update(TABLE, id=row.id, title="t", body="c", owner="me")
    assert sorted(events.change().changed_fields) == ["body", "owner"]
    s.update(TABLE, ["body"], id=row.id)
    assert events.change().changed_fields == ["body"]
    s.update(TABLE, id=row.id, body="")
    assert events.change().changed_fields == ["body"], "NULL and empty differ"
    s.delete(TABLE, row.id)
    assert events.change().changed_fields == []


def test_a_change_of_no_selected_field_is_not_sent_but_the_position_advances(s):
    row = s.create(TABLE, title="t", body="b")
    events = s.subscribe(
        TABLE, now={}, select=["title"], previous=True, heartbeat_interval=0.1
    )
    events.until_current()
    unseen = s.update(TABLE, id=row.id, body="c")
    passed = events.until_sequence(unseen.sequence)
    assert not only_changes(passed)
    seen = s.update(TABLE, id=row.id, body="d", title="u")
    change = events.change()
    assert change.sequence == seen.sequence
    assert change.row == {"id": row.id, "title": "u"}
    assert change.previous == {"id": row.id, "title": "t"}
    assert change.changed_fields == ["title"] or set(change.changed_fields) == {"title", "body"}
    added = s.create(TABLE, title="n", body="x")
    assert events.change().row == {"id": added.id, "title": "n"}


@pytest.mark.parametrize("name", ["version", "updated_at"])
def test_a_selection_that_names_version_or_updated_at_sees_every_change(s, name):
    row = s.create(TABLE, title="t", body="b")
    events = s.subscribe(TABLE, now={}, select=["title", name])
    events.until_current()
    for body in ("c", "d"):
        written = s.update(TABLE, id=row.id, body=body)
        change = events.change()
        assert change.sequence == written.sequence
        assert change.row == {"id": row.id, "title": "t", name: written.row[name]}


def test_with_a_selection_rows_still_enter_and_leave_by_other_fields(s):
    row = s.create(TABLE, title="sel", stars=1)
    events = s.subscribe(
        TABLE, now={}, select=["title"], filter=f"stars eq 5 and id eq '{row.id}'"
    )
    events.until_current()
    s.update(TABLE, id=row.id, stars=5)
    s.update(TABLE, id=row.id, stars=1)
    add, delete = events.changes(2)
    assert (add.operation, add.row) == ("ADD", {"id": row.id, "title": "sel"})
    assert delete.operation == "DELETE" and delete.left_view


def test_initial_rows_are_selected_too(own):
    own.create(TABLE, id="x", title="t", body="b")
    first = own.subscribe(TABLE, select=["body"]).next()
    assert first.row == {"id": "x", "body": "b"} and first.initial


# -- own changes


def test_own_marks_the_changes_of_this_client(shop):
    with Session(shop, client_id="alice") as alice, Session(shop, client_id="bob") as bob:
        events = alice.subscribe(TABLE, now={})
        events.until_current()
        alice.create(TABLE, title="a")
        bob.create(TABLE, title="b")
        with Session(shop, client_id="alice") as again:
            again.create(TABLE, title="c")
        got = [(c.origin, c.own) for c in events.changes(3)]
        assert got == [("alice", True), ("bob", False), ("alice", True)]


def test_exclude_own_leaves_out_the_changes_of_this_client_only(shop):
    with Session(shop, client_id="carol") as carol, Session(shop, client_id="dave") as dave:
        events = carol.subscribe(TABLE, now={}, exclude_own=True, heartbeat_interval=0.1)
        events.until_current()
        carol.create(TABLE, title="mine")
        theirs = dave.create(TABLE, title="theirs")
        change = events.change()
        assert (change.sequence, change.own) == (theirs.sequence, False)
        mine = carol.create(TABLE, title="mine")
        assert not only_changes(events.until_sequence(mine.sequence))


def test_an_empty_client_id_is_nobodys_own(shop):
    stream = shop.stream("Subscribe", table=TABLE, now={}, exclude_own=True)
    assert next(stream).checkpoint.current
    shop.unary("Create", entity=shop.contract.entity(TABLE, title="anonymous"))
    change = next(stream).change
    assert not change.own and change.origin == ""
    stream.cancel()


# -- min_interval


def test_min_interval_folds_the_changes_of_a_row_and_ends_with_a_checkpoint(s):
    events = s.subscribe(TABLE, now={}, min_interval=0.5, previous=True)
    events.until_current()
    kept = s.create(TABLE, title="kept")
    kept = s.update(TABLE, id=kept.id, title="kept 2")
    gone = s.create(TABLE, title="added and deleted within")
    s.delete(TABLE, gone.id)
    other = s.create(TABLE, title="other")
    kept = s.update(TABLE, id=kept.id, title="kept 3")
    batch = events.until_sequence(kept.sequence)
    changes = only_changes(batch)
    assert [(c.operation, c.id, c.sequence) for c in changes] == [
        ("ADD", other.id, other.sequence), ("ADD", kept.id, kept.sequence),
    ]
    assert changes[1].row == kept.row and not any(c.more for c in changes)
    assert isinstance(batch[-1], Checkpoint)

    s.update(TABLE, id=kept.id, title="kept 4")
    last = s.delete(TABLE, kept.id)
    twice = s.update(TABLE, id=other.id, title="other 2")
    twice = s.update(TABLE, id=other.id, body="b")
    changes = only_changes(events.until_sequence(twice.sequence))
    assert [(c.operation, c.id, c.sequence) for c in changes] == [
        ("DELETE", kept.id, last.sequence), ("UPDATE", other.id, twice.sequence),
    ]
    assert sorted(changes[1].changed_fields) == ["body", "title"]
    assert changes[1].previous["title"] == "other"


def test_min_interval_keeps_the_view_exact_at_each_checkpoint(own_shop, own, seeded):
    with Session(own_shop) as watcher:
        events = watcher.subscribe(TABLE, min_interval=0.15, filter="stars ge 3")
        view = View()
        ids = [f"k{n}" for n in range(10)]
        last = None
        for n in range(200):
            id = seeded.choice(ids)
            if seeded.random() < 0.25:
                own.send("delete", table=TABLE, id=id)
            else:
                own.send(
                    "replace", allow_missing=True,
                    entity=own.contract.entity(TABLE, id=id, stars=seeded.randrange(6)),
                )
            if n % 40 == 0:
                time.sleep(0.1)
        last = own.create(TABLE, id="last", stars=4)
        view.apply_all(events.until_sequence(last.sequence))
        assert view.of(TABLE) == by_id(own.rows(TABLE, filter="stars ge 3"))


# -- every table


def test_every_table_comes_in_commit_order(own):
    events = own.subscribe("")
    assert not only_changes(events.until_current())
    a = own.create(TABLE, title="a")
    b = own.create("authors", name="b")
    c = own.create("counters", label="c")
    d = own.update(TABLE, id=a.id, title="d")
    changes = events.changes(4)
    assert [(x.table, x.sequence) for x in changes] == [
        (TABLE, a.sequence), ("authors", b.sequence), ("counters", c.sequence), (TABLE, d.sequence),
    ]
    view = View().apply_all(own.subscribe("").until_current())
    assert set(view.rows) == {
        (TABLE, a.id), ("authors", b.id), ("counters", str(c.row["number"])),
    }


@pytest.mark.parametrize("extra", [{"filter": "id eq 'x'"}, {"select": ["id"]}])
def test_every_table_takes_no_filter_and_no_selection(s, extra):
    with refused("INVALID_ARGUMENT"):
        s.subscribe("", now={}, **extra).next()


# -- commits


def test_the_changes_of_a_commit_are_never_split_by_a_checkpoint(own_shop, own):
    with Session(own_shop) as watcher:
        events = watcher.subscribe(TABLE, heartbeat_interval=0.1)
        view = View().apply_all(events.until_current())
        for round in range(40):
            writes = [
                {"create": {"entity": own.contract.entity(TABLE, title=f"{round}.{n}")}}
                for n in range(50)
            ]
            own.send("commit", writes=writes)
        last = own.create(TABLE, title="last")
        # View.apply refuses a checkpoint after a change that says `more`.
        passed = events.until_sequence(last.sequence, 30)
        view.apply_all(passed)
        changes = only_changes(passed)
        assert len(changes) == 2001
        ends = [n for n, c in enumerate(changes) if not c.more]
        assert ends == [50 * k + 49 for k in range(40)] + [2000]


def test_more_speaks_of_this_subscription_only(s):
    notes = s.subscribe(TABLE, now={})
    filtered = s.subscribe(TABLE, now={}, filter="title eq 'first'")
    notes.until_current()
    filtered.until_current()
    s.call(
        "commit",
        writes=[
            {"create": {"entity": s.contract.entity(TABLE, title="first")}},
            {"create": {"entity": s.contract.entity(TABLE, title="second")}},
            {"create": {"entity": s.contract.entity("authors", name="third")}},
        ],
    )
    assert [c.more for c in notes.changes(2)] == [True, False]
    assert filtered.change().more is False


def test_committed_at_is_the_time_of_the_commit(s):
    events = s.subscribe(TABLE, now={})
    events.until_current()
    row = s.create(TABLE, title="when").row
    change = events.change()
    committed = change.committed_at.seconds * 1_000_000 + change.committed_at.nanos // 1000
    assert abs(committed - time.time() * 1_000_000) < 30_000_000
    assert abs(committed - row["updated_at"]) < 5_000_000


# -- as a call of its own


def test_subscribe_as_a_call_gives_the_same_events(shop, s):
    s.create(TABLE, title="there")
    session_events = s.subscribe(TABLE, once=True).until_current()
    call = shop.stream("Subscribe", table=TABLE, once=True)
    changes, checkpoints = [], []
    for event in call:
        if event.HasField("change"):
            changes.append((event.change.id, event.change.sequence, event.change.entity.value))
        else:
            checkpoints.append(event.checkpoint)
    assert call.code().value[0] == 0
    assert [c[:2] for c in changes] == [(e.id, e.sequence) for e in session_events[:-1]]
    assert checkpoints[-1].current


def test_a_subscribe_call_that_is_cancelled_ends(shop, s):
    call = shop.stream("Subscribe", table=TABLE, now={})
    assert next(call).checkpoint.current
    call.cancel()
    assert s.create(TABLE, title="life goes on").sequence


# -- a slow reader


def test_a_subscription_that_is_not_read_for_a_while_misses_nothing(own_shop, own):
    """The reader's windows fill up; then it reads on, and everything is there, in order."""
    text = "x" * 2000
    call = own_shop.channel().unary_stream(
        "/datasync.v1.Datasync/Subscribe",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=own_shop.contract.class_of("datasync.v1.Event").FromString,
    )(
        own_shop.contract.new("datasync.v1.SubscribeRequest", table=TABLE, now={}),
        timeout=60,
    )
    next(call)
    ids = [
        own.send("create", entity=own.contract.entity(TABLE, title=str(n), body=text))
        for n in range(4000)
    ]
    for id in ids:
        own.answer(id, 60)
    last = own.response(ids[-1]).write.sequence
    sequences = []
    for event in call:
        if event.HasField("change"):
            sequences.append(event.change.sequence)
            if sequences[-1] == last:
                break
    assert sequences == list(range(last - 3999, last + 1))
    call.cancel()
