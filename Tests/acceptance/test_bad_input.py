"""Whatever comes in is answered with the right code, and hurts nobody else."""

import os
import socket

import pytest

from errors import check, refused
from raw import RawConnection, framed
from server import until
from session import Session

SESSION = "/datasync.v1.Datasync/Session"
TABLE = "notes"


@pytest.fixture
def s(shop_session):
    return shop_session


@pytest.fixture
def bystander(shop):
    """Another session with a subscription, which must not notice anything."""
    with Session(shop, client_id="bystander") as session:
        events = session.subscribe(TABLE, now={}, filter="owner eq 'bystander'")
        events.until_current()
        yield session
        written = session.create(TABLE, title="still here", owner="bystander")
        assert events.change().sequence == written.sequence
        assert session.outcome is None


def still_works(session):
    assert session.call("describe", table=TABLE).tables[0].name == TABLE


# -- names and types; more of them in the files of their promises


def test_an_unknown_table_says_which(s, bystander):
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as error:
        s.page("no_such_table")
    assert "no_such_table" in error.message
    still_works(s)


def test_an_entity_of_an_unknown_type_says_which(s, bystander):
    with refused("INVALID_ARGUMENT", "UNKNOWN_TYPE") as error:
        s.call("create", entity=s.contract.any("tables.NoSuchType", b""))
    assert "tables.NoSuchType" in error.message
    still_works(s)


def test_a_missing_id_says_so(s, bystander):
    for attempt in (
        lambda: s.get(TABLE, ""), lambda: s.delete(TABLE, ""), lambda: s.update(TABLE, title="x"),
        lambda: s.replace(TABLE, title="x"),
    ):
        with refused("INVALID_ARGUMENT") as error:
            attempt()
        assert "id" in error.message.lower() or "key" in error.message.lower()
    still_works(s)


# -- bytes


GARBAGE = [
    b"\xff" * 100, b"\x00", b"\x0a", b"\x08", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x22\x05abc", b"\x0b\x0c", b"\x0f", b"\x22\xff\xff\xff\xff\x0f",
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda b: b[:8].hex())
def test_bytes_that_are_no_protobuf_are_answered_and_the_stream_lives(s, bystander, garbage):
    s.send_raw(garbage)
    check(s.session_status(), "INVALID_ARGUMENT", "MALFORMED_MESSAGE")
    still_works(s)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda b: b[:8].hex())
def test_a_row_that_is_no_protobuf_is_refused(s, bystander, garbage):
    for kind in ("create", "update", "replace"):
        with refused("INVALID_ARGUMENT") as error:
            s.call(kind, entity=s.contract.any("tables.Notes", garbage))
        assert error.reason
    still_works(s)


def test_random_bytes_never_hurt(shop, s, bystander, seeded):
    """Valid requests with some bytes changed: each gets an answer, or the call ends in order."""
    good = s.request("create", 7, entity=s.contract.entity(TABLE, title="t", body="b"))
    good = good.SerializeToString()
    for _ in range(150):
        data = bytearray(good)
        for _ in range(seeded.randrange(1, 4)):
            data[seeded.randrange(len(data))] = seeded.randrange(256)
        with refused_or_answered():
            shop.raw_unary("/datasync.v1.Datasync/Create", bytes(data[4:]))
    still_works(s)


class refused_or_answered:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            return True
        assert getattr(error, "code", None) in (
            "INTERNAL", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS",
        ), error
        return True


def test_invalid_utf_8_in_a_request_is_refused(s, bystander):
    # SessionRequest{request_id: 9, query{table: "\xff\xfe"}}
    s.send_raw(b"\x08\x09\x4a\x04\x0a\x02\xff\xfe")
    found = s.wait(lambda log: next((r for r in log if r.HasField("status")), None))
    assert found.status.code == 3 and found.request_id in (0, 9)
    still_works(s)


def test_invalid_utf_8_in_a_row_is_refused_with_the_field(s, bystander):
    value = b"\x32\x02\xff\xfe"  # title = field 6
    with refused("INVALID_ARGUMENT") as error:
        s.call("create", entity=s.contract.any("tables.Notes", value))
    assert "title" in error.message and "UTF-8" in error.message
    for value in (b"\x0a\x02\xff\xfe", b"\x32\x03\xed\xa0\x80", b"\x32\x02\xc0\x80"):
        with refused("INVALID_ARGUMENT"):
            s.call("create", entity=s.contract.any("tables.Notes", value))
    still_works(s)


