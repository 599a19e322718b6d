"""Writes: versions, masks, deletes, keys, commits, mutation ids."""

import re

import pytest

from errors import refused
from session import Session

UUID_V7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


@pytest.fixture
def s(shop_session):
    return shop_session


def entity(session, table, **values):
    return session.contract.entity(table, **values)


# -- the answer


def test_a_created_row_comes_back_as_stored(s):
    written = s.create("notes", title="Milk", body="two", slug="created-1")
    row = written.row
    assert (row["title"], row["body"], row["stars"], row["slug"]) == ("Milk", "two", 3, "created-1")
    assert row["deleted"] is False and row["version"] == written.sequence > 0
    assert row["created_at"] == row["updated_at"] > 1_600_000_000_000_000
    assert s.get("notes", written.id) == row and not written.replayed


def test_each_write_has_the_next_sequence(s):
    first = s.create("notes", title="a")
    second = s.update("notes", id=first.id, title="b")
    third = s.delete("notes", first.id)
    assert [second.sequence, third.sequence] == [first.sequence + 1, first.sequence + 2]
    assert second.row["version"] == second.sequence
    assert second.row["created_at"] == first.row["created_at"]
    assert second.row["updated_at"] >= first.row["updated_at"]


def test_system_fields_of_an_entity_are_ignored(s):
    written = s.create(
        "notes", title="x", version=99, deleted=True, created_at=1, updated_at=1
    )
    assert written.row["version"] == written.sequence and written.row["deleted"] is False
    assert written.row["created_at"] > 1
    updated = s.update(
        "notes", id=written.id, title="y", version=3, created_at=5, updated_at=5, deleted=True
    )
    assert updated.row["deleted"] is False and updated.row["version"] == updated.sequence
    assert updated.row["created_at"] == written.row["created_at"]
    replaced = s.replace("notes", id=written.id, title="z", created_at=7, deleted=True)
    assert replaced.row["deleted"] is False
    assert replaced.row["created_at"] == written.row["created_at"]


# -- a write that changes nothing


def test_a_write_that_changes_nothing_is_no_change(s):
    written = s.create("notes", title="same", body="b")
    events = s.subscribe("notes", now={}, filter=f"id eq '{written.id}'")
    events.until_current()
    for idle in (
        s.update("notes", id=written.id, title="same"),
        s.update("notes", ["title", "body"], id=written.id, title="same", body="b"),
        s.update("notes", id=written.id),
        s.replace("notes", id=written.id, title="same", body="b"),
    ):
        assert idle.row == written.row and idle.sequence == written.sequence
    changed = s.update("notes", id=written.id, title="other")
    assert changed.sequence == written.sequence + 1, "nothing was logged in between"
    assert events.change().sequence == changed.sequence


def test_a_commit_of_nothing_changed_takes_no_sequence(s):
    written = s.create("notes", title="same")
    update = {"update": {"entity": entity(s, "notes", id=written.id, title="same")}}
    answer = s.call("commit", writes=[update, update])
    assert [part.sequence for part in answer.writes] == [written.sequence] * 2
    assert s.create("notes", title="next").sequence == written.sequence + 1


# -- replace and update


def test_a_replaced_row_has_the_defaults_in_absent_fields(s):
    written = s.create("notes", title="t", body="b", stars=5, slug="replaced", owner="me")
    row = s.replace("notes", id=written.id).row
    assert row["title"] == "untitled" and row["stars"] == 3 and row["owner"] == "nobody"
    assert "body" not in row and "slug" not in row


def test_an_update_without_a_mask_writes_the_fields_that_are_present(s):
    written = s.create("notes", title="t", body="b", stars=5)
    row = s.update("notes", id=written.id, body="").row
    assert (row["title"], row["body"], row["stars"]) == ("t", "", 5)


