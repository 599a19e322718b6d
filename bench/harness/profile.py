"""Where a server's processor time goes: samples by perf, put under the name of who spends them."""

import collections
import re
import shutil
import subprocess
import threading
import time

from . import build, scenarios
from .processes import directory

# The first pattern that a sample's object or symbol matches names its owner.
OWNERS = [
    ("kernel", re.compile(r"^\[kernel|^\[unknown\]|^\[k\]|vdso")),
    ("SQLite", re.compile(r"sqlite")),
    ("nghttp2", re.compile(r"nghttp2")),
    ("protobuf-c", re.compile(r"protobuf-c")),
    ("allocation", re.compile(
        r"\b(malloc|free|calloc|realloc|_int_malloc|_int_free|cfree|malloc_consolidate|"
        r"unlink_chunk|sysmalloc|swift_slowAlloc|swift_slowDealloc)\b")),
    ("Swift runtime", re.compile(
        r"libswift|\bswift_|swift::|_swift_|\$sS[aSDhs]|\$ss|Swift\.|specialized (Array|Dictionary)")),
    ("NIO", re.compile(r"NIOPosix|NIOCore|NIOConcurrency|_NIO|NIO|Atomics")),
    ("ours: HTTP2", re.compile(r"DatasyncHTTP2")),
    ("ours: RPC", re.compile(r"DatasyncRPC")),
    ("ours: messages", re.compile(r"DatasyncMessages|DatasyncProtobuf|datasync__v1")),
    ("ours: store", re.compile(r"DatasyncStore")),
    ("ours: filter", re.compile(r"DatasyncFilter|DatasyncModel")),
    ("ours: server", re.compile(r"DatasyncServer|datasync")),
    ("C library", re.compile(r"libc|ld-linux|libpthread|libm\b")),
]


def owner(dso, symbol):
    for name, pattern in OWNERS:
        if name == "kernel" and pattern.search(dso):
            return name
        if name in ("SQLite", "nghttp2", "protobuf-c") and pattern.search(dso):
            return name
        if name not in ("kernel", "SQLite", "nghttp2", "protobuf-c") and pattern.search(symbol):
            return name
    return "Swift runtime" if "swift" in dso.lower() else "C library" if "libc" in dso else "other"


def profile(scenario, options):
    """Runs our side of the scenario under perf; returns (driver's result, [(share, dso, symbol)])."""
    ours = next(who for who in scenario.contenders if who.is_ours)
    server = ours.start()
    output = directory() / "perf.data"
    try:
        result = {}
        worker = threading.Thread(
            target=lambda: result.update(ours.run(server, options.ms, options.warmup)))
        worker.start()
        time.sleep(options.warmup / 1000 + 0.3)
        subprocess.run(
            ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-p", str(server.pid), "-o",
             str(output), "--", "sleep", str(max(0.3, options.ms / 1000 - 0.5))],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        worker.join(300)
    finally:
        server.stop()
    text = build.run(
        "perf", "report", "-i", output, "--stdio", "--no-children", "--sort", "dso,symbol",
        "--percent-limit", "0.01", "-w", "0", timeout=120)
    samples = []
    for line in text.splitlines():
        found = re.match(r"\s+([\d.]+)%\s+(\S+)\s+\[[.k]\]\s+(.*?)(\s+-)*\s*$", line)
        if found:
            samples.append((float(found[1]), found[2], found[3]))
    return result, samples


def main(options):
    if not shutil.which("perf"):
        print("bench: perf is not installed; apt-get install linux-perf")
        return 2
    wanted = options.only.split(",") if options.only else [
        "unary", "stream", "create", "get", "query", "fanout-100"]
    for scenario in scenarios.all_scenarios(options):
        if scenario.name not in wanted:
            continue
        result, samples = profile(scenario, options)
        shares = collections.Counter()
        for share, dso, symbol in samples:
            shares[owner(dso, symbol)] += share
        cpu = result.get("cpu_us") or 0
        print(f"### {scenario.name}: {cpu:.2f} µs of processor time a {scenario.unit}\n")
        print("| where | share | µs |\n|---|---|---|")
        for name, share in shares.most_common():
            print(f"| {name} | {share:.1f} % | {share * cpu / 100:.2f} |")
        print()
        for share, dso, symbol in samples[: options.top]:
            print(f"    {share:5.2f} %  {dso:28.28} {symbol[:150]}")
        print(flush=True)
    return 0