def test_a_string_with_a_nul_is_refused_and_never_cut_short(s, bystander):
    s.replace("authors", {"allow_missing": True}, id="a", name="the row a")
    with refused("INVALID_ARGUMENT") as error:
        s.create(TABLE, title="a\0b")
    assert "title" in error.message
    with refused("INVALID_ARGUMENT"):
        s.create("authors", id="a\0b", name="x")
    for attempt in (
        lambda: s.get("authors", "a\0b"), lambda: s.delete("authors", "a\0b"),
        lambda: s.get("authors\0", "a"), lambda: s.page("authors\0x"),
        lambda: s.page("authors", select=["name\0"]), lambda: s.page("authors", order_by="name\0"),
        lambda: s.page("authors", filter="name eq 'x'\0 or true"),
        lambda: s.update("authors", ["name\0"], id="a", name="y"),
    ):
        with refused(("INVALID_ARGUMENT", "NOT_FOUND")):
            attempt()
    assert s.get("authors", "a")["name"] == "the row a"
    still_works(s)


# -- depth and size


def test_json_10_000_deep_is_answered(types_session):
    for document in ("[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000, "[" * 10_000):
        try:
            types_session.create("everything", doc=document)
        except Exception as error:
            assert error.code == "INVALID_ARGUMENT", error
    assert types_session.create("everything", doc="[]").sequence


def test_messages_nested_10_000_deep_are_answered(s, bystander):
    nested = b""
    for _ in range(10_000):
        size, prefix = len(nested), b""
        while size > 127:
            prefix, size = prefix + bytes([size & 0x7F | 0x80]), size >> 7
        nested = b"\x0a" + prefix + bytes([size]) + nested
    groups = b"\x0b" * 10_000 + b"\x0c" * 10_000
    for data in (nested, groups):
        for kind in ("create", "update", "replace"):
            with refused("INVALID_ARGUMENT"):
                s.call(kind, entity=s.contract.any("tables.Notes", data))
        s.send_raw(b"\x08\x63" + data)
        s.wait(lambda log: next((r for r in log if r.HasField("status") and r.request_id in (0, 99)), None))
        still_works(s)


def test_numbers_at_the_edge_are_answered(s, bystander):
    written = s.create(TABLE, title="edge")
    with refused("FAILED_PRECONDITION", "VERSION_MISMATCH"):
        s.delete(TABLE, written.id, if_version=2**64 - 1)
    answer = s.call("get", table=TABLE, id=written.id, unless_version=2**64 - 1)
    assert not answer.not_modified
    assert s.page(TABLE, skip=2**32 - 1).rows == []
    assert s.page(TABLE, top=2**32 - 1, page_size=2**32 - 1).rows
    assert s.create("counters", number=2**63 - 1, label="last").row["number"] == 2**63 - 1
    s.delete("counters", str(2**63 - 1))
    assert s.create("counters", number=-(2**63), label="first").row["number"] == -(2**63)
    s.delete("counters", str(-(2**63)))
    with refused("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION"):
        s.create(TABLE, stars=2**63 - 1)
    still_works(s)


def test_a_key_past_the_last_integer_is_an_error_not_a_crash(own_shop):
    with Session(own_shop) as s:
        s.create("counters", number=2**63 - 1)
        # SQLite then looks for a free key at random.
        try:
            row = s.create("counters", label="after the last").row
            assert row["number"] != 2**63 - 1
        except Exception as error:
            assert error.code in ("RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "INVALID_ARGUMENT")
        assert s.page("counters").rows


def test_a_message_over_the_limit_ends_its_call_and_no_other(shop, bystander):
    channel = shop.channel()
    with Session(shop, channel=channel) as big, Session(shop, channel=channel) as neighbour:
        still_works(neighbour)
        big.send("create", entity=big.contract.entity(TABLE, body="x" * (5 << 20)))
        check(big.ended(), "RESOURCE_EXHAUSTED")
        still_works(neighbour)
    with refused("RESOURCE_EXHAUSTED"):
        shop.unary("Create", entity=shop.contract.entity(TABLE, body="x" * (5 << 20)))
    big = shop.unary("Create", entity=shop.contract.entity(TABLE, body="x" * (3 << 20)))
    id = shop.contract.row_of(big.entity)["id"]
    answer = shop.unary("Get", table=TABLE, id=id)
    assert len(shop.contract.row_of(answer.entity)["body"]) == 3 << 20
    shop.unary("Delete", table=TABLE, id=id)


def test_a_length_that_lies_is_refused_before_its_bytes_come(shop, bystander):
    raw = RawConnection(shop.address)
    stream = raw.begin("/datasync.v1.Datasync/Describe")
    raw.send(stream, framed(b"", length=2**31))
    assert raw.status(stream) == 8
    again = raw.begin("/datasync.v1.Datasync/Describe")
    raw.send(again, framed(b""), end=True)
    assert raw.status(again) == 0
    raw.close()


# -- clients that misbehave


def test_a_client_that_vanishes_in_mid_message_hurts_nobody(shop, bystander):
    request = shop.contract.new(
        "datasync.v1.SessionRequest", request_id=1,
        create={"entity": shop.contract.entity(TABLE, title="half", body="x" * 50_000)},
    ).SerializeToString()
    for index in range(20):
        raw = RawConnection(shop.address)
        stream = raw.begin(SESSION)
        raw.send(stream, framed(request)[: len(request) // 2])
        (raw.vanish if index % 2 else raw.close)()
    with Session(shop) as session:
        assert session.page(TABLE, filter="title eq 'half'", count=True).total == 0


def test_a_message_that_stops_short_at_the_end_of_the_stream_is_an_error(shop, bystander):
    raw = RawConnection(shop.address)
    stream = raw.begin(SESSION)
    raw.send(stream, framed(b"\x08\x01\x6a\x00")[:-1], end=True)
    assert raw.status(stream) == 13
    raw.close()


def test_a_client_that_vanishes_leaves_no_subscription_behind(own_shop):
    descriptors = lambda: len(os.listdir(f"/proc/{own_shop.process.pid}/fd"))
    with Session(own_shop) as session:
        session.create(TABLE, title="x")
        before = descriptors()
        request = own_shop.contract.new(
            "datasync.v1.SessionRequest", request_id=1, subscribe={"table": TABLE}
        ).SerializeToString()
        connections = []
        for _ in range(50):
            raw = RawConnection(own_shop.address)
            stream = raw.begin(SESSION)
            raw.send(stream, framed(request))
            raw.wait(lambda: raw.bodies[stream])
            connections.append(raw)
        assert descriptors() >= before + 50
        for raw in connections:
            raw.vanish()
        until(lambda: descriptors() <= before + 2, message="sockets are left open")
        session.create(TABLE, title="y")


def test_a_stream_that_is_reset_ends_alone(shop, bystander):
    raw = RawConnection(shop.address)
    describe = b"\x08\x01\x6a\x00"
    streams = [raw.begin(SESSION) for _ in range(10)]
    for stream in streams:
        raw.send(stream, framed(describe))
    for stream in streams[::2]:
        raw.h2.reset_stream(stream, error_code=8)
    raw.flush()
    for stream in streams[1::2]:
        raw.wait(lambda: raw.bodies[stream])
        size = len(raw.bodies[stream])
        raw.send(stream, framed(describe.replace(b"\x01", b"\x02", 1)))
        raw.wait(lambda: len(raw.bodies[stream]) > size)
    raw.close()


def test_what_is_no_http_2_is_turned_away(shop, bystander):
    host, port = shop.address.rsplit(":", 1)
    for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x00" * 100):
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            plain.sendall(garbage)
            plain.settimeout(10)
            try:
                while plain.recv(4096):
                    pass
            except ConnectionResetError:
                pass


def test_a_wrong_content_type_is_http_415(shop, bystander):
    raw = RawConnection(shop.address)
    stream = raw.h2.get_next_available_stream_id()
    raw.h2.send_headers(
        stream,
        [(":method", "POST"), (":scheme", "http"), (":path", SESSION),
         (":authority", shop.address), ("content-type", "application/json")],
        end_stream=True,
    )
    raw.flush()
    raw.wait(lambda: stream in raw.ended or stream in raw.resets)
    assert raw.heads[stream][":status"] == "415"
    raw.close()
