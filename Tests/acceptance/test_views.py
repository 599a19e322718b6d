"""What exactly a view makes of a change: soft deletes, selections, commits, own changes."""

import pytest

from session import Change, Session, View

TABLE, SOFT = "notes", "soft_notes"
UNDELETE = {"include_deleted": True}


@pytest.fixture
def s(shop):
    with Session(shop, client_id="me") as session:
        yield session


@pytest.fixture
def other(shop):
    with Session(shop, client_id="other") as session:
        yield session


def watch(session, table, **fields):
    events = session.subscribe(table, now={}, **fields)
    events.until_current()
    return events


def only_changes(events):
    return [event for event in events if isinstance(event, Change)]


def kinds(changes):
    return [(c.operation, c.id, c.left_view) for c in changes]


# -- soft deletes


def test_a_row_that_is_deleted_and_stops_matching_at_once_has_not_left_the_view(s):
    """left_view is for rows that still exist, undeleted."""
    row = s.create(SOFT, title="match")
    plain = watch(s, SOFT, filter=f"title eq 'match' and id eq '{row.id}'")
    deep = watch(s, SOFT, filter=f"title eq 'match' and id eq '{row.id}'", include_deleted=True)
    gone = s.update(SOFT, options=UNDELETE, id=row.id, title="other", deleted=True)
    for events in (plain, deep):
        change = events.change()
        assert (change.operation, change.sequence) == ("DELETE", gone.sequence)
        assert not change.left_view and change.row is None


def test_a_deleted_row_leaves_a_view_that_includes_deleted_ones_without_left_view(s):
    row = s.create(SOFT, title="match")
    s.delete(SOFT, row.id)
    events = watch(s, SOFT, filter=f"title eq 'match' and id eq '{row.id}'", include_deleted=True)
    s.update(SOFT, options=UNDELETE, id=row.id, title="other")
    s.update(SOFT, options=UNDELETE, id=row.id, title="match")
    s.update(SOFT, options=UNDELETE, id=row.id, title="other", deleted=False)
    leaves, enters, again = events.changes(3)
    assert (leaves.operation, leaves.left_view) == ("DELETE", False)
    assert enters.operation == "ADD" and enters.row["deleted"] is True
    assert (again.operation, again.left_view) == ("DELETE", True), "it exists, undeleted"


def test_an_undelete_into_what_does_not_match_is_not_seen(s):
    row = s.create(SOFT, title="match")
    s.delete(SOFT, row.id)
    events = watch(s, SOFT, filter=f"title eq 'match' and id eq '{row.id}'", heartbeat_interval=0.1)
    quiet = s.update(SOFT, options=UNDELETE, id=row.id, title="other", deleted=False)
    assert not only_changes(events.until_sequence(quiet.sequence))
    enters = s.update(SOFT, id=row.id, title="match")
    change = events.change()
    assert (change.operation, change.sequence) == ("ADD", enters.sequence)


def test_a_view_may_speak_of_deleted_itself(s):
    row = s.create(SOFT, title="t")
    events = watch(s, SOFT, filter=f"deleted eq true and id eq '{row.id}'", include_deleted=True)
    deleted = s.delete(SOFT, row.id)
    s.update(SOFT, options=UNDELETE, id=row.id, deleted=False)
    enters, leaves = events.changes(2)
    assert (enters.operation, enters.row) == ("ADD", deleted.row)
    assert (leaves.operation, leaves.left_view) == ("DELETE", True)


def test_a_replace_undeletes_and_the_row_comes_into_view(s):
    row = s.create(SOFT, title="t")
    s.delete(SOFT, row.id)
    plain, deep = watch(s, SOFT), watch(s, SOFT, include_deleted=True)
    back = s.replace(SOFT, UNDELETE, id=row.id, title="u")
    assert (plain.change().operation, deep.change().operation) == ("ADD", "UPDATE")
    assert back.row["deleted"] is False


# -- selections


