"""Where a server's processor time goes: samples by perf, put under the name of who spends them."""

import collections
import os
import re
import shutil
import subprocess
import threading
import time

from . import build, document, scenarios
from .processes import directory

SAMPLED_MS = 3000
# What driver and perf may take to begin.
START_MS = 700
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
    ("ours: model, filter", re.compile(r"DatasyncFilter|DatasyncModel")),
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
            target=lambda: result.update(ours.run(server, SAMPLED_MS + 2 * START_MS, options.warmup)))
        worker.start()
        time.sleep((options.warmup + START_MS) / 1000)
        subprocess.run(
            ["perf", "record", "-e", "cpu-clock", "-F", "1999", "-p", str(server.pid), "-o",
             str(output), "--", "sleep", str(SAMPLED_MS / 1000)],
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


PATHS = ["unary", "stream", "create", "get", "query", "fanout-100", "replay"]
HOW = "tools/bench --profile"


def shares_of(samples):
    shares = collections.Counter()
    for share, dso, symbol in samples:
        shares[owner(dso, symbol)] += share
    return shares


def table(profiles):
    """One column a path: µs of an operation, and the share, by who spends it; ours last."""
    total = collections.Counter()
    for _, shares, _, _ in profiles:
        total.update(shares)
    names = sorted(total, key=lambda name: (name.startswith("ours"), -total[name]))
    head = ["µs of the server's processor, by"] + [
        f"{name} (a {unit})" for name, _, unit, _ in profiles]
    rows = [["**all**", *[f"**{cpu:.2f}**" for _, _, _, cpu in profiles]]]
    rows += [[name, *[f"{shares[name] * cpu / 100:.2f} ({shares[name]:.0f} %)"
                      for _, shares, _, cpu in profiles]] for name in names]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def main(options):
    if not shutil.which("perf"):
        print("bench: perf is not installed; apt-get install linux-perf")
        return 2
    wanted = options.only.split(",") if options.only else PATHS
    profiles, before = [], os.getloadavg()[0]
    for scenario in scenarios.all_scenarios(options):
        if scenario.name not in wanted:
            continue
        result, samples = profile(scenario, options)
        if not samples:
            raise RuntimeError(f"perf saw nothing of {scenario.name}")
        profiles.append(
            (scenario.name, shares_of(samples), scenario.unit, result.get("cpu_us") or 0))
        print(f"### {scenario.name}\n")
        for share, dso, symbol in samples[: options.top]:
            print(f"    {share:5.2f} %  {dso:28.28} {symbol[:150]}")
        print(flush=True)
    text = (f"{table(profiles)}\n\n{time.strftime('%Y-%m-%d')}, load average {before:.1f} before, "
            f"{os.getloadavg()[0]:.1f} after.")
    print(text)
    if options.update:
        document.replace("profile", HOW, text)
    return 0