def test_an_update_with_a_mask_writes_those_fields_and_null_where_absent(s):
    written = s.create("notes", title="t", body="b", stars=5)
    row = s.update("notes", ["body", "stars"], id=written.id, stars=4, title="ignored").row
    assert "body" not in row and row["stars"] == 4 and row["title"] == "t"


def test_null_in_a_column_that_takes_none_is_a_constraint_violation(s):
    written = s.create("notes", title="t")
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        s.update("notes", ["title"], id=written.id)
    assert "title" in str(error.metadata) + error.message
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        s.create("strict_notes", many=1)
    assert "must" in str(error.metadata) + error.message
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION"):
        s.replace("strict_notes", {"allow_missing": True}, id="x")
    assert s.get("notes", written.id) == written.row


def test_a_check_that_fails_is_a_constraint_violation_that_names_the_column(s):
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION") as error:
        s.create("notes", stars=6)
    assert "stars" in str(error.metadata) + error.message + str(error.violations)


@pytest.mark.parametrize(
    "mask",
    [
        ["id"], ["version"], ["created_at"], ["updated_at"], ["deleted"], ["nonsense"], [""],
        ["title", "title"], ["title", "body", "title"], ["title.x"], ["Title"], ["*"],
    ],
)
def test_a_mask_with_a_key_system_unknown_or_repeated_field_is_refused(s, mask):
    written = s.create("notes", title="t")
    with refused("INVALID_ARGUMENT", "BAD_MASK"):
        s.update("notes", mask, id=written.id, title="u")
    assert s.get("notes", written.id) == written.row


def test_a_row_that_is_absent_is_not_found_unless_it_may_be_missing(s):
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.update("notes", id="absent", title="x")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.replace("notes", id="absent", title="x")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.delete("notes", "absent")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.get("notes", "absent")
    made = s.update("notes", options={"allow_missing": True}, id="missing-1", title="made")
    assert made.row["title"] == "made" and made.row["stars"] == 3
    made = s.replace("notes", {"allow_missing": True}, id="missing-2", title="made")
    assert made.row["version"] == made.sequence
    again = s.replace("notes", {"allow_missing": True}, id="missing-2", title="again")
    assert again.row["title"] == "again" and again.row["created_at"] == made.row["created_at"]


# -- if_version


def test_if_version_lets_only_that_version_be_written(s):
    written = s.create("notes", title="v1")
    updated = s.update(
        "notes", options={"if_version": written.sequence}, id=written.id, title="v2"
    )
    for attempt in (
        lambda: s.update(
            "notes", options={"if_version": written.sequence}, id=written.id, title="v3"
        ),
        lambda: s.replace("notes", {"if_version": written.sequence}, id=written.id, title="v3"),
        lambda: s.delete("notes", written.id, if_version=written.sequence),
    ):
        with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
            attempt()
        assert error.row == updated.row, "the stored row comes in the details"
    assert s.delete("notes", written.id, if_version=updated.sequence).sequence


def test_if_version_on_an_absent_row_is_not_found(s):
    for attempt in (
        lambda: s.update("notes", options={"if_version": 5}, id="absent", title="x"),
        lambda: s.replace("notes", {"if_version": 5}, id="absent", title="x"),
        lambda: s.delete("notes", "absent", if_version=5),
    ):
        with refused("NOT_FOUND", "ROW_NOT_FOUND"):
            attempt()


def test_if_version_with_allow_missing_is_refused(s):
    written = s.create("notes", title="x")
    for options in ({"if_version": written.sequence, "allow_missing": True},):
        with refused("INVALID_ARGUMENT"):
            s.update("notes", options=options, id=written.id, title="y")
        with refused("INVALID_ARGUMENT"):
            s.replace("notes", options, id=written.id, title="y")


def test_if_version_is_checked_also_where_nothing_would_change(s):
    written = s.create("notes", title="x")
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH"):
        s.update("notes", options={"if_version": 2**63}, id=written.id, title="x")


# -- deletes


