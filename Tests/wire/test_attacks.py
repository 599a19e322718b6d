"""Each known attack on HTTP/2 and gRPC servers: bounded, while a bystander is served.

Afterwards the attacker is disconnected or contained, and the server's memory is back.
"""

import gzip
import itertools
import struct
import time

import pytest

import floods
from attack import attacker, flood, watched
from floods import block_of, headers, streams
from grpc_wire import Client, RawCall, check, frame_message
from http2 import (ACK, DATA, FLOW_CONTROL_ERROR, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE,
                   MAX_CONCURRENT_STREAMS, PING, PREFACE, RST_STREAM, SETTINGS, SETTINGS_TIMEOUT,
                   WINDOW_UPDATE, Closed, Connection, frame, settings_payload)
from messages import testing
from server import Server

CALM = 11
EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"
INPUT = "/grpc.testing.TestService/StreamingInputCall"
OUTPUT = "/grpc.testing.TestService/StreamingOutputCall"
DUPLEX = "/grpc.testing.TestService/FullDuplexCall"


@pytest.fixture(scope="module")
def server():
    server = Server.listening()
    # Warm: what a server takes once is not what an attack leaves.
    for _ in range(20):
        with Client(server.address) as client:
            call(client)
    yield server
    server.stop()


@pytest.fixture
def impatient(request):
    """A server with short times, for attacks by slowness."""
    server = Server.listening(**request.param)
    yield server
    server.stop()


def times(**limits):
    return pytest.mark.parametrize("impatient", [limits], indirect=True, ids=[""])


def call(client, path=EMPTY_CALL, message=b""):
    return check(client.open(path).send(message, end=True).finish())


# Resets

def test_rapid_reset(server):
    """CVE-2023-44487."""
    with watched(server, "rapid reset"), attacker(server) as connection:
        result = flood(connection, floods.rapid_resets(connection, INPUT))
        result.assert_ended(CALM, b"max_resets_received")