def test_a_soft_delete_is_of_the_field_deleted(s):
    """With include_deleted it is an UPDATE that touches `deleted`, and sent to who selects that."""
    row = s.create(SOFT, title="t")
    without = watch(s, SOFT, select=["title"], include_deleted=True, heartbeat_interval=0.1)
    with_it = watch(s, SOFT, select=["deleted"], include_deleted=True)
    plain = watch(s, SOFT, select=["body"])
    gone = s.delete(SOFT, row.id)
    assert not only_changes(without.until_sequence(gone.sequence))
    change = with_it.change()
    assert change.changed_fields == ["deleted"]
    assert change.row == {"id": row.id, "deleted": True}
    assert plain.change().operation == "DELETE", "leaving is no matter of the selection"


def test_previous_is_selected_as_the_row_is(s):
    row = s.create(TABLE, title="a", body="b", stars=4)
    events = watch(s, TABLE, select=["title"], previous=True, filter=f"stars eq 4 and id eq '{row.id}'")
    s.update(TABLE, id=row.id, title="c", body="d")
    s.update(TABLE, id=row.id, stars=1)
    update, leaves = events.changes(2)
    assert update.previous == {"id": row.id, "title": "a"}
    assert update.row == {"id": row.id, "title": "c"}
    assert leaves.left_view and leaves.previous == {"id": row.id, "title": "c"}


def test_a_selection_of_the_key_alone_tells_of_coming_and_going_only(s):
    events = watch(s, TABLE, select=["id"], heartbeat_interval=0.1)
    row = s.create(TABLE, title="a")
    s.update(TABLE, id=row.id, title="b")
    gone = s.delete(TABLE, row.id)
    changes = only_changes(events.until_sequence(gone.sequence))
    assert [c.operation for c in changes] == ["ADD", "DELETE"]
    assert changes[0].row == {"id": row.id}


@pytest.mark.parametrize("fields", [{}, {"select": ["title", "version"]}])
def test_changed_fields_are_never_version_or_updated_at(s, fields):
    row = s.create(TABLE, title="a")
    events = watch(s, TABLE, **fields)
    s.update(TABLE, id=row.id, title="b", stars=1)
    assert sorted(events.change().changed_fields) == ["stars", "title"]


# -- commits


def commit(session, *writes):
    entity = session.contract.entity
    made = []
    for kind, values in writes:
        if kind == "delete":
            made.append({"delete": {"table": TABLE, "id": values["id"]}})
        else:
            made.append({kind: {"entity": entity(TABLE, **values)}})
    return [w.sequence for w in session.call("commit", writes=made).writes]


def test_a_row_removed_and_made_anew_within_a_commit_goes_and_comes(s):
    row = s.create(TABLE, title="a")
    events = watch(s, TABLE, previous=True)
    sequences = commit(
        s, ("update", {"id": row.id, "title": "b"}), ("delete", {"id": row.id}),
        ("create", {"id": row.id, "title": "c"}),
    )
    changes = events.changes(3)
    assert [c.sequence for c in changes] == sequences
    assert [c.operation for c in changes] == ["UPDATE", "DELETE", "ADD"]
    assert [c.more for c in changes] == [True, True, False]
    assert [c.previous and c.previous["title"] for c in changes] == ["a", "b", None]
    assert len({(c.committed_at.seconds, c.committed_at.nanos) for c in changes}) == 1


def test_more_ends_with_the_last_change_that_is_sent(s):
    """What a view, a selection or exclude_own leaves out of a commit does not keep it open."""
    row = s.create(TABLE, title="a", stars=5)
    events = watch(s, TABLE, filter="stars eq 5", select=["title"])
    commit(
        s, ("create", {"title": "in", "stars": 5}), ("update", {"id": row.id, "title": "b"}),
        ("update", {"id": row.id, "body": "unselected"}), ("create", {"title": "out", "stars": 1}),
    )
    assert [c.more for c in events.changes(2)] == [True, False]
    assert events.checkpoint().sequence > 0


# -- own changes