def test_a_hard_delete_removes_the_row_and_answers_with_its_last_image(s):
    written = s.create("notes", title="gone", body="b")
    deleted = s.delete("notes", written.id)
    assert deleted.sequence == written.sequence + 1
    assert {k: deleted.row[k] for k in ("id", "title", "body")} == {
        "id": written.id, "title": "gone", "body": "b",
    }
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.get("notes", written.id, include_deleted=True)
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        s.delete("notes", written.id)
    again = s.create("notes", id=written.id, title="again")
    assert again.row["version"] > deleted.sequence


def test_a_soft_delete_marks_the_row(s):
    written = s.create("soft_notes", title="soft")
    deleted = s.delete("soft_notes", written.id)
    assert deleted.row["deleted"] is True and deleted.row["version"] == deleted.sequence
    assert deleted.row["title"] == "soft"
    with refused("NOT_FOUND", "ROW_DELETED"):
        s.get("soft_notes", written.id)
    assert s.get("soft_notes", written.id, include_deleted=True) == deleted.row
    with refused("NOT_FOUND", "ROW_DELETED"):
        s.delete("soft_notes", written.id)
    with refused("NOT_FOUND", "ROW_DELETED"):
        s.update("soft_notes", id=written.id, title="x")
    with refused("NOT_FOUND", "ROW_DELETED"):
        s.replace("soft_notes", id=written.id, title="x")
    ids = [row["id"] for row in s.rows("soft_notes")]
    assert written.id not in ids
    ids = [row["id"] for row in s.rows("soft_notes", include_deleted=True)]
    assert written.id in ids


def test_replace_with_include_deleted_undeletes_unless_it_says_deleted(s):
    written = s.create("soft_notes", title="soft")
    s.delete("soft_notes", written.id)
    still = s.replace("soft_notes", {"include_deleted": True}, id=written.id, title="t", deleted=True)
    assert still.row["deleted"] is True and still.row["title"] == "t"
    back = s.replace("soft_notes", {"include_deleted": True}, id=written.id, title="u")
    assert back.row["deleted"] is False and s.get("soft_notes", written.id) == back.row
    gone = s.replace("soft_notes", {"include_deleted": True}, id=written.id, title="u", deleted=True)
    assert gone.row["deleted"] is True
    with refused("NOT_FOUND", "ROW_DELETED"):
        s.get("soft_notes", written.id)


def test_update_with_include_deleted_treats_deleted_as_any_other_field(s):
    written = s.create("soft_notes", title="soft")
    s.delete("soft_notes", written.id)
    options = {"include_deleted": True}
    still = s.update("soft_notes", options=options, id=written.id, title="while deleted")
    assert still.row["deleted"] is True and still.row["title"] == "while deleted"
    back = s.update("soft_notes", options=options, id=written.id, deleted=False)
    assert back.row["deleted"] is False and back.row["title"] == "while deleted"
    gone = s.update("soft_notes", ["deleted"], options, id=written.id, deleted=True)
    assert gone.row["deleted"] is True
    back = s.update("soft_notes", ["deleted", "title"], options, id=written.id, title="x", deleted=False)
    assert back.row["deleted"] is False and back.row["title"] == "x"


def test_a_soft_deleted_row_can_be_versioned_like_any_other(s):
    written = s.create("soft_notes", title="soft")
    deleted = s.delete("soft_notes", written.id, if_version=written.sequence)
    options = {"include_deleted": True, "if_version": written.sequence}
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH") as error:
        s.update("soft_notes", options=options, id=written.id, title="x")
    assert error.row == deleted.row
    options["if_version"] = deleted.sequence
    assert s.update("soft_notes", options=options, id=written.id, deleted=False).sequence


# -- keys


def test_the_server_makes_keys_that_rise(s):
    ids = [s.create("notes", title=str(n)).id for n in range(50)]
    assert all(UUID_V7.match(id) for id in ids), ids[0]
    assert ids == sorted(ids) and len(set(ids)) == 50
    assert UUID_V7.match(s.create("notes", id="", title="empty").id)


