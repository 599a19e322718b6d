"""The load of a client that stops reading: the benchmark's driver, in its mode `sleeper`."""

import dataclasses
import json
import subprocess
import sys

from server import ROOT, Server

sys.path.insert(0, str(ROOT / "bench"))

from harness import build  # noqa: E402

BODY_BYTES = 8_000
# Writes on their way: enough that the server always has one to go on with.
WINDOW = 8


@dataclasses.dataclass
class Size:
    subscriptions: int
    connections: int
    # Awake, asleep, and awake again: so long each, or so many writes; 0: any number.
    seconds: float
    writes: int = 0
    warm_up_seconds: float = 2
    heartbeat_seconds: int = 60
    # Beyond the phases: to open all, to catch up, and for a server that is slow to answer.
    patience_seconds: float = 420


def start_server(directory, environment=None):
    """What it holds for a client shows in its memory: the recent changes and pages of the database
    that it keeps at hand for everybody are few, and nothing is compacted away."""
    limits = {"tail_bytes": "1000000", "cache_bytes": "1MiB", "max_log_bytes": "64GiB"}
    return Server(
        directory / "load.db", "--attach", "--schema", build.BENCH / "schema.sql",
        "--synchronous", "normal",
        *(word for name, value in limits.items() for word in ("--limit", f"{name}={value}")),
        environment=environment,
    ).start()


def run(server, size):
    """What the driver reports, see bench/driver/sleeper.c."""
    host, port = server.address.rsplit(":", 1)
    words = [
        build.build_driver(), "sleeper", "--host", host, "--port", port,
        "--server-pid", server.process.pid, "--connections", size.connections,
        "--subscribers", size.subscriptions, "--size", BODY_BYTES, "--window", WINDOW,
        "--warmup-ms", round(1000 * size.warm_up_seconds), "--ms", round(1000 * size.seconds),
        "--operations", size.writes, "--heartbeat", size.heartbeat_seconds,
    ]
    result = subprocess.run(
        list(map(str, words)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=size.warm_up_seconds + 3 * size.seconds + size.patience_seconds,
    )
    assert result.returncode == 0, f"{result.stderr}{server.log()}"
    return json.loads(result.stdout)
