"""Who takes part: how each is started, and what its figures stand for."""

import dataclasses
import sqlite3
import typing

from . import build
from .processes import Server, directory, free_port, measure

READY = r"listening on \S+:(\d+)"
OURS = "datasync"
BESIDE, WITHIN = f"{OURS}, beside", f"{OURS}, within"


@dataclasses.dataclass
class Contender:
    """One side of a comparison."""

    name: str
    # What a figure of it promises: durability, or that nothing is kept.
    keeps: str
    # Starts it; returns what `run` is given.
    start: typing.Callable[[], object]
    # One measurement: (started, milliseconds, milliseconds of warm-up) to the driver's result.
    run: typing.Callable[[object, int, int], dict]
    # The peer (build.PEERS) that it needs.
    peer: str | None = None
    # Most rounds that it takes part in.
    rounds: int = 100

    @property
    def is_ours(self):
        return self.name.startswith(OURS)


def driver(mode, target, **options):
    """A measurement by the driver against a started server."""

    def measured(server, ms, warmup):
        words = [build.OUT / "driver", mode, "--target", target, "--port", server.port,
                 "--server-pid", server.pid, "--ms", ms, "--warmup-ms", warmup]
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), value]
        return measure(words, ms / 1000 + 150)

    return measured


# -- ours

def conformance(options):
    loops = ["--threads", options.loops] if options.loops else []
    return lambda: Server(
        [build.swift_product("datasync-conformance"), "--listen", "127.0.0.1:0", *loops],
        ready=READY)


def serve(database, options, *more, schema=build.BENCH / "schema.sql", **process):
    loops = ["--loops", options.loops] if options.loops else []
    return Server(
        [build.swift_product("datasync"), "serve", database, "--schema", schema, "--attach",
         "--listen", "127.0.0.1:0", *loops, *more],
        ready=READY, **process)


def serve_beside(database, options, schema):
    """Makes the tables as their owner does; the server then attaches them."""
    owners = sqlite3.connect(database)
    owners.executescript(schema.read_text())
    owners.close()
    loops = ["--loops", options.loops] if options.loops else []
    return Server(
        [build.swift_product("datasync"), "serve", database, "--attach", "--listen", "127.0.0.1:0",
         *loops], ready=READY)


def datasync(options, *more, rows=0, size=200):
    """The server on a new database, filled through it where rows are asked for."""

    def start():
        server = serve(directory() / "bench.db", options, *more)
        fill(server, rows, size)
        return server

    return start


def placed(options, placement, rows=0, size=200, lists=1):
    """The same, with the rows' system fields beside their table or within it."""
    schema = build.BENCH / ("schema.sql" if lists == 1 else "indexed.sql")

    def start():
        path = directory() / "bench.db"
        server = (serve_beside(path, options, schema) if placement == BESIDE
                  else serve(path, options, schema=schema))
        fill(server, rows, size, lists)
        return server

    return start


def fill(server, rows, size, lists=1):
    if rows:
        measure([build.OUT / "driver", "fill", "--port", server.port, "--connections", 1,
                 "--streams", 1, "--in-flight", 512, "--operations", rows, "--size", size,
                 "--lists", lists], 600)


def fresh(start, run):
    """A measurement with a server of its own each time."""

    def measured(_, ms, warmup):
        server = start()
        try:
            return run(server, ms, warmup)
        finally:
            server.stop()

    return measured


class PreparedDatabase:
    """A database with rows, attached; to be started again and again."""

    def __init__(self, options, rows):
        self.options = options
        self.path = directory() / "ready.db"
        database = sqlite3.connect(self.path)
        database.executescript((build.BENCH / "schema.sql").read_text())
        database.executemany(
            "INSERT INTO items (id, list_id, title, done) VALUES (?, 'bench', ?, 0)",
            ((f"019a0000-0000-7000-8000-{n:012x}", "x" * 200) for n in range(rows)))
        database.commit()
        database.close()
        # The first start attaches the table.
        serve(self.path, options).stop()

    def start(self):
        server = serve(self.path, self.options)
        result = {"ready_ms": server.seconds_to_ready * 1000, "cpu_ms": server.cpu_us() / 1000,
                  "rss_kib": server.resident_kib(), "failures": 0}
        server.stop()
        return result

    def stop(self):
        pass


# -- limits

def c_server(name):
    return lambda: Server([build.OUT / name, 0], ready=READY)


def keeping_hub(synchronous):
    return lambda: Server([build.OUT / "hub", 0, directory() / "hub.db", synchronous], ready=READY)


class Database:
    """A file for the limit of the database; no process of its own."""

    pid = None

    def __init__(self, rows=0, size=200):
        self.path = directory() / "limit.db"
        if rows:
            measure([build.OUT / "sqlite_limit", "fill", self.path, "--rows", rows,
                     "--size", size], 600)

    def stop(self):
        pass


def sqlite_limit(mode, **options):
    def measured(database, ms, warmup):
        words = [build.OUT / "sqlite_limit", mode, database.path, "--ms", ms]
        for name, value in options.items():
            words += ["--" + name, value]
        return measure(words, ms / 1000 + 60)

    return measured


# -- peers

def etcd():
    where, port, peer_port = directory(), free_port(), free_port()
    return Server(
        ["etcd", "--data-dir", where / "etcd", "--log-level", "error",
         "--listen-client-urls", f"http://127.0.0.1:{port}",
         "--advertise-client-urls", f"http://127.0.0.1:{port}",
         "--listen-peer-urls", f"http://127.0.0.1:{peer_port}",
         "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer_port}",
         "--initial-cluster", f"default=http://127.0.0.1:{peer_port}",
         # Its default of 2 GiB would end a long run.
         "--quota-backend-bytes", 8 << 30], port)


def redis():
    port = free_port()
    return Server(
        ["redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no",
         "--dir", directory(), "--maxclients", 20000,
         # A subscriber that lags behind the benchmark's window is not to be cut off.
         "--client-output-buffer-limit", "pubsub", "0", "0", "0"], port)


def nats():
    port = free_port()
    return Server(["nats-server", "-a", "127.0.0.1", "-p", port], port)


def grpc():
    return Server([build.OUT / "grpc_echo", 0], ready=READY)


def nghttpd():
    where, port = directory(), free_port()
    (where / "index.html").write_bytes(b"x" * 200)
    return Server(["nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", where, "-m", 1000, port], port)


def h2load(server, ms, warmup):
    """nghttpd by h2load: a GET of 200 bytes, as a second opinion on what nghttp2 takes."""
    import re
    import subprocess
    import time

    count = max(2000, ms * 30)
    before, began = server.cpu_us(), time.monotonic()
    result = subprocess.run(
        ["h2load", "-n", str(count), "-c", "8", "-m", "32", f"http://127.0.0.1:{server.port}/"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ms / 1000 + 120)
    took = time.monotonic() - began
    found = re.search(r"finished in \S+, ([\d.]+) req/s", result.stdout)
    if not found or f"{count} succeeded" not in result.stdout:
        raise RuntimeError(f"h2load: {result.stdout[-500:]}{result.stderr[-500:]}")
    cpu = server.cpu_us() - before
    return {"rate": float(found[1]), "cpu_us": cpu / count, "server_busy": cpu / 1e6 / took,
            "rss_kib": server.resident_kib(), "failures": 0, "driver_bound": False}