def test_integer_keys_are_sqlites_next(s):
    first = s.create("counters", label="a").row["number"]
    assert s.create("counters", label="b").row["number"] == first + 1
    given = s.create("counters", number=first + 100, label="c").row
    assert given["number"] == first + 100
    assert s.create("counters", label="d").row["number"] == first + 101
    assert s.get("counters", str(first))["label"] == "a"
    negative = s.create("counters", number=-5, label="negative").row
    assert s.get("counters", "-5") == negative
    changed = s.update("counters", number=first, label="z")
    assert changed.row["label"] == "z"
    s.delete("counters", str(first))
    with refused("NOT_FOUND"):
        s.get("counters", str(first))


def test_the_event_of_an_integer_key_names_it_as_text(s):
    events = s.subscribe("counters", now={})
    events.until_current()
    row = s.create("counters", label="x").row
    assert events.change().id == str(row["number"])


@pytest.mark.parametrize("id", ["abc", "1.5", "", "99999999999999999999", "0x1", " 1"])
def test_a_key_that_is_no_integer_finds_nothing(s, id):
    for attempt in (
        lambda: s.get("counters", id),
        lambda: s.delete("counters", id),
    ):
        try:
            attempt()
        except Exception as error:
            assert error.code in ("NOT_FOUND", "INVALID_ARGUMENT"), error
        else:
            raise AssertionError("found")


@pytest.mark.parametrize("id", ["a", "x" * 255, "é" * 127, "with space", "ünï/co:de 🎬", "%_'\"", "0"])
def test_text_keys_of_1_to_255_bytes_are_taken_as_they_are(s, id):
    written = s.create("authors", id=id, name="n")
    assert written.id == id and s.get("authors", id) == written.row
    assert s.update("authors", id=id, name="m").row["name"] == "m"
    s.delete("authors", id)


@pytest.mark.parametrize("id", ["x" * 256, "é" * 128, "a\nb", "tab\t", "\x7f", "\x01"])
def test_text_keys_that_are_too_long_or_hold_control_characters_are_refused(s, id):
    with refused("INVALID_ARGUMENT"):
        s.create("authors", id=id, name="n")


def test_a_write_without_a_key_is_refused_where_one_is_needed(s):
    with refused("INVALID_ARGUMENT"):
        s.update("notes", title="x")
    with refused("INVALID_ARGUMENT"):
        s.replace("notes", title="x")
    with refused("INVALID_ARGUMENT"):
        s.replace("notes", {"allow_missing": True}, title="x")
    with refused("INVALID_ARGUMENT"):
        s.delete("notes", "")
    with refused("INVALID_ARGUMENT"):
        s.get("notes", "")


# -- what is taken


def test_a_key_that_is_taken_comes_back_with_the_stored_row(s):
    stored = s.create("notes", id="taken", title="first")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        s.create("notes", id="taken", title="second")
    assert error.row == stored.row


def test_a_key_that_is_taken_by_a_soft_deleted_row_comes_back_with_it(s):
    s.create("soft_notes", id="taken", title="first")
    stored = s.delete("soft_notes", "taken")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        s.create("soft_notes", id="taken", title="second")
    assert error.row == stored.row and error.row["deleted"] is True


def test_a_unique_value_that_is_taken_comes_back_with_the_stored_row(s):
    stored = s.create("notes", slug="only-one")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        s.create("notes", slug="only-one")
    assert error.row == stored.row
    other = s.create("notes", slug="another")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        s.update("notes", id=other.id, slug="only-one")
    assert error.row == stored.row


def test_foreign_keys_hold(s):
    with refused("FAILED_PRECONDITION", "FOREIGN_KEY_VIOLATION"):
        s.create("books", title="orphan", author="nobody")
    author = s.create("authors", name="A")
    book = s.create("books", title="B", author=author.id)
    with refused("FAILED_PRECONDITION", "FOREIGN_KEY_VIOLATION"):
        s.delete("authors", author.id)
    with refused("FAILED_PRECONDITION", "FOREIGN_KEY_VIOLATION"):
        s.update("books", id=book.id, author="nobody")
    assert s.get("authors", author.id) == author.row


