"""gRPC calls over raw HTTP/2 frames, and a stern reader of what comes back.

`check` refuses what the reference client of connectrpc's suites reports: a status that is missing,
twice there or no number, a message that is wrongly escaped, padded base64, details that disagree
with the status, and more.
"""

import base64
import gzip
import re
import struct
import time
import zlib
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from google.rpc import status_pb2

from http2 import (DATA, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, NO_ERROR, RST_STREAM, SETTINGS,
                   WINDOW_UPDATE, ACK, CONTINUATION, END_HEADERS, PING, Connection, TimedOut)

WINDOW = 8 << 20


@dataclass
class Outcome:
    """What came back on a stream."""
    headers: list = field(default_factory=list)
    trailers: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    # When each message was whole, in seconds from the start.
    times: list = field(default_factory=list)
    is_trailers_only: bool = False
    reset: int | None = None
    seconds: float = 0.0

    @property
    def http_status(self):
        return int(dict(self.headers)[":status"])

    @property
    def status(self):
        """The code; nil where the stream was reset instead."""
        values = [value for key, value in self.trailers if key == "grpc-status"]
        return int(values[0]) if values else None

    @property
    def message(self):
        for key, value in self.trailers:
            if key == "grpc-message":
                return unquote_to_bytes(value).decode()
        return ""

    @property
    def details(self):
        for key, value in self.trailers:
            if key == "grpc-status-details-bin":
                return status_pb2.Status.FromString(unbase64(value)).details
        return []

    def values(self, where, key):
        return [value for name, value in where if name == key]


def unbase64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def frame_message(message, encoding=None, flag=None):
    if encoding == "gzip":
        message = gzip.compress(message)
    elif encoding == "deflate":
        message = zlib.compress(message)
    if flag is None:
        flag = 1 if encoding else 0
    return struct.pack(">BI", flag, len(message)) + message


class Client(Connection):
    """A connection whose windows let everything through, and that keeps to the server's."""

    def __init__(self, address, timeout=10.0, tls=None):
        super().__init__(address, timeout, tls)
        self.handshake(settings=((INITIAL_WINDOW_SIZE, WINDOW),))
        self.window_update(0, WINDOW)
        self.next_stream = 1

    def handshake(self, **options):
        self.connection_window = 65535
        super().handshake(**options)

    def read(self, timeout=None):
        frame = super().read(timeout)
        if frame.type == WINDOW_UPDATE and frame.stream == 0:
            self.connection_window += struct.unpack(">I", frame.payload)[0]
        return frame

    def fields(self, path, content_type="application/grpc", method="POST", more=()):
        return [*self.request_fields(method, path), ("te", "trailers"),
                ("content-type", content_type), *more]

    def open(self, path, metadata=(), timeout_ms=None, encoding=None, end=False, fields=None):
        """Begins a call. `fields` replaces the whole head."""
        if fields is None:
            more = [("grpc-accept-encoding", f"{encoding},identity" if encoding else "identity")]
            if encoding:
                more.append(("grpc-encoding", encoding))
            if timeout_ms is not None:
                more.append(("grpc-timeout", f"{timeout_ms}m"))
            fields = self.fields(path, more=[*more, *metadata])
        call = RawCall(self, self.next_stream, encoding)
        self.next_stream += 2
        self.headers(call.stream, self.encode(fields), end_stream=end)
        return call