@pytest.mark.parametrize("way", floods.MADE_RESETS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not reading"])
def test_made_you_reset(server, way, reads):
    """CVE-2025-8671."""
    with watched(server, f"made you reset: {way.__name__}"), attacker(server) as connection:
        result = flood(connection, floods.made_resets(way, connection, INPUT), reads=reads)
        assert result.closed, f"open after {result.sent} B and {len(result.resets)} resets"
        assert result.goaway is None or result.goaway.error in (1, CALM), str(result.goaway)


# Headers

@pytest.mark.parametrize("part", [b"", b"\x00\x01a" + b"\x7f\xe1\x07" + b"x" * 1120],
                         ids=["empty", "full"])
def test_continuation_flood(server, part):
    """CVE-2024-28182, CVE-2024-27316."""
    with watched(server, "CONTINUATION flood"), attacker(server) as connection:
        result = flood(connection, floods.continuations(connection, EMPTY_CALL, part))
        assert result.closed, f"open after {result.sent} B"
        assert result.sent < 4 << 20, f"closed only after {result.sent} B"


def is_refused_alone(connection_call):
    """One call is refused; its connection goes on."""
    outcome = connection_call.finish()
    if outcome.reset in (None, 0):
        assert outcome.status in (8, 13) or outcome.http_status in (400, 431), outcome.headers
    return outcome


def test_a_header_list_over_the_limit_ends_its_call_only(server):
    with watched(server, "large header"), Client(server.address) as client:
        for fields in ([("x-large", "y" * 60_000)], [(f"x-{n}", "v") for n in range(1_000)]):
            # Sent again and again as it is: it leaves nothing in the table.
            block = block_of(client, EMPTY_CALL, fields)
            for _ in range(20):
                is_refused_alone(large_header_call(client, block))
        assert call(client).status == 0


def large_header_call(client, block):
    """Sent in frames of 16 KiB, as a legal client would."""
    stream = client.next_stream
    client.next_stream += 2
    parts = [block[at:at + 16_384] for at in range(0, len(block), 16_384)]
    client.headers(stream, parts[0], end_headers=len(parts) == 1)
    for index, part in enumerate(parts[1:], 2):
        client.continuation(stream, part, end_headers=index == len(parts))
    return RawCall(client, stream, None)


def test_hpack_bomb(server):
    """CVE-2016-6581: 14 KB on the wire, 40 MB in a list."""
    with watched(server, "HPACK bomb"), attacker(server) as connection:
        before = server.resident_bytes()
        result = flood(connection, floods.hpack_bombs(connection, EMPTY_CALL), seconds=5)
        # Each call is refused, or the connection as a whole.
        assert result.closed or result.count(HEADERS) + len(result.resets) > 100, result.frames
        assert server.resident_bytes() - before < 32 << 20


def test_empty_header_names(server):
    """CVE-2019-9516."""
    with watched(server, "empty names"), attacker(server) as connection:
        block = block_of(connection, EMPTY_CALL) + b"\x00\x00\x00" * 5_000
        result = flood(connection, (headers(stream, block) for stream in streams()))
        assert result.closed
        assert not result.count(HEADERS) or result.count(HEADERS) < 1_000


# Control frames

@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not reading"])
def test_ping_flood(server, reads):
    """CVE-2019-9512."""
    with watched(server, "PING flood"), attacker(server) as connection:
        result = flood(connection, floods.pings(), reads=reads)
        result.assert_ended(CALM, b"too_many_pings")
        assert result.count(PING) <= 10


@pytest.mark.parametrize("reads", [True, False], ids=["reading", "not reading"])
def test_settings_flood(server, reads):
    """CVE-2019-9515."""
    with watched(server, "SETTINGS flood"), attacker(server) as connection:
        result = flood(connection, floods.settings(), reads=reads)
        result.assert_ended(CALM, b"max_settings")


def test_settings_of_many_entries(server):
    """CVE-2020-11080."""
    with watched(server, "large SETTINGS"), attacker(server) as connection:
        large = frame(SETTINGS, 0, 0, settings_payload([(INITIAL_WINDOW_SIZE, 65535)] * 2_400))
        result = flood(connection, [large] * 100)
        result.assert_ended(CALM)


def test_acknowledgements_of_settings_never_sent(server):
    with watched(server, "SETTINGS ACK flood"), attacker(server) as connection:
        result = flood(connection, [frame(SETTINGS, ACK, 0) * 100] * 500)
        assert result.closed


def test_priority_churn(server):
    """CVE-2019-9513."""
    with watched(server, "PRIORITY churn"), attacker(server) as connection:
        result = flood(connection, floods.priorities())
        result.assert_ended(CALM, b"max_control_frames")


def test_window_update_flood(server):
    with watched(server, "WINDOW_UPDATE flood"), attacker(server) as connection:
        flood(connection, floods.window_updates()).assert_ended(CALM, b"max_control_frames")


def test_window_updates_that_answer_messages_are_no_flood(server):
    """grpcio sends one or two for each message that it takes, however many came in a frame."""
    count = 10_000
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=1) for _ in range(count)])
    with Client(server.address) as client:
        answers = client.open(OUTPUT).send(request.SerializeToString(), end=True)
        assert len(check(answers.finish()).messages) == count
        one = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 5))
        client.send(one * 2 * count)
        client.ping(bytes(8))
        assert client.wait_for(PING, GOAWAY).type == PING


def test_window_updates_far_beyond_the_messages_are_a_flood(server):
    count = 100
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=1) for _ in range(count)])
    with watched(server, "WINDOW_UPDATE after messages"), attacker(server) as connection:
        connection.headers(1, block_of(connection, OUTPUT), end_stream=False)
        connection.data(1, frame_message(request.SerializeToString()), end_stream=True)
        connection.wait_for(DATA)
        flood(connection, floods.window_updates()).assert_ended(CALM, b"max_control_frames")


def test_unknown_frames_flood(server):
    with watched(server, "unknown frames"), attacker(server) as connection:
        flood(connection, [frame(0x42, 0, 0, bytes(8)) * 100] * 1_000).assert_ended(
            CALM, b"max_control_frames")


def test_empty_data_flood(server):
    """CVE-2019-9518."""
    with watched(server, "empty DATA"), attacker(server) as connection:
        result = flood(connection, floods.empty_data(connection, INPUT))
        result.assert_ended(CALM, b"max_empty_data_frames")


