"""A day of coming and going in a minute: descriptors and memory return to where they began."""

import random
import struct
import time

import pytest

from attack import flood
from grpc_wire import Client, check, frame_message
from http2 import (END_HEADERS, HEADERS, PREFACE, RST_STREAM, SETTINGS, Connection, frame,
                   settings_payload)
from messages import testing
from server import Server

INPUT = "/grpc.testing.TestService/StreamingInputCall"
OUTPUT = "/grpc.testing.TestService/StreamingOutputCall"
# What an allocator keeps, in bytes.
SLACK = 16 << 20


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


def test_connections_opened_and_dropped(server, soak):
    count = 100_000 if soak else 3_000
    for turn in range(500):
        one_life(server, turn)
    descriptors = settled(server, 0, seconds=1)
    memory = server.resident_bytes()
    for turn in range(count):
        one_life(server, turn)
        # So that what grows is not how many are open at once, where the machine is busy.
        if turn % 500 == 499:
            settled(server, descriptors)
    assert settled(server, descriptors) <= descriptors
    grown = server.resident_bytes() - memory
    assert grown < SLACK, f"{grown >> 10} KiB more after {count} connections"
    with Client(server.address) as client:
        assert check(client.open(INPUT).send_bytes(b"", end=True).finish()).status == 0


def test_streams_reset_midway(server, soak):
    """At a rate that the limits allow, on many connections."""
    seed = random.randrange(2**32)
    source = random.Random(seed)
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=20_000) for _ in range(20)])
    body = frame_message(request.SerializeToString())

    def round_of_resets():
        with Connection(server.address) as connection:
            connection.handshake()
            chunks = []
            for stream in range(1, 200, 2):
                block = connection.encode([
                    *connection.request_fields("POST", OUTPUT), ("te", "trailers"),
                    ("content-type", "application/grpc")])
                # The answer has begun, or not.
                chunks.append(frame(HEADERS, END_HEADERS, stream, block) + frame(
                    0, 1, stream, body) + frame(
                    RST_STREAM, 0, stream, struct.pack(">I", source.choice([0, 5, 8, 99]))))
            return flood(connection, chunks, lingers=0.05)

    rounds = 500 if soak else 20
    for _ in range(5):
        round_of_resets()
    descriptors = settled(server, 0, seconds=1)
    memory = server.resident_bytes()
    for _ in range(rounds):
        assert not round_of_resets().closed, f"seed {seed}"
    assert settled(server, descriptors) <= descriptors, f"seed {seed}"
    grown = server.resident_bytes() - memory
    assert grown < SLACK, f"{grown >> 10} KiB more, seed {seed}"


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