def test_rows_removed_by_a_cascade_are_seen(s):
    author = s.create("authors", name="A")
    book = s.create("books", author=author.id)
    chapters = {s.create("chapters", book=book.id).id for _ in range(3)}
    events = s.subscribe("chapters", heartbeat_interval=0.1)
    events.until_current()
    s.delete("books", book.id)
    gone = events.changes(3)
    assert {c.operation for c in gone} == {"DELETE"} and {c.id for c in gone} == chapters


def test_generated_columns_are_read_and_never_written(s):
    row = s.create("strict_notes", must="m", many=21).row
    assert row["doubled"] == 42
    row = s.update("strict_notes", id=row["id"], many=5).row
    assert row["doubled"] == 10


# -- commit


def test_an_empty_commit_is_ok_and_changes_nothing(s):
    before = s.create("notes", title="x").sequence
    answer = s.call("commit")
    assert len(answer.writes) == 0 and not answer.replayed
    assert s.create("notes", title="y").sequence == before + 1


def test_a_commit_writes_several_tables_with_consecutive_sequences(s):
    answer = s.call(
        "commit",
        writes=[
            {"create": {"entity": entity(s, "authors", id="com-a", name="A")}},
            {"create": {"entity": entity(s, "books", id="com-b", author="com-a")}},
            {"update": {"entity": entity(s, "authors", id="com-a", name="B")}},
            {"replace": {"entity": entity(s, "authors", id="com-a", name="C")}},
            {"delete": {"table": "books", "id": "com-b"}},
        ],
    )
    sequences = [part.sequence for part in answer.writes]
    assert sequences == list(range(sequences[0], sequences[0] + 5))
    rows = [s.contract.row_of(part.entity) for part in answer.writes]
    assert [rows[n]["name"] for n in (0, 2, 3)] == ["A", "B", "C"]
    assert s.get("authors", "com-a")["version"] == sequences[3]


def test_a_row_may_be_written_more_than_once_in_a_commit_and_each_is_a_change(s):
    events = s.subscribe("notes", now={})
    events.until_current()
    s.call(
        "commit",
        writes=[
            {"create": {"entity": entity(s, "notes", id="thrice", title="1")}},
            {"update": {"entity": entity(s, "notes", id="thrice", title="2")}},
            {"delete": {"table": "notes", "id": "thrice"}},
        ],
    )
    changes = events.changes(3)
    assert [c.operation for c in changes] == ["ADD", "UPDATE", "DELETE"]
    assert [c.more for c in changes] == [True, True, False]
    assert len({c.sequence for c in changes}) == 3


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_commit_with_an_error_changes_nothing_and_says_which_write(s, place):
    writes = [
        {"create": {"entity": entity(s, "notes", id=f"atomic-{place}-{n}", title="x")}}
        for n in range(2)
    ]
    writes.insert(place, {"update": {"entity": entity(s, "notes", id="absent", title="x")}})
    with refused("NOT_FOUND", "ROW_NOT_FOUND") as error:
        s.call("commit", writes=writes)
    assert error.metadata["write_index"] == str(place)
    with refused("NOT_FOUND"):
        s.get("notes", f"atomic-{place}-0")