class RawCall:
    """One call; one at a time on its connection."""

    def __init__(self, client, stream, encoding):
        self.client = client
        self.stream = stream
        self.encoding = encoding
        self.outcome = Outcome()
        self.began = time.monotonic()
        self.body = b""
        self.window = client.settings.get(INITIAL_WINDOW_SIZE, 65535)
        self.is_over = False
        self.header_block = b""
        self.header_flags = 0

    def send(self, message, end=False):
        return self.send_bytes(frame_message(message, self.encoding), end)

    def send_bytes(self, data, end=False):
        """In frames, as the server's windows allow; stops when the server has ended the call."""
        while data and not self.is_over:
            room = min(self.window, self.client.connection_window, self.client.max_frame_size)
            if room <= 0:
                self._take(self.client.read())
                continue
            part, data = data[:room], data[room:]
            self.window -= len(part)
            self.client.connection_window -= len(part)
            self.client.data(self.stream, part, end_stream=end and not data)
            if end and not data:
                return self
        if end and not self.is_over:
            self.client.data(self.stream, b"", end_stream=True)
        return self

    def _take(self, frame):
        if frame.type == SETTINGS and not frame.is_ack:
            self.client.write(SETTINGS, ACK, 0)
        if frame.type == PING and not frame.is_ack:
            self.client.ping(frame.payload, ack=True)
        assert frame.type != GOAWAY, f"the server ended the connection: {frame}"
        if frame.stream != self.stream:
            return
        if frame.type == WINDOW_UPDATE:
            self.window += struct.unpack(">I", frame.payload)[0]
        elif frame.type in (HEADERS, CONTINUATION):
            self._take_headers(frame)
        elif frame.type == DATA:
            assert self.outcome.headers, "DATA before HEADERS"
            assert not frame.flags & 0x8, "padding is not unpacked here"
            self.body += frame.payload
            self.client.window_update(0, len(frame.payload)) if frame.payload else None
            self._unframe()
        elif frame.type == RST_STREAM:
            self.outcome.reset = frame.error
            self._end()
        if frame.ends_stream and frame.type == DATA:
            self._end()

    def _take_headers(self, frame):
        assert not frame.flags & 0x28 or frame.type == CONTINUATION, "padding or priority"
        self.header_block += frame.payload
        if frame.type == HEADERS:
            self.header_flags = frame.flags
        if not frame.flags & END_HEADERS:
            return
        fields = [(k if isinstance(k, str) else k.decode(), v if isinstance(v, str) else v.decode())
                  for k, v in self.client.decoder.decode(self.header_block)]
        self.header_block = b""
        ends = bool(self.header_flags & 1)
        outcome = self.outcome
        if not outcome.headers:
            outcome.headers = fields
            outcome.is_trailers_only = ends
            if ends:
                outcome.trailers = fields
        else:
            assert ends, "a second HEADERS without END_STREAM"
            outcome.trailers = fields
        if ends:
            self._end()

    def _unframe(self):
        while len(self.body) >= 5:
            flag, length = struct.unpack(">BI", self.body[:5])
            if len(self.body) < 5 + length:
                return
            message = self.body[5:5 + length]
            self.body = self.body[5 + length:]
            assert flag in (0, 1), f"the flag of a message is {flag}"
            if flag:
                encoding = dict(self.outcome.headers).get("grpc-encoding", "identity")
                assert encoding == self.encoding, f"compressed with {encoding}, unasked"
                message = gzip.decompress(message) if encoding == "gzip" else \
                    zlib.decompress(message)
            self.outcome.messages.append(message)
            self.outcome.times.append(time.monotonic() - self.began)

    def _end(self):
        if not self.is_over:
            self.is_over = True
            self.outcome.seconds = time.monotonic() - self.began

    def next_message(self):
        """The next message that comes, or None where the call ended without one."""
        count = len(self.outcome.messages)
        while len(self.outcome.messages) == count:
            if self.is_over:
                return None
            self._take(self.client.read())
        return self.outcome.messages[count]

    def finish(self):
        """Reads to the end of the call, and what follows it at once."""
        while not self.is_over:
            self._take(self.client.read())
        return self.outcome


def check(outcome):
    """Everything that must hold of any answer of a gRPC server."""
    assert outcome.reset in (None, NO_ERROR), f"reset with {outcome.reset}"
    assert outcome.http_status == 200, outcome.headers
    content_type = outcome.values(outcome.headers, "content-type")
    assert content_type in (["application/grpc"], ["application/grpc+proto"]), content_type
    assert outcome.values(outcome.headers, "grpc-encoding") in (
        [], ["identity"], ["gzip"], ["deflate"]), outcome.headers
    check_status(outcome)
    if outcome.is_trailers_only:
        assert not outcome.messages
    else:
        assert not [key for key, _ in outcome.headers if key in (
            "grpc-status", "grpc-message", "grpc-status-details-bin")], "a status in the headers"
        assert not [key for key, _ in outcome.trailers if key in (
            "content-type", "grpc-encoding", "grpc-accept-encoding")], "a header in the trailers"
        assert not [key for key, _ in outcome.trailers if key.startswith(":")]
    return outcome


def check_status(outcome):
    """The status with what belongs to it, as the reference client of the suites looks at it."""
    statuses = outcome.values(outcome.trailers, "grpc-status")
    assert len(statuses) == 1, f"grpc-status {statuses}"
    assert re.fullmatch(r"0|[1-9][0-9]*", statuses[0]), statuses
    assert 0 <= int(statuses[0]) <= 16, statuses
    messages = outcome.values(outcome.trailers, "grpc-message")
    assert len(messages) <= 1, messages
    for text in messages:
        assert re.fullmatch(r"([ -$&-~]|%[0-9A-F]{2})*", text), f"grpc-message {text!r}"
        unquote_to_bytes(text).decode()
        assert outcome.status != 0 or not text, "a message with OK"
    details = outcome.values(outcome.trailers, "grpc-status-details-bin")
    assert len(details) <= 1, details
    for text in details:
        assert outcome.status != 0, "details with OK"
        status = status_pb2.Status.FromString(unpadded(text))
        assert (status.code, status.message) == (outcome.status, outcome.message)
    for key, value in outcome.headers + outcome.trailers:
        assert re.fullmatch(r":?[0-9a-z_.-]+", key), f"the key {key!r}"
        assert re.fullmatch(r"[ -~]*", value), f"{key}: {value!r}"
        assert value == value.strip(), f"{key}: {value!r} is malformed"
        if key.endswith("-bin"):
            for part in value.split(","):
                unpadded(part)
    return outcome


def unpadded(text):
    """Base64 as servers are to write it."""
    assert re.fullmatch(r"[A-Za-z0-9+/]*", text) and len(text) % 4 != 1, f"base64 {text!r}"
    return unbase64(text)


def closes(client, seconds):
    """Whether the server closes the connection in time."""
    try:
        return client.is_closed_within(seconds)
    except TimedOut:
        return False