def test_padding_flood(server):
    """Frames of nothing but padding carry no data either."""
    with watched(server, "padding"), attacker(server) as connection:
        first = headers(1, block_of(connection, INPUT))
        padded = frame(DATA, 0x8, 1, bytes([255]) + bytes(255))
        result = flood(connection, itertools.chain([first], [padded * 20] * 2_000), seconds=5)
        assert result.closed


def test_reset_of_streams_never_opened(server):
    with watched(server, "reset of idle streams"), attacker(server) as connection:
        result = flood(connection, [frame(RST_STREAM, 0, 1, bytes(4)) * 100] * 100)
        result.assert_ended(1)


# Memory held for a peer

def large_responses(count, size):
    return testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=size) for _ in range(count)]).SerializeToString()


@times(write_timeout="1500ms")
def test_a_client_that_takes_nothing_with_its_windows_closed(impatient):
    """CVE-2019-9517 and zero windows: 100 calls for 64 MB each, none of which may be held."""
    with watched(impatient, "zero window"), Connection(impatient.address) as connection:
        connection.handshake(settings=((INITIAL_WINDOW_SIZE, 0),))
        before = impatient.resident_bytes()
        body = frame_message(large_responses(64, 1 << 20))
        for stream in range(1, 200, 2):
            connection.headers(stream, block_of(connection, OUTPUT), end_stream=False)
            connection.data(stream, body)
        time.sleep(1)
        held = impatient.resident_bytes() - before
        assert held < 160 << 20, f"{held >> 20} MiB are held"
        result = flood(connection, [], seconds=4, lingers=4)
        assert result.closed or len(result.ended) == 100, result


@times(write_timeout="1500ms")
def test_a_client_that_takes_nothing_from_its_socket(impatient):
    """CVE-2019-9517: wide windows, and a socket that nobody reads."""
    with watched(impatient, "unread socket"), \
            Connection(impatient.address, receive_buffer=4096) as connection:
        connection.handshake(settings=((INITIAL_WINDOW_SIZE, 2**31 - 1),))
        connection.window_update(0, 2**31 - 1 - 65535)
        before = impatient.resident_bytes()
        body = frame_message(large_responses(64, 1 << 20))
        for stream in range(1, 200, 2):
            connection.headers(stream, block_of(connection, OUTPUT), end_stream=False)
            connection.data(stream, body)
        time.sleep(1)
        held = impatient.resident_bytes() - before
        assert held < 160 << 20, f"{held >> 20} MiB are held"
        deadline = time.monotonic() + 6
        while impatient.descriptors() > 0 and time.monotonic() < deadline:
            if not has_peer(impatient, connection):
                break
            time.sleep(0.1)
        assert not has_peer(impatient, connection), "the connection is still there"


def has_peer(server, connection):
    """Whether the server still has its end of the connection, as the kernel tells."""
    port = connection.socket.getsockname()[1]
    local = f"{server.address[1]:04X}"
    with open("/proc/net/tcp") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            if fields[1].endswith(":" + local) and fields[2].endswith(f":{port:04X}"):
                # ESTABLISHED, CLOSE_WAIT: an end that somebody holds.
                return fields[3] in ("01", "08")
    return False


def test_data_dribble(server):
    """CVE-2019-9511: one byte of window at a time."""
    with watched(server, "data dribble"), Connection(server.address) as connection:
        connection.handshake(settings=((INITIAL_WINDOW_SIZE, 0),))
        body = frame_message(large_responses(4, 1 << 20))
        for stream in (1, 3, 5, 7):
            connection.headers(stream, block_of(connection, OUTPUT), end_stream=False)
            connection.data(stream, body)
        byte = struct.pack(">I", 1)
        updates = b"".join(frame(WINDOW_UPDATE, 0, stream, byte) for stream in (1, 3, 5, 7))
        flood(connection, [updates] * 3_000, seconds=5)


