"""A connection's life: keepalive, pings, idleness, age, and the server's end in two steps.

Times are short by `--limit`; nothing is asserted to be faster than a busy machine.
"""

import signal
import struct
import time

import pytest
from grpc_health.v1 import health_pb2

from grpc_wire import Client, check
from http2 import DATA, ENHANCE_YOUR_CALM, GOAWAY, NO_ERROR, PING, Closed, Connection, TimedOut
from messages import testing
from server import Server

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"
DUPLEX = "/grpc.testing.TestService/FullDuplexCall"
WATCH = "/grpc.health.v1.Health/Watch"
# What the first GOAWAY of two says: nothing is refused yet.
LAST = 2**31 - 1
WAIT = 10


@pytest.fixture
def start():
    servers = []

    def started(**limits):
        servers.append(Server.listening(**limits))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


def open_call(client, path=DUPLEX):
    """One that runs until its client ends it."""
    call = client.open(path)
    call.send(testing.StreamingOutputCallRequest(
        response_parameters=[testing.ResponseParameters(size=1)]).SerializeToString())
    assert call.next_message() is not None
    return call


# Keepalive


@pytest.mark.parametrize("has_call", [False, True], ids=["no call", "a call"])
def test_a_quiet_client_is_pinged_with_and_without_calls(start, has_call):
    server = start(keepalive_time="300ms", keepalive_timeout="60s")
    with Client(server.address) as client:
        call = open_call(client) if has_call else None
        for _ in range(3):
            ping = client.wait_for(PING, timeout=WAIT)
            assert not ping.is_ack
            client.ping(ping.payload, ack=True)
        if call:
            call.send_bytes(b"", end=True)
            assert check(call.finish()).status == 0


def test_any_bytes_answer_a_ping_as_well(start):
    """The peer is there if it sends anything: a middlebox may lose a ping among much data."""
    server = start(keepalive_time="300ms", keepalive_timeout="1500ms")
    with Client(server.address) as client:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            assert check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0
            time.sleep(0.1)


# Pings of the client


@pytest.mark.parametrize("has_call", [False, True], ids=["no call", "a call"])
def test_the_third_strike_ends_the_connection_in_grpcs_words(start, has_call):
    server = start()
    with Client(server.address) as client:
        if has_call:
            open_call(client)
        # The first starts the clock, the next two are forgiven.
        for number in range(3):
            client.ping(struct.pack(">Q", number))
            assert next_of_ping(client).payload == struct.pack(">Q", number)
        with pytest.raises(TimedOut):
            client.wait_for(GOAWAY, timeout=0.3)
        client.ping(bytes(8))
        goaway = client.wait_for(GOAWAY, timeout=WAIT)
        assert goaway.payload[4:8] == struct.pack(">I", ENHANCE_YOUR_CALM)
        assert goaway.debug == b"too_many_pings"
        assert client.is_closed_within(WAIT)


def next_of_ping(connection):
    ping = connection.wait_for(PING, timeout=WAIT)
    assert ping.is_ack
    return ping


def test_answers_wipe_strikes_away(start):
    server = start()
    with Client(server.address) as client:
        for _ in range(10):
            for number in range(2):
                client.ping(struct.pack(">Q", number))
                next_of_ping(client)
            assert check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0


def test_pings_far_enough_apart_are_no_strikes(start):
    server = start(min_ping_interval_without_calls="50ms", min_ping_interval="50ms")
    with Client(server.address) as client:
        for number in range(8):
            time.sleep(0.1)
            client.ping(struct.pack(">Q", number))
            next_of_ping(client)


# Idleness and age


def two_goaways(client, debug, last):
    """The notice, a ping, and when that is answered the end, with the reason."""
    first = client.wait_for(GOAWAY, PING, timeout=WAIT)
    assert first.type == GOAWAY
    assert (first.last_stream, first.error, first.debug) == (LAST, NO_ERROR, b"")
    ping = client.wait_for(GOAWAY, PING, timeout=WAIT)
    assert ping.type == PING and not ping.is_ack
    return finish_drain(client, ping, debug, last)


def finish_drain(client, ping, debug, last):
    client.ping(ping.payload, ack=True)
    second = client.wait_for(GOAWAY, timeout=WAIT)
    assert (second.last_stream, second.error, second.debug) == (last, NO_ERROR, debug)


def test_an_idle_connection_ends_in_two_steps(start):
    server = start(max_idle="400ms")
    with Client(server.address) as client:
        assert check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0
        two_goaways(client, b"max_idle", 1)
        assert client.is_closed_within(WAIT)


def test_a_call_keeps_a_connection_from_being_idle(start):
    server = start(max_idle="300ms")
    with Client(server.address) as client:
        call = open_call(client)
        time.sleep(1)
        call.send_bytes(b"", end=True)
        assert check(call.finish()).status == 0
        two_goaways(client, b"max_idle", 1)


def test_an_old_connection_serves_its_calls_to_the_end(start):
    server = start(max_age="500ms")
    with Client(server.address) as client:
        call = open_call(client)
        two_goaways(client, b"max_age", 1)
        time.sleep(0.5)
        call.send_bytes(b"", end=True)
        assert check(call.finish()).status == 0
        assert client.is_closed_within(WAIT)


