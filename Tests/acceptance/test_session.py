"""The session: request ids, cancel, open, half-close."""

import time

import grpc
import pytest

from errors import Refused, check, refused
from session import Ended, Session, View, by_id


def test_a_request_id_in_use_is_answered_under_id_0_and_what_runs_goes_on(shop, shop_session):
    running = shop_session.subscribe("notes", now={})
    running.until_current()
    shop_session.send("get", request_id=running.request_id, table="notes", id="x")
    error = check(shop_session.session_status(), "INVALID_ARGUMENT", "REQUEST_ID_IN_USE")
    assert error.metadata["request_id"] == str(running.request_id)
    written = shop_session.create("notes", title="still running")
    assert running.change().sequence == written.sequence


def test_an_id_may_be_used_again_once_its_request_is_answered(shop_session):
    for count in range(1, 4):
        shop_session.send("describe", request_id=77, table="notes")
        shop_session.wait(
            lambda log: True if sum(r.request_id == 77 for r in log) == count else None
        )
    subscription = shop_session.subscribe("notes", now={})
    subscription.until_current()
    shop_session.cancel(subscription.request_id)
    shop_session.send("describe", request_id=subscription.request_id, table="notes")
    shop_session.wait(
        lambda log: next((True for r in log if r.HasField("describe")), None), what="describe"
    )
    assert not any(r.request_id == 0 for r in shop_session.log)


def test_request_id_0_is_refused_under_id_0(shop_session):
    shop_session.send("describe", request_id=0)
    check(shop_session.session_status(), "INVALID_ARGUMENT", "BAD_REQUEST_ID")
    assert shop_session.call("describe").tables


def test_the_largest_request_id_works(shop_session):
    shop_session.send("describe", request_id=2**64 - 1, table="notes")
    assert shop_session.answer(2**64 - 1).tables[0].name == "notes"


def test_bytes_that_are_no_message_are_answered_under_id_0_and_the_stream_lives(shop_session):
    for index, garbage in enumerate([b"\xff\xff\xff", b"\x08", b"\x12\xff\x01a", b"\x00\x00"]):
        shop_session.send_raw(garbage)
        check(
            shop_session.session_status(index), "INVALID_ARGUMENT", "MALFORMED_MESSAGE"
        )
        assert shop_session.call("describe", table="notes").tables


def test_after_16_malformed_messages_the_next_ends_the_call(shop_session):
    for _ in range(16):
        shop_session.send_raw(b"\xff\xff\xff")
    shop_session.session_status(15)
    assert shop_session.call("describe", table="notes").tables
    shop_session.send_raw(b"\xff\xff\xff")
    check(shop_session.ended(), "INVALID_ARGUMENT")


def test_a_unary_call_with_bytes_that_are_no_message_is_internal(shop):
    for method in ("Get", "Create", "Query", "Commit", "Describe"):
        with refused("INTERNAL"):
            shop.raw_unary(f"/datasync.v1.Datasync/{method}", b"\xff\xff\xff")


def test_an_empty_oneof_is_refused_under_its_id(shop, shop_session):
    shop_session.send_raw(shop.contract.new("datasync.v1.SessionRequest", request_id=9))
    with refused("INVALID_ARGUMENT"):
        shop_session.answer(9)
    # A request that only a later contract knows: field 100.
    shop_session.send_raw(b"\x08\x0a\xa2\x06\x00")
    with refused("INVALID_ARGUMENT"):
        shop_session.answer(10)
    assert shop_session.call("describe").tables


def test_unknown_fields_in_a_request_are_passed_over(shop, shop_session):
    request = shop_session.request("describe", 5, table="notes").SerializeToString()
    shop_session.send_raw(request + b"\xa2\x06\x03abc")
    assert shop_session.answer(5).tables[0].name == "notes"


def test_of_two_requests_in_one_message_the_last_counts(shop_session):
    message = shop_session.request("get", 6, table="notes", id="x").SerializeToString()
    message += shop_session.request("describe", 6, table="notes").SerializeToString()
    shop_session.send_raw(message)
    assert shop_session.answer(6).tables[0].name == "notes"