def test_every_error_of_a_write_in_a_commit_says_which(s):
    good = {"create": {"entity": entity(s, "notes", title="x")}}
    for bad, code in (
        ({"create": {"entity": s.contract.any("tables.Nothing", b"")}}, "INVALID_ARGUMENT"),
        ({"create": {"entity": entity(s, "notes", stars=9)}}, "INVALID_ARGUMENT"),
        ({"delete": {"table": "nothing", "id": "x"}}, "NOT_FOUND"),
        ({"create": {}}, "INVALID_ARGUMENT"),
        ({}, "INVALID_ARGUMENT"),
        (
            {"update": {"entity": entity(s, "notes", id="x"), "update_mask": {"paths": ["id"]}}},
            "INVALID_ARGUMENT",
        ),
        (
            {"create": {"entity": entity(s, "notes", title="x"), "mutation_id": "inside"}},
            "INVALID_ARGUMENT",
        ),
    ):
        with refused(code) as error:
            s.call("commit", writes=[good, bad, good])
        assert error.metadata.get("write_index") == "1", f"{bad}: {error.metadata}"


def test_a_commit_is_seen_as_one_in_a_subscription_of_all_tables(s):
    events = s.subscribe("", now={})
    events.until_current()
    s.call(
        "commit",
        writes=[
            {"create": {"entity": entity(s, "authors", id="one-commit", name="A")}},
            {"create": {"entity": entity(s, "notes", title="N")}},
            {"create": {"entity": entity(s, "counters", label="C")}},
        ],
    )
    changes = events.changes(3)
    assert [c.table for c in changes] == ["authors", "notes", "counters"]
    assert [c.more for c in changes] == [True, True, False]
    assert len({c.committed_at.ToNanoseconds() for c in changes}) == 1


# -- mutation ids


def test_a_write_with_a_mutation_id_happens_once(shop):
    with Session(shop, client_id="once") as s:
        events = s.subscribe("notes", now={})
        events.until_current()
        first = s.create("notes", mutation_id="m1", title="once")
        s.update("notes", id=first.id, title="changed since")
        again = s.create("notes", mutation_id="m1", title="once")
        assert again.replayed and not first.replayed
        assert (again.row, again.sequence) == (first.row, first.sequence)
        assert [c.operation for c in events.changes(2)] == ["ADD", "UPDATE"]
        assert events.is_silent()


def test_a_mutation_id_counts_also_after_a_restart_and_for_every_kind_of_write(own_shop):
    def all_kinds(s):
        contract = s.contract
        return [
            s.create("notes", mutation_id="c", id="x", title="1"),
            s.update("notes", options={"mutation_id": "u"}, id="x", title="2"),
            s.replace("notes", {"mutation_id": "r"}, id="x", title="3"),
            s.delete("notes", "x", mutation_id="d"),
        ], s.call(
            "commit",
            writes=[{"create": {"entity": contract.entity("notes", id="y", title="4")}}],
            mutation_id="commit",
        )

    with Session(own_shop, client_id="once") as s:
        first, committed = all_kinds(s)
    own_shop.kill()
    own_shop.start()
    with Session(own_shop, client_id="once") as s:
        again, recommitted = all_kinds(s)
        assert all(written.replayed for written in again) and recommitted.replayed
        assert [w.row for w in again] == [w.row for w in first]
        assert [w.sequence for w in again] == [w.sequence for w in first]
        assert [w.sequence for w in recommitted.writes] == [w.sequence for w in committed.writes]


def test_pipelined_repeats_of_one_mutation_happen_once(shop):
    with Session(shop, client_id="piped") as s:
        message = {"entity": entity(s, "notes", title="piped"), "mutation_id": "p"}
        answers = [s.answer(id) for id in [s.send("create", **message) for _ in range(20)]]
        assert [a.replayed for a in answers] == [False] + [True] * 19
        assert len({a.sequence for a in answers}) == 1


def test_a_failed_write_is_tried_anew_when_repeated(shop):
    with Session(shop, client_id="retry") as s:
        attempt = lambda: s.update("notes", options={"mutation_id": "m"}, id="later", title="x")
        with refused("NOT_FOUND"):
            attempt()
        s.create("notes", id="later", title="there now")
        assert not attempt().replayed
        assert attempt().replayed