def test_a_call_that_outlives_the_grace_is_ended_with_a_status(start):
    server = start(max_age="300ms", max_age_grace="500ms")
    with Client(server.address) as client:
        call = open_call(client)
        two_goaways(client, b"max_age", 1)
        # GOAWAY comes once more, with the end.
        outcome = ended(client, call)
        assert outcome.status == 14
        assert client.is_closed_within(WAIT)


def ended(client, call):
    """Reads to the end of the call, past a GOAWAY."""
    while not call.is_over:
        frame = client.read(WAIT)
        if frame.type != GOAWAY:
            call._take(frame)
    return check(call.outcome)


def test_a_ping_that_nobody_answers_holds_up_the_end_for_its_time_alone(start):
    server = start(max_idle="300ms", drain_ping_timeout="700ms")
    with Client(server.address) as client:
        first = client.wait_for(GOAWAY, timeout=WAIT)
        began = time.monotonic()
        second = client.wait_for(GOAWAY, timeout=WAIT)
        assert (first.last_stream, second.last_stream) == (LAST, 0)
        assert time.monotonic() - began > 0.5


# The server's end


def test_sigterm_tells_health_first_then_drains_in_two_steps(start):
    server = start(drain_grace="30s")
    with Client(server.address) as client, Client(server.address) as watcher:
        watch = watcher.open(WATCH)
        watch.send(b"", end=True)
        assert health(watch.next_message()) == health_pb2.HealthCheckResponse.SERVING
        call = open_call(client)
        server.process.send_signal(signal.SIGTERM)

        # Whoever balances calls hears of it before any connection does.
        order = []
        while len(order) < 3:
            frame = watcher.wait_for(DATA, GOAWAY, PING, timeout=WAIT)
            order.append(frame.type)
            if frame.type == DATA:
                assert health(frame.payload[5:]) == health_pb2.HealthCheckResponse.NOT_SERVING
        assert order == [DATA, GOAWAY, PING]

        notice = client.wait_for(GOAWAY, timeout=WAIT)
        assert (notice.last_stream, notice.error) == (LAST, NO_ERROR)
        ping = client.wait_for(PING, timeout=WAIT)
        # Under way when the server said so: served, and so is what runs.
        late = client.open(EMPTY_CALL).send(b"", end=True)
        assert check(late.finish()).status == 0
        finish_drain(client, ping, b"shutting_down", late.stream)
        # After the last word nothing new is begun.
        client.headers(late.stream + 2, client.encode(client.fields(EMPTY_CALL)))
        call.send_bytes(b"", end=True)
        assert check(call.finish()).status == 0
        frames = list(client.frames(WAIT))
        assert not [frame for frame in frames if frame.stream > late.stream]
        with pytest.raises((ConnectionRefusedError, Closed)):
            Client(server.address)
        # A watch has no end of its own.
        watcher.reset(watch.stream)
        watcher.ping(bytes.fromhex("0000000000000000"), ack=True)
    assert server.ended(WAIT * 3) == 0


def health(message):
    return health_pb2.HealthCheckResponse.FromString(message).status


def test_what_still_runs_after_the_grace_gets_a_status(start):
    server = start(drain_grace="700ms")
    with Client(server.address) as client:
        call = open_call(client)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        notice = client.wait_for(GOAWAY, timeout=WAIT)
        assert notice.last_stream == LAST
        outcome = ended_answering(client, call)
        assert outcome.status == 14 and "shutting down" in outcome.message
        assert time.monotonic() - began > 0.5
        assert client.is_closed_within(WAIT)
    assert server.ended(WAIT) == 0


def ended_answering(client, call):
    while not call.is_over:
        frame = client.read(WAIT)
        if frame.type == PING and not frame.is_ack:
            client.ping(frame.payload, ack=True)
        elif frame.type != GOAWAY:
            call._take(frame)
    return check(call.outcome)


def test_a_second_signal_ends_it_at_once(start):
    server = start(drain_grace="600s")
    with Client(server.address) as client:
        call = open_call(client)
        server.process.send_signal(signal.SIGTERM)
        client.wait_for(GOAWAY, timeout=WAIT)
        server.process.send_signal(signal.SIGTERM)
        assert ended_answering(client, call).status == 14
        assert client.is_closed_within(WAIT)
    assert server.ended(WAIT) == 0


def test_a_client_that_does_not_close_is_waited_for_a_little(start):
    """The server's FIN comes first; closing with unread bytes would take the answer along."""
    server = start(linger_timeout="500ms")
    with Connection(server.address) as connection:
        connection.handshake()
        descriptors = server.descriptors()
        for _ in range(4):
            connection.ping()
        goaway = connection.wait_for(GOAWAY, timeout=WAIT)
        assert goaway.debug == b"too_many_pings"
        assert connection.is_closed_within(WAIT)
        # Half-open: the server takes what still comes, and then lets go.
        deadline = time.monotonic() + WAIT
        while server.descriptors() >= descriptors and time.monotonic() < deadline:
            connection.ping()
            time.sleep(0.05)
        assert server.descriptors() < descriptors


def test_sighup_without_tls_changes_nothing(start):
    server = start()
    with Client(server.address) as client:
        call = open_call(client)
        server.process.send_signal(signal.SIGHUP)
        assert check(Client(server.address).open(EMPTY_CALL).send(b"", end=True).finish()).status == 0
        call.send_bytes(b"", end=True)
        assert check(call.finish()).status == 0
