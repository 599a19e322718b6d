"""A day of coming and going in a minute: descriptors and memory return to where they began."""

import random
import struct
import time

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from grpc_wire import Client, check, frame_message
from http2 import (DATA, END_HEADERS, HEADERS, PING, PREFACE, SETTINGS, Connection, frame,
                   settings_payload)
from messages import testing
from server import Server

INPUT = "/grpc.testing.TestService/StreamingInputCall"
OUTPUT = "/grpc.testing.TestService/StreamingOutputCall"
# What an allocator keeps, in bytes.
SLACK = 8 << 20


@pytest.fixture
def server():
    server = Server.listening()
    yield server
    server.stop()


def settled(server, descriptors, seconds=10):
    """Waits until no more descriptors are open than before."""
    deadline = time.monotonic() + seconds
    while server.descriptors() > descriptors and time.monotonic() < deadline:
        time.sleep(0.05)
    return server.descriptors()


def one_life(server, turn):
    """Connects, gets as far as its turn says, and drops the connection."""
    connection = Connection(server.address)
    if turn % 5 == 1:
        connection.send(PREFACE[:12])
    elif turn % 5 > 1:
        fields = [*connection.request_fields("POST", INPUT), ("te", "trailers"),
                  ("content-type", "application/grpc")]
        block = connection.encode(fields)
        data = PREFACE + frame(SETTINGS, 0, 0, settings_payload([]))
        if turn % 5 > 2:
            data += frame(HEADERS, END_HEADERS, 1, block)
        if turn % 5 > 3:
            data += frame(0, 0, 1, b"\0\0\0\1\0half a message")
        connection.send(data)
    if turn % 2:
        # RST instead of FIN.
        connection.socket.setsockopt(1, 13, struct.pack("ii", 1, 0))
    connection.close()


def warm(server, lives=500, at_once=500):
    """Has the server take what it takes once: for each turn's way, and for many at once."""
    for turn in range(lives):
        one_life(server, turn)
    for _ in range(3):
        crowd = [Client(server.address) for _ in range(at_once)]
        for client in crowd:
            assert check(client.open(INPUT).send_bytes(b"", end=True).finish()).status == 0
        for client in crowd:
            client.close()
    return settled(server, 0, seconds=2)


def counted(server):
    """What channelz counts: connections, calls begun, and calls that have not ended."""
    with grpc.insecure_channel(server.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = channelz_pb2_grpc.ChannelzStub(channel)
        [one] = stub.GetServers(channelz_pb2.GetServersRequest(), timeout=10).server
        sockets = stub.GetServerSockets(
            channelz_pb2.GetServerSocketsRequest(server_id=one.ref.server_id), timeout=10)
        data = one.data
        # The connection and the call that ask do not count.
        return (len(sockets.socket_ref) - 1, data.calls_started - 1,
                data.calls_started - data.calls_succeeded - data.calls_failed - 1)


@pytest.mark.timeout(3600)
def test_connections_opened_and_dropped(server, soak, record_property):
    count = 100_000 if soak else 3_000
    descriptors = warm(server)
    memory = server.resident_bytes()
    _, begun, _ = counted(server)
    grown = []
    for turn in range(count):
        one_life(server, turn)
        # So that what grows is not how many are open at once, where the machine is busy.
        if turn % 500 == 499:
            settled(server, descriptors)
        if (turn + 1) % (count // 4) == 0:
            settled(server, descriptors)
            grown.append(server.resident_bytes() - memory)
    record_property("connections", count)
    record_property("KiB more at each quarter", [bytes >> 10 for bytes in grown])
    assert settled(server, descriptors) <= descriptors
    # Of 100,000 connections, a hundredth of a KiB each would be seen.
    assert grown[3] < SLACK, f"{[bytes >> 10 for bytes in grown]} KiB more, of {count} connections"
    assert grown[3] - grown[1] < SLACK // 4, f"{[bytes >> 10 for bytes in grown]} KiB and growing"
    connections, calls, running = counted(server)
    assert (connections, running) == (0, 0)
    assert calls - begun >= count * 2 // 5, "fewer calls than lives that began one"
    with Client(server.address) as client:
        assert check(client.open(INPUT).send_bytes(b"", end=True).finish()).status == 0


@pytest.mark.timeout(3600)
def test_streams_reset_midway(server, soak):
    """A hundred on each connection, as many as the limits forgive at once."""
    seed = random.randrange(2**32)
    source = random.Random(seed)
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=20_000) for _ in range(20)])
    body = frame_message(request.SerializeToString())

    def opening(connection, stream):
        block = connection.encode([
            *connection.request_fields("POST", OUTPUT), ("te", "trailers"),
            ("content-type", "application/grpc")])
        return frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, 1, stream, body)

    def round_of_resets():
        with Connection(server.address, timeout=10) as connection:
            connection.handshake()
            for first in range(1, 200, 20):
                streams = range(first, first + 20, 2)
                connection.send(b"".join(opening(connection, stream) for stream in streams))
                # The answers have begun, and most wait for a window. A reset in the same read as
                # its request would find nothing begun.
                begun = set()
                while len(begun) < len(streams):
                    got = connection.wait_for(HEADERS, DATA)
                    if got.type == HEADERS:
                        begun.add(got.stream)
                    elif got.payload:
                        connection.window_update(0, len(got.payload))
                for stream in streams:
                    connection.reset(stream, source.choice([0, 5, 8, 99]))
            # Served still.
            connection.ping(b"resets..")
            return next(got for got in connection.frames(10) if got.type == PING).is_ack

    rounds = 500 if soak else 20
    for _ in range(5):
        round_of_resets()
    descriptors = settled(server, 0, seconds=1)
    memory = server.resident_bytes()
    for _ in range(rounds):
        assert round_of_resets(), f"seed {seed}"
    assert settled(server, descriptors) <= descriptors, f"seed {seed}"
    grown = server.resident_bytes() - memory
    assert grown < SLACK, f"{grown >> 10} KiB more, seed {seed}"
    connections, calls, running = counted(server)
    assert (connections, running) == (0, 0), f"seed {seed}"
    assert calls >= rounds * 100, f"{calls} calls begun, seed {seed}"


def test_calls_dropped_with_their_connection(server):
    """The handlers hear of it: what they hold goes with them."""
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=100_000, interval_us=60_000_000)])

    def drop():
        client = Client(server.address)
        for _ in range(50):
            client.open(OUTPUT).send(request.SerializeToString(), end=True)
        client.close()

    for _ in range(10):
        drop()
    descriptors = settled(server, 0, seconds=1)
    memory = server.resident_bytes()
    for _ in range(100):
        drop()
    assert settled(server, descriptors) <= descriptors
    assert server.resident_bytes() - memory < SLACK