def test_an_empty_commit_counts_as_any_other_under_its_mutation_id(s):
    first = s.call("commit", mutation_id="nothing")
    assert not first.replayed
    again = s.call("commit", mutation_id="nothing")
    assert again.replayed and len(again.writes) == 0
    with refused("INVALID_ARGUMENT", "MUTATION_ID_REUSED"):
        s.create("notes", mutation_id="nothing", title="something")


def test_a_mutation_id_with_another_request_is_refused(shop):
    with Session(shop, client_id="reuse") as s:
        written = s.create("notes", mutation_id="m", title="one")
        for attempt in (
            lambda: s.create("notes", mutation_id="m", title="two"),
            lambda: s.create("authors", mutation_id="m", name="one"),
            lambda: s.delete("notes", written.id, mutation_id="m"),
            lambda: s.call(
                "commit", mutation_id="m",
                writes=[{"create": {"entity": entity(s, "notes", title="one")}}],
            ),
        ):
            with refused("INVALID_ARGUMENT", "MUTATION_ID_REUSED"):
                attempt()


def test_mutation_ids_have_1_to_64_bytes(s):
    assert s.create("notes", mutation_id="x" * 64, title="x").sequence
    for id in ("x" * 65, "é" * 33):
        with refused("INVALID_ARGUMENT"):
            s.create("notes", mutation_id=id, title="x")
        with refused("INVALID_ARGUMENT"):
            s.call("commit", mutation_id=id)


def test_mutation_ids_belong_to_the_client_id(shop):
    def create(*metadata):
        return shop.unary(
            "Create", metadata=metadata, mutation_id="scoped",
            entity=shop.contract.entity("notes", title="scoped"),
        )

    first = create(("datasync-client-id", "one"))
    assert not create(("datasync-client-id", "two")).replayed
    again = create(("datasync-client-id", "one"))
    assert again.replayed and again.sequence == first.sequence
    with Session(shop, client_id="one") as session:
        assert session.create("notes", mutation_id="scoped", title="scoped").replayed
    # Without a client id, all callers share a scope.
    assert not create().replayed
    assert create().replayed


# -- tables and types


def test_an_unknown_table_is_not_found(s):
    for attempt in (
        lambda: s.get("nothing", "x"),
        lambda: s.delete("nothing", "x"),
        lambda: s.page("nothing"),
        lambda: s.call("describe", table="nothing"),
        lambda: s.subscribe("nothing").next(),
        lambda: s.get("sqlite_master", "x"),
        lambda: s.page("NOTES' --"),
    ):
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            attempt()


def test_the_servers_own_tables_are_no_tables_of_the_caller(shop, s):
    served = {table.name for table in s.call("describe").tables}
    in_the_file = {
        name for (name,) in shop.foreign("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    for name in in_the_file - served:
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            s.page(name)


def test_an_entity_of_an_unknown_type_is_refused(s):
    for name in ("tables.Nothing", "google.protobuf.Empty", "datasync.v1.Change", "Notes", ""):
        with refused("INVALID_ARGUMENT", "UNKNOWN_TYPE"):
            s.call("create", entity=s.contract.any(name, b""))


def test_a_missing_entity_is_refused(s):
    for kind in ("create", "replace", "update"):
        with refused("INVALID_ARGUMENT"):
            s.call(kind)


def test_what_stands_before_the_last_slash_of_a_type_url_does_not_count(s):
    value = s.contract.row("notes", title="prefixed").SerializeToString()
    for prefix in ("type.googleapis.com/", "example.com/some/where/", "/"):
        answer = s.call("create", entity=s.contract.any("tables.Notes", value, prefix))
        assert answer.entity.type_url.endswith("/tables.Notes")


def test_fields_that_the_server_does_not_know_are_passed_over(s):
    value = s.contract.row("notes", title="newer").SerializeToString() + b"\x82\x7d\x03abc"
    answer = s.call("create", entity=s.contract.any("tables.Notes", value))
    assert s.contract.row_of(answer.entity)["title"] == "newer"