def test_an_echo_that_is_never_read_stops_the_upload(server):
    """Backpressure from what is not read to what is sent: memory has a bound."""
    with watched(server, "unread echo"), Connection(server.address) as connection:
        connection.handshake(settings=((INITIAL_WINDOW_SIZE, 0),))
        before = server.resident_bytes()
        connection.headers(1, block_of(connection, "/bench.Echo/Stream"), end_stream=False)
        message = frame_message(bytes(60_000))
        sent, window, total = 0, connection.settings[INITIAL_WINDOW_SIZE], 65535
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and sent < 200 << 20:
            if window < len(message) or total < len(message):
                try:
                    update = connection.wait_for(WINDOW_UPDATE, timeout=0.5)
                except Exception:
                    break
                increment = struct.unpack(">I", update.payload)[0]
                if update.stream:
                    window += increment
                else:
                    total += increment
                continue
            for at in range(0, len(message), 16_000):
                connection.data(1, message[at:at + 16_000], end_stream=False)
            window -= len(message)
            total -= len(message)
            sent += len(message)
        assert sent < 32 << 20, f"{sent >> 20} MiB were taken and not answered"
        assert server.resident_bytes() - before < 64 << 20


def test_data_beyond_the_window_is_an_error(server):
    with watched(server, "window overrun"), Connection(server.address) as connection:
        connection.handshake(settings=((INITIAL_WINDOW_SIZE, 0),))
        opening = headers(1, block_of(connection, "/bench.Echo/Stream"))
        message = frame_message(bytes(16_000))
        result = flood(connection, itertools.chain(
            [opening], (frame(DATA, 0, 1, message[:16_384]) for _ in range(4_000))))
        codes = [error for _, error in result.resets] + (
            [result.goaway.error] if result.goaway else [])
        assert FLOW_CONTROL_ERROR in codes, (codes, result)


def test_more_streams_than_allowed(server):
    with watched(server, "too many streams"), attacker(server) as connection:
        assert connection.settings[MAX_CONCURRENT_STREAMS] <= 256
        block = block_of(connection, INPUT)
        result = flood(connection, (headers(stream, block) for stream in range(1, 4_000, 2)))
        refused = [error for _, error in result.resets]
        assert result.closed or len(refused) > 1_500
        assert result.count(HEADERS) <= 256


# Messages

def test_gzip_bomb(server):
    """200 MiB of zeros in 200 KB."""
    bomb = gzip.compress(bytes(200 << 20), 6)
    with watched(server, "gzip bomb"), Client(server.address) as client:
        before = server.resident_bytes()
        for _ in range(4):
            more = [("grpc-encoding", "gzip")]
            opened = client.open(EMPTY_CALL, fields=client.fields(EMPTY_CALL, more=more))
            opened.send_bytes(frame_message(bomb, flag=1), end=True)
            assert check(opened.finish()).status == 8
        assert server.resident_bytes() - before < 64 << 20
        assert call(client).status == 0


