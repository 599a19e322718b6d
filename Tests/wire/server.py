"""datasync-conformance as a process: with --listen, or in the conformance runner's handshake."""

import os
import pathlib
import re
import select
import signal
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY = re.compile(rb"^datasync-conformance listening on (\S+):(\d+)\n")
START_SECONDS = 30
STOP_SECONDS = 15


def binary():
    given = os.environ.get("DATASYNC_CONFORMANCE_BIN")
    path = pathlib.Path(given) if given else ROOT / ".build" / "debug" / "datasync-conformance"
    assert path.exists(), f"{path} does not exist; build it, or set DATASYNC_CONFORMANCE_BIN"
    return str(path)


class Server:
    """A running server; its standard error goes to a file that failures show."""

    def __init__(self, arguments, prefix=()):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*prefix, binary(), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors)
        self.address = None
        self.certificate = b""
        self.was_told = False

    @classmethod
    def listening(cls, *arguments, prefix=(), **limits):
        """With --listen on a free port, and limits by name: `write_timeout="500ms"`."""
        options = [f"--limit={name}={value}" for name, value in limits.items()]
        self = cls(["--listen", "127.0.0.1:0", *arguments, *options], prefix)
        ready = READY.match(self._read_line())
        assert ready, f"the server did not start: {self.log()}"
        self.address = ready[1].decode(), int(ready[2])
        return self

    @classmethod
    def compat(cls, request, response_type):
        """With the handshake: a ServerCompatRequest in, a ServerCompatResponse out."""
        self = cls([])
        message = request.SerializeToString()
        self.process.stdin.write(struct.pack(">I", len(message)) + message)
        self.process.stdin.flush()
        self.end_input()
        length = struct.unpack(">I", self._read(4))[0]
        response = response_type.FromString(self._read(length))
        self.address = response.host, response.port
        self.certificate = response.pem_cert
        return self

    def _read(self, count):
        data = b""
        deadline = time.monotonic() + START_SECONDS
        output = self.process.stdout
        while len(data) < count:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([output], [], [], left)[0], "no answer in time"
            part = os.read(output.fileno(), count - len(data))
            assert part, f"the server ended: {self.log()}"
            data += part
        return data

    def _read_line(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self._read(1)
        return line

    @property
    def target(self):
        return f"{self.address[0]}:{self.address[1]}"

    def log(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-8000:]

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end_input(self):
        """What the public suites' runner does as soon as it has sent its request."""
        self.process.stdin.close()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def ended(self, seconds=STOP_SECONDS):
        """Waits for the end of one that was told to end; returns the exit code."""
        self.was_told = True
        return self.process.wait(seconds)

    def stop(self):
        """Ends it; the test fails if it had died by itself."""
        died = None if self.was_told else self.process.poll()
        if died is None:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        log = self.log()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            stream.close()
        assert died is None, f"the server ended by itself with {died}:\n{log}"