# -- cancel


def test_a_cancelled_subscription_ends_ok_and_then_the_cancel_is_answered_ok(shop_session):
    subscription = shop_session.subscribe("notes", now={})
    subscription.until_current()
    own = shop_session.send_cancel(subscription.request_id)
    assert shop_session.answer(own).code == 0
    order = [
        r.request_id for r in shop_session.log
        if r.HasField("status") and r.request_id in (own, subscription.request_id)
    ]
    assert order == [subscription.request_id, own]
    with pytest.raises(Ended):
        while True:
            subscription.next()
    shop_session.create("notes", title="after the cancel")
    time.sleep(0.2)
    last = shop_session.of(subscription.request_id)[-1]
    assert last.HasField("status"), "something followed the final status"


def test_cancelling_what_does_not_run_is_not_found(shop_session):
    with refused("NOT_FOUND", "REQUEST_NOT_FOUND"):
        shop_session.cancel(4711)
    done = shop_session.send("describe", table="notes")
    shop_session.answer(done)
    with refused("NOT_FOUND", "REQUEST_NOT_FOUND"):
        shop_session.cancel(done)
    with refused("NOT_FOUND", "REQUEST_NOT_FOUND"):
        shop_session.cancel(0)


def test_cancelling_a_query_ends_it_cancelled_or_comes_too_late(films_session):
    """Whichever is first: one final answer, and a cancel that agrees with it."""
    for _ in range(20):
        query = films_session.send(
            "query", table="movies", count=True, page_size=1,
            filter="contains(concat(title, toupper(title)), 'the')",
        )
        cancel = films_session.send_cancel(query)
        try:
            films_session.answer(cancel)
            came_in_time = True
        except Refused as error:
            check(error, "NOT_FOUND", "REQUEST_NOT_FOUND")
            came_in_time = False
        answers = films_session.of(query)
        assert len(answers) == 1
        if came_in_time:
            assert answers[0].status.code == grpc.StatusCode.CANCELLED.value[0]
        else:
            assert answers[0].HasField("query")


# -- open


def test_open_tells_who_and_where_the_session_is(shop):
    with Session(shop, client_id="tester") as session:
        opened = session.opened
        assert opened.client_id == "tester" and opened.session_id and opened.history_id
        assert opened.principal == ""
        assert abs(opened.server_time.seconds - time.time()) < 30
        written = session.create("notes", title="x")
        assert written.sequence > opened.sequence
        with Session(shop, client_id="tester") as second:
            assert second.opened.session_id != opened.session_id
            assert second.opened.history_id == opened.history_id
            assert second.opened.sequence >= written.sequence


def test_open_twice_or_after_another_request_is_refused(shop, shop_session):
    with Session(shop, client_id="a") as session:
        with refused("FAILED_PRECONDITION", "SESSION_ALREADY_OPEN"):
            session.call("open", client_id="a")
        assert session.call("describe").tables
    shop_session.call("describe")
    with refused("FAILED_PRECONDITION", "SESSION_ALREADY_OPEN"):
        shop_session.call("open", client_id="late")
    assert shop_session.call("describe").tables


def test_a_client_id_has_at_most_64_bytes(shop):
    with Session(shop) as session:
        with refused("INVALID_ARGUMENT"):
            session.call("open", client_id="x" * 65)
    with Session(shop) as session:
        with refused("INVALID_ARGUMENT"):
            session.call("open", client_id="é" * 33)
    with Session(shop, client_id="x" * 64) as session:
        assert session.opened.client_id == "x" * 64


def test_a_session_without_a_client_id_has_a_random_one(shop):
    with Session(shop) as watcher:
        events = watcher.subscribe("notes", now={})
        events.until_current()
        origins = []
        for _ in range(2):
            with Session(shop) as session:
                session.create("notes", title="whose?")
                origins.append(events.change().origin)
        assert all(origins) and origins[0] != origins[1]
    with Session(shop, client_id="") as session:
        assert session.opened.client_id


