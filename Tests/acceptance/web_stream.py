"""One request of HTTP/2 on a connection of its own, sent and read in pieces. Every wait has a deadline."""

import base64
import json
import socket
import struct
import time

import h2.config
import h2.connection
import h2.events
import pytest

from test_web import web_address

SECONDS = 20


def framed(message, flags=0):
    """A message behind its prefix; what is no bytes is written in JSON."""
    if not isinstance(message, bytes):
        message = json.dumps(message).encode()
    return struct.pack(">BI", flags, len(message)) + message


class Exchange:
    def __init__(self, address, path, kind, *fields, body=None):
        """`body`: all of it; None: it is sent later."""
        self._connection = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8"))
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)
        self._connection.initiate_connection()
        self._head = None
        self.trailers = None
        self.error = None
        self._raw = b""
        self._bytes = b""
        self._is_text = "-text" in kind
        self._has_ended = False
        pairs = [tuple(field.split(": ", 1)) for field in fields]
        self._connection.send_headers(1, [
            (":method", "POST"), (":scheme", "http"), (":authority", address), (":path", path),
            ("content-type", kind), *pairs,
        ])
        self._flush()
        if body is not None:
            self.send(body, end=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _flush(self):
        self._socket.sendall(self._connection.data_to_send())

    def send(self, data, end=False):
        if self._is_text:
            data = base64.b64encode(data)
        for start in range(0, len(data), 16_384):
            part = data[start:start + 16_384]
            self._until(
                lambda: self._connection.local_flow_control_window(1) >= len(part)
                or self._has_ended, "the server takes nothing more")
            if self._has_ended:
                return
            self._connection.send_data(1, part)
            self._flush()
        if end:
            self.end()

    def end(self):
        self._connection.end_stream(1)
        self._flush()

    def _until(self, condition, message):
        deadline = time.monotonic() + SECONDS
        while not (found := condition()):
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                raise AssertionError(f"{message} in {SECONDS} s") from None
            assert data, f"the connection was closed: {message}"
            for event in self._connection.receive_data(data):
                self._took(event)
            self._flush()
        return found

    def _took(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            self._head = event.headers
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self._connection.acknowledge_received_data(event.flow_controlled_length, 1)
            self._raw += event.data
        elif isinstance(event, h2.events.StreamReset):
            self.error, self._has_ended = event.error_code, True
        elif isinstance(event, h2.events.StreamEnded):
            self._has_ended = True

    @property
    def fields(self):
        """The answer's; waits for them."""
        return dict(self._until(lambda: self._head, "no head"))

    @property
    def status(self):
        return int(self.fields[":status"])

    def _read(self, count):
        """So many bytes of the body, or nothing at its end."""
        def enough():
            if self._is_text:
                while len(self._raw) >= 4:
                    self._bytes += base64.b64decode(self._raw[:4], validate=True)
                    self._raw = self._raw[4:]
            else:
                self._bytes, self._raw = self._bytes + self._raw, b""
            return len(self._bytes) >= count or self._has_ended

        self._until(enough, f"no {count} bytes of the body, but {self._bytes!r}")
        if len(self._bytes) < count:
            assert not self._bytes and not self._raw, (self._bytes, self._raw)
            return b""
        found, self._bytes = self._bytes[:count], self._bytes[count:]
        return found

    def frame(self):
        """(flags, bytes), or None at the end of the body."""
        prefix = self._read(5)
        if not prefix:
            return None
        flags, length = struct.unpack(">BI", prefix)
        return flags, self._read(length) if length else b""

    def message(self):
        """The next frame's JSON, which is no end."""
        flags, data = self.frame()
        assert flags == 0, (flags, data)
        return json.loads(data)

    def frames(self):
        """All that come to the end."""
        found = []
        while (frame := self.frame()) is not None:
            found.append(frame)
        # A request that is not read on is reset with no error, behind its answer.
        assert self.error in (None, 0), f"reset with {self.error}"
        return found

    def whole(self):
        """The body of an answer in which nothing is framed."""
        self._until(lambda: self._has_ended, "no end")
        return self._raw


@pytest.fixture
def ask(served):
    """Makes requests that end with the test: ask(path, kind, *fields, body=…)."""
    exchanges = []

    def make(path, kind, *fields, body=None):
        exchanges.append(Exchange(web_address(served), path, kind, *fields, body=body))
        return exchanges[-1]

    yield make
    for exchange in exchanges:
        exchange.__exit__()