def test_protobuf_bomb(server):
    """Two million empty submessages: 4 MB that would take 160."""
    with watched(server, "protobuf bomb"), Client(server.address) as client:
        for part in (b"\x12\x00", b"\x98\x06\x01"):
            bomb = part * ((4 << 20) // len(part) - 8)
            outcome = call(client, OUTPUT, bomb)
            assert outcome.status in (0, 8, 13), outcome.status
        assert call(client).status == 0


def test_a_length_over_the_limit_is_refused_before_its_bytes_come(server):
    with watched(server, "declared length"), Client(server.address, timeout=3) as client:
        for length in (4 * 1024 * 1024 + 1, 2**31, 2**32 - 1):
            opened = client.open(INPUT)
            opened.send_bytes(struct.pack(">BI", 0, length) + b"abc")
            assert check(opened.finish()).status == 8
        assert call(client).status == 0


def test_a_hundred_thousand_empty_messages(server):
    with watched(server, "empty messages"), Client(server.address, timeout=20) as client:
        opened = client.open(INPUT)
        opened.send_bytes(bytes(5) * 100_000, end=True)
        assert check(opened.finish()).status == 0


def test_malformed_metadata_ends_its_call_only(server):
    """CVE-2023-32732: bad base64 once took the connection down."""
    with watched(server, "bad base64"), Client(server.address) as client:
        for value in ("!!!!", "a", "abc=def", "=" * 8, "Zm9v,****"):
            fields = client.fields(EMPTY_CALL, more=[("x-data-bin", value)])
            outcome = client.open(EMPTY_CALL, fields=fields).send(b"", end=True).finish()
            assert (outcome.http_status, outcome.status) == (400, 13), value
            assert call(client).status == 0


# Slowness

@times(handshake_timeout="500ms")
@pytest.mark.parametrize("start", [b"", PREFACE[:10], PREFACE], ids=["nothing", "half", "preface"])
def test_a_client_that_does_not_begin(impatient, start):
    with watched(impatient, "no preface"), Connection(impatient.address) as connection:
        connection.send(start)
        began = time.monotonic()
        assert connection.is_closed_within(3)
        assert time.monotonic() - began > 0.3


@times(settings_timeout="500ms")
def test_settings_that_are_never_acknowledged(impatient):
    with watched(impatient, "SETTINGS unacknowledged"), Connection(impatient.address) as connection:
        connection.handshake(acknowledge=False)
        assert connection.wait_for(7, timeout=3).error == SETTINGS_TIMEOUT
        assert connection.is_closed_within(3)


@times(header_timeout="700ms")
def test_headers_that_never_end(impatient):
    """Slowloris: a byte now and then keeps nothing open."""
    with watched(impatient, "slow headers"), attacker(impatient) as connection:
        connection.headers(1, block_of(connection, EMPTY_CALL), end_headers=False)
        began = time.monotonic()
        closed = False
        while not closed and time.monotonic() - began < 4:
            connection.continuation(1, b"\x00\x01a\x01b", end_headers=False)
            closed = connection.is_closed_within(0.1)
        assert closed, "open after 4 s"


@times(body_idle_timeout="700ms")
@pytest.mark.parametrize("path,part", [(EMPTY_CALL, b""), (EMPTY_CALL, b"\x00\x00"),
                                       (INPUT, b"\x00\x00\x00\x00\x09a")],
                         ids=["unary, nothing", "unary, a part", "stream, a part"])
def test_a_body_that_never_comes(impatient, path, part):
    with watched(impatient, "slow body"), Client(impatient.address, timeout=4) as client:
        opened = client.open(path)
        if part:
            opened.send_bytes(part)
        outcome = opened.finish()
        assert outcome.seconds > 0.4
        assert outcome.status in (4, 1, 14, 8) or outcome.reset not in (None, 0), outcome
        assert call(client).status == 0


@times(body_idle_timeout="700ms")
def test_a_quiet_stream_is_no_attack(impatient):
    """A call that waits for its client's next message may wait."""
    with Client(impatient.address, timeout=4) as client:
        opened = client.open(INPUT)
        opened.send(b"")
        time.sleep(2)
        opened.send(b"", end=True)
        assert check(opened.finish()).status == 0


@times(keepalive_time="500ms", keepalive_timeout="500ms")
def test_a_client_that_is_gone_is_found_out(impatient):
    with Connection(impatient.address) as connection:
        connection.handshake()
        began = time.monotonic()
        seen = []
        with pytest.raises(Closed):
            while time.monotonic() - began < 5:
                seen.append(connection.read(timeout=3).type)
        assert PING in seen


# Connections

@times(max_connections=40)
def test_more_connections_than_allowed(impatient):
    with watched(impatient, "too many connections"):
        held = [Connection(impatient.address) for _ in range(120)]
        served = 0
        for connection in held:
            try:
                connection.timeout = 1
                connection.handshake()
                served += 1
            except Closed:
                pass
        assert 30 <= served <= 40, served
        for connection in held:
            connection.close()
    with Client(impatient.address) as client:
        assert call(client).status == 0


@times(max_connections_per_address=20)
def test_more_connections_from_one_address_than_allowed(impatient):
    with watched(impatient, "connections of one address"):
        held = [Connection(impatient.address) for _ in range(60)]
        served = 0
        for connection in held:
            try:
                connection.timeout = 1
                connection.handshake()
                served += 1
            except Closed:
                pass
        assert 10 <= served <= 20, served
        for connection in held:
            connection.close()


def test_no_descriptors_left():
    """Accepting fails for want of descriptors: those connected are served, later all are."""
    server = Server.listening(prefix=["prlimit", "--nofile=48:48"])
    try:
        with watched(server, "no descriptors"):
            held = []
            for _ in range(100):
                try:
                    held.append(Connection(server.address, timeout=0.2))
                except OSError:
                    break
            cpu = server.cpu_seconds()
            time.sleep(1)
            assert server.cpu_seconds() - cpu < 0.6, "accepting spins"
            for connection in held:
                connection.close()
        time.sleep(0.3)
        with Client(server.address) as client:
            assert call(client).status == 0
    finally:
        server.stop()