def test_a_session_that_never_opened_has_its_own_changes_too(shop):
    with Session(shop) as anonymous:
        events = watch(anonymous, TABLE, heartbeat_interval=0.1)
        without = watch(anonymous, TABLE, exclude_own=True, heartbeat_interval=0.1)
        written = anonymous.create(TABLE, title="mine")
        assert events.change().own
        assert not only_changes(without.until_sequence(written.sequence))


def test_exclude_own_holds_in_a_replay_and_spares_initial_rows(s, other):
    token = watch(s, TABLE).session.subscribe(TABLE, now={}).until_current()[-1].resume_token
    mine, theirs = s.create(TABLE, title="mine"), other.create(TABLE, title="theirs")
    replayed = only_changes(s.subscribe(TABLE, resume_token=token, exclude_own=True).until_current())
    assert [c.id for c in replayed] == [theirs.id]
    rows = only_changes(s.subscribe(TABLE, exclude_own=True).until_current())
    assert {mine.id, theirs.id} <= {c.id for c in rows}, "initial rows are the rows as they are"


def test_unary_callers_of_one_client_id_are_one_client(shop, s):
    events = watch(s, TABLE)
    entity = shop.contract.entity(TABLE, title="by a call")
    shop.unary("Create", metadata=[("datasync-client-id", "me")], entity=entity)
    change = events.change()
    assert change.own and change.origin == "me"


# -- every table


def test_a_commit_over_tables_is_one_commit_to_who_watches_all(s):
    events, notes = watch(s, ""), watch(s, TABLE)
    entity = s.contract.entity
    answer = s.call(
        "commit",
        writes=[
            {"create": {"entity": entity(TABLE, title="a")}},
            {"create": {"entity": entity(SOFT, title="b")}},
            {"create": {"entity": entity("authors", name="c")}},
        ],
    )
    changes = events.changes(3)
    assert [c.table for c in changes] == [TABLE, SOFT, "authors"]
    assert [c.more for c in changes] == [True, True, False]
    assert [c.sequence for c in changes] == [w.sequence for w in answer.writes]
    assert notes.change().more is False


def test_every_table_knows_soft_deletes_own_changes_and_resumes(s, other):
    events = watch(s, "", exclude_own=True, previous=True)
    deep = watch(s, "", include_deleted=True)
    s.create(TABLE, title="mine")
    row = other.create(SOFT, title="theirs")
    other.delete(SOFT, row.id)
    add, gone = events.changes(2)
    assert (add.operation, gone.operation) == ("ADD", "DELETE")
    assert gone.previous == row.row and not gone.left_view
    seen = deep.changes(3)
    assert [c.operation for c in seen] == ["ADD", "ADD", "UPDATE"] and seen[0].own
    token = events.checkpoint().resume_token
    last = other.create("authors", name="later")
    again = only_changes(s.subscribe("", resume_token=token).until_current())
    assert again[-1].sequence == last.sequence


def test_the_picture_of_every_table_is_a_replica(own_shop, seeded):
    """Enough to build a copy from: rows, then changes of all tables in the order of commits."""
    with Session(own_shop, client_id="w") as writer, Session(own_shop) as watcher:
        writer.create(TABLE, id="before", title="x")
        events = watcher.subscribe("")
        view = View().apply_all(events.until_current())
        last = 0
        for n in range(120):
            table = seeded.choice([TABLE, SOFT, "authors"])
            id = f"k{seeded.randrange(8)}"
            if seeded.random() < 0.25:
                try:
                    last = writer.delete(table, id).sequence
                except Exception as error:
                    assert getattr(error, "code", "") == "NOT_FOUND", error
            else:
                values = {"name": str(n)} if table == "authors" else {"title": str(n)}
                options = {"allow_missing": True, "include_deleted": True}
                last = writer.replace(table, options, id=id, **values).sequence
        view.apply_all(events.until_sequence(last))
        for table in (TABLE, SOFT, "authors"):
            assert view.of(table) == {row["id"]: row for row in writer.rows(table)}, table
