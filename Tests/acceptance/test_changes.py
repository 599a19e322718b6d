"""Long polling: the rpc Changes."""

import threading
import time

import pytest

from errors import refused
from server import until
from session import Change, Session, View, by_id

TABLE = "notes"


@pytest.fixture
def s(own_shop):
    with Session(own_shop, client_id="poller") as session:
        yield session


def poll(server, token, **fields):
    answer = server.unary("Changes", table=fields.pop("table", TABLE), resume_token=token, **fields)
    return [Change(server.contract, change) for change in answer.changes], answer


def test_without_a_token_nothing_but_the_position_comes(own_shop, s):
    written = s.create(TABLE, title="before")
    changes, answer = poll(own_shop, "")
    assert changes == [] and answer.resume_token and answer.sequence >= written.sequence
    assert not answer.more
    began = time.monotonic()
    assert poll(own_shop, "", max_wait=5)[0] == [] and time.monotonic() - began < 2


def test_the_changes_after_a_position_come_as_a_subscription_sends_them(own_shop, s):
    _, start = poll(own_shop, "")
    events = s.subscribe(TABLE, now={}, previous=True)
    events.until_current()
    row = s.create(TABLE, title="a")
    s.update(TABLE, id=row.id, title="b")
    s.delete(TABLE, row.id)
    changes, answer = poll(own_shop, start.resume_token, previous=True)
    assert [vars(c) | {"own": 0} for c in changes] == [
        vars(c) | {"own": 0} for c in events.changes(3)
    ]
    assert not answer.more and answer.sequence == changes[-1].sequence
    assert poll(own_shop, answer.resume_token)[0] == []


def test_it_waits_for_the_first_change_and_no_longer(own_shop, s):
    _, start = poll(own_shop, "")
    threading.Timer(0.4, lambda: s.create(TABLE, title="at last")).start()
    began = time.monotonic()
    changes, answer = poll(own_shop, start.resume_token, max_wait=10)
    waited = time.monotonic() - began
    assert [c.row["title"] for c in changes] == ["at last"] and 0.3 < waited < 5
    began = time.monotonic()
    changes, answer = poll(own_shop, answer.resume_token, max_wait=0.5)
    assert changes == [] and 0.4 < time.monotonic() - began < 3
    assert answer.resume_token


def test_a_change_outside_of_the_view_does_not_end_the_wait(own_shop, s):
    _, start = poll(own_shop, "")
    threading.Timer(0.2, lambda: s.create("authors", name="other")).start()
    threading.Timer(0.5, lambda: s.create(TABLE, title="mine")).start()
    changes, _ = poll(own_shop, start.resume_token, max_wait=10, filter="title eq 'mine'")
    assert [c.row["title"] for c in changes] == ["mine"]


def test_an_answer_is_bounded_and_says_that_more_is_known(own_shop, s):
    _, start = poll(own_shop, "")
    sequences = [s.create(TABLE, title=str(n)).sequence for n in range(25)]
    got, token, rounds = [], start.resume_token, 0
    while True:
        changes, answer = poll(own_shop, token, max_changes=10)
        got += [c.sequence for c in changes]
        token, rounds = answer.resume_token, rounds + 1
        if not answer.more:
            break
        assert len(changes) == 10
    assert got == sequences and rounds == 3


def test_a_commit_is_never_split(own_shop, s):
    _, start = poll(own_shop, "")
    s.create(TABLE, title="single")
    s.call(
        "commit",
        writes=[{"create": {"entity": s.contract.entity(TABLE, title=str(n))}} for n in range(8)],
    )
    s.create(TABLE, title="after")
    sizes, token = [], start.resume_token
    for _ in range(5):
        changes, answer = poll(own_shop, token, max_changes=3)
        sizes.append(len(changes))
        assert not changes[-1].more, "split"
        token = answer.resume_token
        if not answer.more:
            break
    assert sum(sizes) == 10 and max(sizes) >= 8


def test_polling_keeps_a_picture_exact(own_shop, s, seeded):
    view, (_, answer) = View(), poll(own_shop, "")
    token = answer.resume_token
    for _ in range(30):
        for _ in range(seeded.randrange(6)):
            id = f"p{seeded.randrange(8)}"
            s.replace(TABLE, {"allow_missing": True}, id=id, stars=seeded.randrange(6))
        changes, answer = poll(own_shop, token, filter="stars ge 3", max_changes=4)
        view.apply_all(changes)
        token = answer.resume_token
        while answer.more:
            changes, answer = poll(own_shop, token, filter="stars ge 3", max_changes=4)
            view.apply_all(changes)
            token = answer.resume_token
        assert view.of(TABLE) == by_id(s.rows(TABLE, filter="stars ge 3"))


def test_every_table_and_selections_and_own_changes(own_shop, s):
    _, start = poll(own_shop, "", table="")
    s.create(TABLE, title="n", body="b")
    s.create("authors", name="a")
    changes, _ = poll(own_shop, start.resume_token, table="")
    assert [c.table for c in changes] == [TABLE, "authors"]
    changes, _ = poll(own_shop, start.resume_token, select=["body"])
    assert changes[0].row == {"id": changes[0].id, "body": "b"}
    me = [("datasync-client-id", "poller")]
    changes, _ = poll(own_shop, start.resume_token, metadata=me, exclude_own=True)
    assert changes == []
    changes, _ = poll(own_shop, start.resume_token, metadata=me)
    assert changes[0].own and changes[0].origin == "poller"