def test_the_client_id_is_the_origin_of_changes_and_unary_calls_name_it_in_metadata(shop):
    with Session(shop, client_id="me") as session:
        events = session.subscribe("notes", now={})
        events.until_current()
        session.create("notes", title="mine")
        change = events.change()
        assert (change.origin, change.own) == ("me", True)
        entity = shop.contract.entity("notes", title="unary")
        shop.unary("Create", entity=entity)
        change = events.change()
        assert (change.origin, change.own) == ("", False)
        shop.unary("Create", metadata=[("datasync-client-id", "me")], entity=entity)
        change = events.change()
        assert (change.origin, change.own) == ("me", True)
        shop.unary("Create", metadata=[("datasync-client-id", "you")], entity=entity)
        change = events.change()
        assert (change.origin, change.own) == ("you", False)


# -- half-close


def test_after_a_half_close_every_answer_still_comes_and_then_the_call_ends_ok(shop_session):
    ids = [
        shop_session.send("create", entity=shop_session.contract.entity("notes", title=str(n)))
        for n in range(200)
    ]
    shop_session.half_close()
    assert shop_session.ended() is None
    assert [r.request_id for r in shop_session.log] == ids
    assert all(r.HasField("write") for r in shop_session.log)


def test_a_session_without_a_request_that_is_half_closed_ends_ok(shop_session):
    shop_session.half_close()
    assert shop_session.ended() is None and shop_session.log == []


def test_a_half_close_ends_no_subscription(shop):
    with Session(shop, timeout=3) as watcher, Session(shop) as writer:
        events = watcher.subscribe("notes", now={})
        events.until_current()
        watcher.half_close()
        time.sleep(0.2)
        written = [writer.create("notes", title=str(n)) for n in range(3)]
        assert [c.sequence for c in events.changes(3)] == [w.sequence for w in written]
        assert watcher.outcome is None
        check(watcher.ended(), "DEADLINE_EXCEEDED")


def test_a_half_closed_session_ends_ok_with_its_last_subscription(shop):
    with Session(shop) as session:
        session.subscribe("notes", once=True)
        session.half_close()
        assert session.ended() is None
        assert session.log[-1].HasField("status") and session.log[-1].status.code == 0


# -- authentication is not part of this version


def test_authenticate_is_answered_and_the_session_goes_on(shop_session):
    with refused("UNIMPLEMENTED"):
        shop_session.call("authenticate", token="secret")
    assert shop_session.call("describe").tables


# -- many at once


