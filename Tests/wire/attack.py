"""What attacks have in common: floods that read or do not, and who watches the server meanwhile."""

import contextlib
import json
import pathlib
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field

from http2 import GOAWAY, RST_STREAM, Connection, Frame

# A client on another connection may wait so long, in seconds: the machine is small, the build slow.
WORST_LATENCY = 1.0
# Above what the server took before, in bytes; allocators keep some.
MEMORY_SLACK = 24 << 20
# (attack, calls, worst latency in seconds, memory in bytes) for the end of the run.
RECORD = []


@dataclass
class Result:
    closed: bool = False
    sent: int = 0
    frames: dict = field(default_factory=dict)
    goaway: Frame | None = None
    resets: list = field(default_factory=list)
    ended: set = field(default_factory=set)

    def count(self, type):
        return self.frames.get(type, 0)

    def assert_ended(self, error=11, debug=None):
        """The server said why, and closed."""
        assert self.closed, f"still open after {self.sent} B and {self.frames}"
        assert self.goaway is not None, f"closed without GOAWAY after {self.sent} B"
        assert self.goaway.error == error, str(self.goaway)
        if debug is not None:
            assert self.goaway.debug == debug, str(self.goaway)


def flood(connection, chunks, seconds=10, reads=True, lingers=1.0):
    """Sends chunks as fast as the server takes them, reading beside it, until it closes.

    After the last chunk it reads on for `lingers` seconds. With `reads` false nothing is read before
    the sending is over: the server's answers pile up.
    """
    result = Result()
    socket = connection.socket
    socket.setblocking(False)
    deadline = time.monotonic() + seconds
    chunks = iter(chunks)
    pending = b""
    sending = True
    while time.monotonic() < deadline and not result.closed:
        if sending and not pending:
            pending = next(chunks, b"")
            if not pending:
                sending = False
                deadline = min(deadline, time.monotonic() + lingers)
        listens = reads or not sending
        ready = select.select([socket] if listens else [], [socket] if pending else [], [], 0.05)
        try:
            if ready[0]:
                data = socket.recv(1 << 18)
                if not data:
                    result.closed = True
                connection.buffer += data
                _parse(connection, result)
            if ready[1]:
                count = socket.send(pending)
                result.sent += count
                pending = pending[count:]
        except BlockingIOError:
            continue
        except OSError:
            # What came before is still there to be read.
            sending, pending = False, b""
            if not ready[0]:
                result.closed = not _drain(connection, result)
            else:
                result.closed = True
    socket.setblocking(True)
    return result


def _drain(connection, result):
    try:
        while data := connection.socket.recv(1 << 18):
            connection.buffer += data
        _parse(connection, result)
        return False
    except BlockingIOError:
        _parse(connection, result)
        return True
    except OSError:
        _parse(connection, result)
        return False


def _parse(connection, result):
    buffer = connection.buffer
    while len(buffer) >= 9:
        length = int.from_bytes(buffer[:3], "big")
        if len(buffer) < 9 + length:
            break
        frame = Frame(buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big") & 0x7FFFFFFF,
                      buffer[9:9 + length])
        buffer = buffer[9 + length:]
        result.frames[frame.type] = result.count(frame.type) + 1
        if frame.type == GOAWAY:
            result.goaway = frame
        if frame.type == RST_STREAM:
            result.resets.append((frame.stream, frame.error))
            result.ended.add(frame.stream)
        if frame.ends_stream:
            result.ended.add(frame.stream)
    connection.buffer = buffer


def attacker(server, **options):
    """A connection that has shaken hands."""
    connection = Connection(server.address, **options)
    connection.handshake()
    return connection


def line_of(process, what, seconds=60):
    """The next line of a process, which it writes whole."""
    ready = select.select([process.stdout], [], [], seconds)[0]
    assert ready, f"{what} did not come within {seconds} s"
    return process.stdout.readline()


@contextlib.contextmanager
def watched(server, name, slack=MEMORY_SLACK):
    """Holds that a bystander is served throughout, and that memory comes back."""
    before = server.resident_bytes()
    watcher = subprocess.Popen(
        [sys.executable, str(pathlib.Path(__file__).with_name("bystander.py")),
         server.address[0], str(server.address[1])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert line_of(watcher, "the bystander's start") == "ready\n"
        yield
        watcher.stdin.close()
        seen = json.loads(line_of(watcher, "what the bystander saw"))
        assert watcher.wait(15) == 0
    finally:
        watcher.kill()
        watcher.wait(15)
        watcher.stdout.close()
    assert server.process.poll() is None, f"the server died:\n{server.log()}"
    deadline = time.monotonic() + 5
    while (after := server.resident_bytes()) > before + slack and time.monotonic() < deadline:
        time.sleep(0.1)
    RECORD.append((name, seen["calls"], seen["worst"], after - before))
    assert not seen["failures"], f"a bystander was refused: {seen['reason']}"
    assert seen["worst"] < WORST_LATENCY, f"a bystander waited {seen['worst']:.3f} s"
    assert after <= before + slack, f"{(after - before) >> 20} MiB did not come back"
