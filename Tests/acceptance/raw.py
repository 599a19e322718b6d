"""gRPC by hand, over the frames of HTTP/2: for what a proper client cannot be made to do."""

import select
import socket
import struct
import time

import h2.config
import h2.connection
import h2.events
import h2.settings


def framed(message, length=None, flag=0):
    """A message with its prefix; `length` may lie."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


class RawConnection:
    """One HTTP/2 connection; nothing is sent that was not asked for."""

    def __init__(self, address, seconds=10):
        host, port = address.rsplit(":", 1)
        self.address = address
        self.socket = socket.create_connection((host, int(port)), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.bodies = {}
        self.heads = {}
        self.trailers = {}
        self.resets = {}
        self.ended = set()
        self.closed = False
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def begin(self, path, *more):
        """Sends a request's head; returns the stream's id."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(
            stream,
            [
                (":method", "POST"), (":scheme", "http"), (":path", path),
                (":authority", self.address), ("content-type", "application/grpc"),
                ("te", "trailers"), *more,
            ],
        )
        self.bodies[stream] = b""
        self.flush()
        return stream

    def send(self, stream, data, end=False):
        """Sends bytes as the windows allow."""
        deadline = time.monotonic() + 10
        while True:
            window = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size
            )
            if data and window <= 0:
                assert time.monotonic() < deadline, "the window does not open"
                self.receive(0.5)
                if stream in self.ended or stream in self.resets or self.closed:
                    return
                continue
            piece, data = data[:window], data[window:]
            self.h2.send_data(stream, piece, end_stream=end and not data)
            self.flush()
            if not data:
                return

    def receive(self, seconds=0.0):
        """Reads what is there, waiting at most so long for the first of it."""
        # Not select(): a descriptor may be past 1,024.
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return False
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.h2.receive_data(data):
            stream = getattr(event, "stream_id", None)
            if isinstance(event, h2.events.DataReceived):
                self.bodies[stream] = self.bodies.get(stream, b"") + event.data
                if event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.ResponseReceived):
                self.heads[stream] = {text(k): text(v) for k, v in event.headers}
            elif isinstance(event, h2.events.TrailersReceived):
                self.trailers[stream] = {text(k): text(v) for k, v in event.headers}
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(stream)
            elif isinstance(event, h2.events.StreamReset):
                self.resets[stream] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.closed = True
        self.flush()
        return True

    def wait(self, condition, seconds=10):
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0 and not self.closed, "what was waited for did not come"
            self.receive(left)

    def status(self, stream, seconds=10):
        """The grpc-status of a finished call, as a number."""
        self.wait(lambda: stream in self.ended or stream in self.resets, seconds)
        fields = self.heads.get(stream, {}) | self.trailers.get(stream, {})
        return int(fields["grpc-status"])

    def close(self):
        self.socket.close()

    def vanish(self):
        """Resets the connection without a farewell."""
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.socket.close()


def text(value):
    return value.decode() if isinstance(value, bytes) else value