def test_a_thousand_pipelined_requests_are_answered_once_each_and_writes_in_order(own_shop):
    with Session(own_shop) as session:
        sent = {}
        for number in range(1000):
            match number % 5:
                case 0 | 1 | 2:
                    entity = session.contract.entity("notes", id=f"n{number}", title=str(number))
                    sent[session.send("create", entity=entity)] = "write"
                case 3:
                    # A read sees every earlier write of its session.
                    sent[session.send("get", table="notes", id=f"n{number - 1}")] = "get"
                case 4:
                    sent[session.send("query", table="notes", count=True, page_size=1)] = "query"
        session.wait(lambda log: True if len(log) >= 1000 else None, seconds=60)
        time.sleep(0.1)
        assert len(session.log) == 1000
        assert {r.request_id: r.WhichOneof("response") for r in session.log} == sent
        writes = [r for r in session.log if r.HasField("write")]
        assert [r.request_id for r in writes] == sorted(r.request_id for r in writes)
        sequences = [r.write.sequence for r in writes]
        assert sequences == list(range(sequences[0], sequences[0] + 600))
        for response in session.log:
            if response.HasField("query"):
                # Ids begin at 1; the query at position p comes after 3/5 of p writes.
                assert response.query.total >= (response.request_id // 5) * 3


def test_more_requests_in_flight_than_the_bound_are_not_refused(own_shop):
    count = 3000
    with Session(own_shop) as session:
        for number in range(count):
            session.send("create", entity=session.contract.entity("notes", title=f"{number}"))
        session.wait(lambda log: True if len(log) >= count else None, seconds=90)
        assert all(r.HasField("write") for r in session.log)
        assert [r.request_id for r in session.log] == list(range(1, count + 1))


def test_a_read_sees_every_earlier_write_of_its_session(shop_session):
    contract = shop_session.contract
    for number in range(50):
        id = f"rw{number}"
        # Whether a read also sees what was sent after it is left open.
        shop_session.send("create", entity=contract.entity("notes", id=id, title="a"))
        shop_session.send("update", entity=contract.entity("notes", id=id, title="b"))
        read = shop_session.send("get", table="notes", id=id)
        found = shop_session.send("query", table="notes", filter=f"id eq '{id}'", count=True)
        assert contract.row_of(shop_session.answer(read).entity)["title"] == "b"
        assert shop_session.answer(found).total == 1
        shop_session.send("delete", table="notes", id=id)
        read = shop_session.send("get", table="notes", id=id)
        with refused("NOT_FOUND", "ROW_NOT_FOUND"):
            shop_session.answer(read)


def test_a_subscription_sees_every_earlier_write_of_its_session(shop_session):
    contract = shop_session.contract
    shop_session.send("create", entity=contract.entity("notes", id="before-sub", title="a"))
    events = shop_session.subscribe("notes", filter="id eq 'before-sub'")
    initial = events.until_current()
    assert [e.id for e in initial[:-1]] == ["before-sub"] and initial[0].initial


def test_a_failed_request_fails_alone_in_a_pipeline(shop_session):
    contract = shop_session.contract
    good = [shop_session.send("create", entity=contract.entity("notes", title="good"))]
    bad = shop_session.send("create", entity=contract.entity("notes", title="bad", stars=99))
    good.append(shop_session.send("create", entity=contract.entity("notes", title="good")))
    first, second = (shop_session.answer(id) for id in good)
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION"):
        shop_session.answer(bad)
    assert second.sequence == first.sequence + 1, "the failed write took no sequence"


def test_many_sessions_share_one_connection(shop):
    channel = shop.channel()
    sessions = [Session(shop, channel=channel) for _ in range(50)]
    try:
        subscriptions = [session.subscribe("authors", now={}) for session in sessions]
        for subscription in subscriptions:
            subscription.until_current()
        written = sessions[7].create("authors", name="everyone's")
        for subscription in subscriptions:
            assert subscription.change().sequence == written.sequence
    finally:
        for session in sessions:
            session.close()


def test_two_subscriptions_of_one_session_do_not_mix(shop_session):
    notes = shop_session.subscribe("notes", now={})
    authors = shop_session.subscribe("authors", now={})
    for subscription in (notes, authors):
        subscription.until_current()
    a = shop_session.create("authors", name="one")
    b = shop_session.create("notes", title="two")
    assert [notes.change().sequence, authors.change().sequence] == [b.sequence, a.sequence]
    shop_session.cancel(notes.request_id)
    c = shop_session.create("authors", name="three")
    assert authors.change().sequence == c.sequence


def test_a_picture_kept_from_many_pipelined_writes_is_exact(own_shop, seeded):
    with Session(own_shop) as session, Session(own_shop) as watcher:
        events = watcher.subscribe("notes", heartbeat_interval=0.1, filter="stars ge 3")
        view = View().apply_all(events.until_current())
        ids = [f"k{n}" for n in range(20)]
        for _ in range(600):
            id = seeded.choice(ids)
            entity = session.contract.entity(
                "notes", id=id, stars=seeded.randrange(6), title=str(seeded.randrange(3))
            )
            if seeded.random() < 0.2:
                session.send("delete", table="notes", id=id)
            else:
                session.send("replace", entity=entity, allow_missing=True)
        last = session.create("notes", id="last", stars=5)
        view.apply_all(events.until_sequence(last.sequence))
        assert view.of("notes") == by_id(session.rows("notes", filter="stars ge 3"))