def test_bad_requests_are_refused(own_shop, s):
    with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
        poll(own_shop, "", table="nothing")
    with refused("INVALID_ARGUMENT", "BAD_FILTER"):
        poll(own_shop, "", filter="title eq")
    with refused("INVALID_ARGUMENT"):
        poll(own_shop, "no token")
    with refused("INVALID_ARGUMENT"):
        poll(own_shop, "", table="", filter="id eq 'x'")
    _, start = poll(own_shop, "")
    with refused("INVALID_ARGUMENT"):
        poll(own_shop, start.resume_token, max_wait=-1)


def test_a_position_survives_a_restart(own_shop):
    _, start = poll(own_shop, "")
    with Session(own_shop) as s:
        s.create(TABLE, title="before the end")
    own_shop.kill()
    own_shop.start()
    changes, _ = poll(own_shop, start.resume_token)
    assert [c.row["title"] for c in changes] == ["before the end"]


def test_an_answer_is_bounded_in_bytes_so_that_a_client_with_its_usual_limit_takes_it(own_shop, s):
    """gRPC clients take 4 MiB unless told otherwise."""
    _, start = poll(own_shop, "")
    body = "x" * 200_000
    ids = [s.send("create", entity=s.contract.entity(TABLE, body=body)) for _ in range(60)]
    sequences = [s.answer(request_id).sequence for request_id in ids]
    got, token, more = [], start.resume_token, True
    while more:
        changes, answer = poll(own_shop, token, max_changes=2**32 - 1)
        assert answer.ByteSize() < 2 << 20
        got += [change.sequence for change in changes]
        token, more = answer.resume_token, answer.more
    assert got == sequences


def test_the_position_advances_where_nothing_is_in_view(own_shop, s):
    _, start = poll(own_shop, "")
    s.create("authors", name="elsewhere")
    written = s.create(TABLE, title="out")
    changes, answer = poll(own_shop, start.resume_token, filter="title eq 'in'")
    assert changes == [] and answer.sequence >= written.sequence and not answer.more
    assert answer.resume_token != start.resume_token
    assert poll(own_shop, answer.resume_token)[0] == []


def test_soft_deletes_come_as_the_view_says(own_shop, s):
    _, start = poll(own_shop, "", table="soft_notes")
    row = s.create("soft_notes", title="t")
    s.delete("soft_notes", row.id)
    changes, _ = poll(own_shop, start.resume_token, table="soft_notes", previous=True)
    assert [c.operation for c in changes] == ["ADD", "DELETE"]
    assert changes[0].previous is None and changes[1].previous == row.row
    changes, _ = poll(own_shop, start.resume_token, table="soft_notes", include_deleted=True)
    assert [c.operation for c in changes] == ["ADD", "UPDATE"]
    assert changes[1].changed_fields == ["deleted"] and changes[1].previous is None


def test_what_is_known_already_is_not_waited_for(own_shop, s):
    _, start = poll(own_shop, "")
    s.create(TABLE, title="there")
    began = time.monotonic()
    changes, _ = poll(own_shop, start.resume_token, max_wait=300)
    assert len(changes) == 1 and time.monotonic() - began < 5


def test_a_wait_beyond_the_most_is_accepted_and_ends_with_a_change(own_shop, s):
    _, start = poll(own_shop, "")
    threading.Timer(0.3, lambda: s.create(TABLE, title="come")).start()
    changes, _ = poll(own_shop, start.resume_token, max_wait=10**8)
    assert [c.row["title"] for c in changes] == ["come"]


def test_a_call_that_is_given_up_disturbs_nobody(own_shop, s):
    _, start = poll(own_shop, "")
    with refused("DEADLINE_EXCEEDED"):
        poll(own_shop, start.resume_token, max_wait=60, timeout=0.3)
    s.create(TABLE, title="after")
    assert len(poll(own_shop, start.resume_token)[0]) == 1


def test_a_token_of_another_history_is_refused(own_shop, serve):
    other = serve("other.db", "--attach", sql="CREATE TABLE notes (id TEXT PRIMARY KEY)")
    token = other.unary("Changes", table=TABLE).resume_token
    with refused("OUT_OF_RANGE", "HISTORY_REPLACED"):
        poll(own_shop, token)


def test_a_token_of_a_subscription_serves_a_poll_and_back(own_shop, s):
    token = s.subscribe(TABLE, now={}).until_current()[-1].resume_token
    first = s.create(TABLE, title="1")
    changes, answer = poll(own_shop, token)
    assert [c.sequence for c in changes] == [first.sequence]
    second = s.create(TABLE, title="2")
    events = s.subscribe(TABLE, resume_token=answer.resume_token).until_current()
    assert [e.sequence for e in events if isinstance(e, Change)] == [second.sequence]


def test_a_table_attached_since_is_too_new_for_the_token(serve):
    server = serve(
        "a.db", "--attach", "--limit", "attach_delay=0s", sql="CREATE TABLE one (id TEXT PRIMARY KEY)"
    )
    tokens = {name: server.unary("Changes", table=name).resume_token for name in ("", "one")}
    server.foreign("CREATE TABLE two (id TEXT PRIMARY KEY)")
    with Session(server) as session:
        session.create("one", id="x")
        until(lambda: len(session.call("describe").tables) == 2, 10, "the table was not attached")
    server.refresh()
    for table in ("", "two"):
        with refused("OUT_OF_RANGE", "HISTORY_COMPACTED"):
            server.unary("Changes", table=table, resume_token=tokens[""])
    changes = server.unary("Changes", table="one", resume_token=tokens["one"]).changes
    assert [change.id for change in changes] == ["x"]
