"""HTTP/2 as raw frames over a plain socket, right or wrong: what a library would refuse to send."""

import socket
import ssl
import struct
import time
from dataclasses import dataclass

import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

NAMES = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
         "WINDOW_UPDATE", "CONTINUATION"]

ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY_FLAG = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = 0, 1, 2, 3, 4
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 5, 6, 7, 8, 9
CONNECT_ERROR, ENHANCE_YOUR_CALM = 10, 11

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 1, 2, 3, 4
MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 5, 6

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass(frozen=True)
class Frame:
    type: int
    flags: int
    stream: int
    payload: bytes = b""

    def __str__(self):
        name = NAMES[self.type] if self.type < len(NAMES) else f"type {self.type}"
        detail = ""
        if self.type == RST_STREAM:
            detail = f", error {self.error}"
        if self.type == GOAWAY:
            detail = f", error {self.error}, {self.debug!r}"
        return f"{name}(flags {self.flags:#x}, stream {self.stream}, {len(self.payload)} B{detail})"

    @property
    def ends_stream(self):
        return self.type in (DATA, HEADERS) and bool(self.flags & END_STREAM)

    @property
    def is_ack(self):
        return self.type in (SETTINGS, PING) and bool(self.flags & ACK)

    @property
    def error(self):
        if self.type == RST_STREAM:
            return struct.unpack(">I", self.payload)[0]
        return struct.unpack(">I", self.payload[4:8])[0]

    @property
    def last_stream(self):
        return struct.unpack(">I", self.payload[:4])[0] & 0x7FFFFFFF

    @property
    def debug(self):
        return self.payload[8:]

    @property
    def settings(self):
        return dict(struct.iter_unpack(">HI", self.payload))


class Closed(Exception):
    """The peer closed or reset the connection."""


class TimedOut(Exception):
    """Nothing came within the deadline."""


def frame(type, flags, stream, payload=b"", length=None):
    length = len(payload) if length is None else length
    return struct.pack(">I", length)[1:] + struct.pack(">BBI", type, flags, stream) + payload


def settings_payload(pairs):
    return b"".join(struct.pack(">HI", key, value) for key, value in pairs)


def priority_payload(depends_on=0, exclusive=False, weight=255):
    return struct.pack(">IB", depends_on | (0x80000000 if exclusive else 0), weight)


class Connection:
    """One connection; `timeout` seconds bound every wait for a frame."""

    def __init__(self, address, timeout=2.0, tls=None, receive_buffer=None):
        self.address = address
        self.timeout = timeout
        self.is_tls = tls is not None
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.settimeout(10)
        raw.connect(address)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = tls.wrap_socket(raw, server_hostname="localhost") if tls else raw
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.settings = {}
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # Sending; what a peer that has gone away does not take is no error here.

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass

    def write(self, type, flags, stream, payload=b""):
        self.send(frame(type, flags, stream, payload))

    def encode(self, fields):
        return self.encoder.encode(fields)

    def headers(self, stream, block, end_stream=True, end_headers=True, padding=None,
                priority=None):
        flags = (END_STREAM if end_stream else 0) | (END_HEADERS if end_headers else 0)
        payload = block
        if priority is not None:
            flags |= PRIORITY_FLAG
            payload = priority + payload
        if padding is not None:
            flags |= PADDED
            payload = bytes([padding]) + payload + bytes(padding)
        self.write(HEADERS, flags, stream, payload)

    def data(self, stream, data, end_stream=True, padding=None):
        flags = END_STREAM if end_stream else 0
        if padding is not None:
            flags |= PADDED
            data = bytes([len(padding)]) + data + padding
        self.write(DATA, flags, stream, data)

    def continuation(self, stream, block, end_headers=True):
        self.write(CONTINUATION, END_HEADERS if end_headers else 0, stream, block)

    def priority(self, stream, depends_on=0, exclusive=False, weight=255):
        self.write(PRIORITY, 0, stream, priority_payload(depends_on, exclusive, weight))

    def reset(self, stream, error=CANCEL):
        self.write(RST_STREAM, 0, stream, struct.pack(">I", error))

    def send_settings(self, *pairs):
        self.write(SETTINGS, 0, 0, settings_payload(pairs))

    def ping(self, data=bytes(8), ack=False):
        self.write(PING, ACK if ack else 0, 0, data)

    def goaway(self, last=0, error=NO_ERROR, debug=b""):
        self.write(GOAWAY, 0, 0, struct.pack(">II", last, error) + debug)

    def window_update(self, stream, increment):
        self.write(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))

    # Receiving

    def _fill(self, count, deadline):
        while len(self.buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut()
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(1 << 16)
            except (TimeoutError, ssl.SSLWantReadError):
                raise TimedOut() from None
            except (ConnectionError, ssl.SSLError, OSError):
                raise Closed() from None
            finally:
                self.socket.settimeout(10)
            if not data:
                raise Closed()
            self.buffer += data

    def read(self, timeout=None):
        """The next frame; raises Closed or TimedOut."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        self._fill(9, deadline)
        length = int.from_bytes(self.buffer[:3], "big")
        self._fill(9 + length, deadline)
        type, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
        payload = self.buffer[9:9 + length]
        self.buffer = self.buffer[9 + length:]
        return Frame(type, flags, stream & 0x7FFFFFFF, payload)

    def frames(self, timeout=None):
        """Every frame until the connection ends or `timeout` seconds have passed in all."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                yield self.read(max(0.001, deadline - time.monotonic()))
            except (Closed, TimedOut):
                return

    def wait_for(self, *types, timeout=None):
        """The next frame of those types; the others are passed over."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            found = self.read(max(0.001, deadline - time.monotonic()))
            if found.type in types:
                return found

    def is_closed_within(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.read(max(0.001, deadline - time.monotonic()))
            except Closed:
                return True
            except TimedOut:
                return False

    def handshake(self, settings=((INITIAL_WINDOW_SIZE, 65535),), acknowledge=True):
        """Both prefaces and both acknowledgements."""
        self.send(PREFACE)
        self.send_settings(*settings)
        acked = seen = False
        while not (acked and seen):
            found = self.wait_for(SETTINGS)
            if found.is_ack:
                acked = True
            else:
                seen = True
                self.settings.update(found.settings)
                if acknowledge:
                    self.write(SETTINGS, ACK, 0)
        return self

    @property
    def max_frame_size(self):
        return self.settings.get(MAX_FRAME_SIZE, 16384)

    def request_fields(self, method="GET", path="/"):
        return [(":method", method), (":scheme", "https" if self.is_tls else "http"),
                (":path", path), (":authority", f"{self.address[0]}:{self.address[1]}")]
