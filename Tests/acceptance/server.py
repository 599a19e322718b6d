"""The server under test, as a process: started, killed, drained and started again."""

import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import threading
import time

import grpc

from contract import Contract
from errors import Refused, refusals

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY = re.compile(r"^datasync listening on (\S+):(\d+)$")
START_SECONDS = 30
STOP_SECONDS = 15
# A crash is told of in short, and soon.
ENVIRONMENT = {
    "SWIFT_BACKTRACE": "enable=yes,threads=crashed,registers=none,images=none,color=no,limit=12",
    **os.environ,
}
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Each channel gets a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
]


# Where tables keep their system fields: "beside" or "within" for all; where it is not set, tables of
# databases that `serve --schema` makes are within, all others beside.
PLACEMENT = os.environ.get("DATASYNC_PLACEMENT", "")


def placed(database, arguments):
    """The arguments of `serve` for the placement of this run."""
    if PLACEMENT == "within" and "--attach" in arguments and "--schema" not in arguments:
        return [*arguments, "--within", "*"]
    if PLACEMENT == "beside" and "--schema" in arguments:
        place = arguments.index("--schema")
        schema = pathlib.Path(arguments[place + 1])
        if not database.exists():
            connection = sqlite3.connect(database)
            connection.executescript(schema.read_text())
            connection.close()
        return arguments[:place] + arguments[place + 2:]
    return arguments


def binary():
    given = os.environ.get("DATASYNC_BIN")
    path = pathlib.Path(given) if given else ROOT / ".build" / "debug" / "datasync"
    assert path.exists(), f"{path} does not exist; build it, or set DATASYNC_BIN"
    return str(path)


def run(*arguments, timeout=60, **options):
    """One command of the program, to its end."""
    return subprocess.run(
        [binary(), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        **options,
    )


class Server:
    """`datasync serve` on a database; the port is the server's choice."""

    def __init__(self, database, *arguments, environment=None):
        self.database = pathlib.Path(database)
        self.arguments = list(map(str, arguments))
        self.environment = environment or {}
        self.log_path = self.database.with_name(self.database.name + ".log")
        self.process = None
        self.address = None
        self.output = []
        self._channels = []
        self._contract = None
        self._ended_on_purpose = False

    # -- life

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [
                binary(), "serve", str(self.database), "--listen", "127.0.0.1:0",
                *placed(self.database, self.arguments),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**ENVIRONMENT, **self.environment},
        )
        log.close()
        self.output = []
        self._ended_on_purpose = False
        # What a connection to the process before knew is no longer true.
        self._close_channels()
        ready = threading.Event()

        def read(stream=self.process.stdout):
            for line in stream:
                self.output.append(line.rstrip("\n"))
                ready.set()
            ready.set()

        threading.Thread(target=read, daemon=True).start()
        ready.wait(START_SECONDS)
        found = READY.match(self.output[0]) if self.output else None
        if not found:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
            raise AssertionError(f"the server did not start: {self.output!r}\n{self.log()}")
        self.address = f"{found[1]}:{found[2]}"
        self._contract = None
        return self

    def kill(self):
        """SIGKILL: no farewell, nothing flushed."""
        self._ended_on_purpose = True
        self.process.kill()
        self.process.wait(STOP_SECONDS)
        self._close_channels()

    def terminate(self):
        """SIGTERM; returns the exit code."""
        self._ended_on_purpose = True
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_SECONDS)
        self._close_channels()
        return code

    def stop(self):
        """Ends it at the end of a test, which fails if the server had died by itself."""
        died = self.process.poll()
        if died is None:
            self.process.kill()
            self.process.wait(STOP_SECONDS)
        self._close_channels()
        assert died is None or self._ended_on_purpose, f"the server ended by itself with {died}:\n{self.log()}"

    def log(self):
        """What it wrote to standard error: the beginning, where a crash says what it is."""
        return self.log_path.read_text(errors="replace")[:3000] if self.log_path.exists() else ""

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # -- talking to it

    def channel(self):
        channel = grpc.insecure_channel(self.address, options=CHANNEL_OPTIONS)
        self._channels.append(channel)
        return channel

    def _close_channels(self):
        for channel in self._channels:
            channel.close()
        self._channels = []
        self._shared = None
        self._contract = None

    _shared = None

    @property
    def shared_channel(self):
        if self._shared is None:
            self._shared = self.channel()
        return self._shared

    @property
    def contract(self):
        """What reflection says, asked for once a start."""
        if self._contract is None:
            self._contract = Contract(self.shared_channel)
        return self._contract

    def refresh(self):
        """Forgets what reflection said, and the connection with it."""
        self._contract = None

    def unary(self, method, metadata=(), timeout=60, service="datasync.v1.Datasync", **fields):
        """A unary call by name; the answer, or Refused."""
        return self.unary_with_trailers(method, metadata, timeout, service, **fields)[0]

    def unary_with_trailers(
        self, method, metadata=(), timeout=60, service="datasync.v1.Datasync", **fields
    ):
        descriptor = self.contract.method(service, method)
        request = self.contract.new(descriptor.input_type.full_name, **fields)
        call = self.shared_channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.contract.class_of(
                descriptor.output_type.full_name
            ).FromString,
        )
        with refusals(self.contract):
            answer, outcome = call.with_call(request, metadata=metadata, timeout=timeout)
            return answer, dict(outcome.trailing_metadata() or ())

    def raw_unary(self, path, body, metadata=(), timeout=60):
        """A unary call with bytes as they are."""
        call = self.shared_channel.unary_unary(path)
        with refusals(self.contract):
            return call(body, metadata=metadata, timeout=timeout)

    def stream(self, method, metadata=(), timeout=20, service="datasync.v1.Datasync", **fields):
        """A server-streaming call: an iterator of its messages (and a grpc.Call)."""
        descriptor = self.contract.method(service, method)
        request = self.contract.new(descriptor.input_type.full_name, **fields)
        call = self.shared_channel.unary_stream(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.contract.class_of(
                descriptor.output_type.full_name
            ).FromString,
        )
        return call(request, metadata=metadata, timeout=timeout)

    def typed(self, table_service, method, metadata=(), timeout=60, **fields):
        return self.unary(method, metadata, timeout, f"tables.{table_service}", **fields)

    # -- beside it

    def sqlite(self):
        """Another program's connection to the same database."""
        connection = sqlite3.connect(self.database, timeout=10, isolation_level=None)
        connection.execute("PRAGMA busy_timeout = 10000")
        return connection

    def foreign(self, sql, parameters=()):
        """One statement by another program."""
        connection = self.sqlite()
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()


def until(condition, seconds=10, message="did not come true"):
    """Waits for a condition, with a deadline; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, message
        time.sleep(0.01)


__all__ = ["ROOT", "Refused", "Server", "binary", "run", "until"]
