"""Instructions of one operation: a fixed workload under callgrind, which counts the same every time.

One event loop, one request in flight, and marks between which operations count: at a mark nothing is on
its way, so that start, set-up and warm-up stay out of the figures to the instruction. Of several stretches
the cheapest counts: what happens once (a second reader's first statement) falls into one of them."""

import json
import os
import re
import shutil
import subprocess
import time

from . import build
from .processes import Server, directory, measure, started, end

THRESHOLDS = build.BENCH / "instructions" / "thresholds.json"
GROWTH = 1.05
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
READY = r"listening on \S+:(\d+)"
ROWS = 2000
SECONDS = 600
STRETCHES = 4


class Work:
    """One kind of operation: so many to warm up, and so many in each stretch that counts."""

    def __init__(self, name, mode, product, warmup, counted, **options):
        self.name, self.mode, self.product = name, mode, product
        self.warmup, self.counted, self.options = warmup, counted, options


ECHO = dict(connections=1, streams=1, in_flight=1)
SESSION = dict(connections=1, streams=1, in_flight=1, rows=ROWS)
MATCH_ONE, MATCH_MANY = "change seen by its one subscription", "change seen by 1 of 100,000"
WORKS = [
    Work("unary echo", "unary", "datasync-conformance", 1000, 1000, **ECHO),
    Work("stream echo", "stream", "datasync-conformance", 1000, 1000,
         **dict(ECHO, path="/bench.Echo/Stream")),
    Work("session create", "create", "datasync", 500, 500, **SESSION),
    Work("session get", "get", "datasync", 500, 500, **SESSION),
    Work("session query of 100 rows", "query", "datasync", 100, 50, **SESSION),
    Work("delivery to one of 100 subscribers", "fanout", "datasync", 5000, 5000,
         connections=10, subscribers=100, window=1),
    Work(MATCH_ONE, "match", "datasync", 500, 500, subscribers=1),
    Work(MATCH_MANY, "match", "datasync", 500, 500, subscribers=100_000),
]
# Two works, and how many times as much the first may take.
BOUNDS = [(MATCH_MANY, MATCH_ONE, 1.25)]


def start(work, output):
    """The server under callgrind, with one event loop and nothing that happens by the clock."""
    preloaded = build.compile_c("sigsuspend.so", [build.BENCH / "instructions" / "sigsuspend.c"],
                                ["-shared", "-fPIC"])
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1", MALLOC_ARENA_MAX="1",
                       LD_PRELOAD=str(preloaded))
    # On one processor, and as a batch: a thread that is woken does not run before its waker waits, so
    # that who comes first is no matter of what else the machine does.
    callgrind = ["chrt", "--batch", 0, "taskset", "--cpu-list", min(os.sched_getaffinity(0)),
                 "valgrind", "--tool=callgrind", f"--callgrind-out-file={output}",
                 "--instr-atstart=no", "--separate-threads=yes"]
    program = without_debug_information(build.swift_product(work.product))
    if work.product == "datasync-conformance":
        return Server([*callgrind, program, "--listen", "127.0.0.1:0", "--threads", 1], ready=READY,
                      environment=environment)
    database = directory() / "instructions.db"
    if work.mode in ("get", "query"):
        fill(program, database)
    return Server([*callgrind, program, "serve", database, "--schema", build.BENCH / "schema.sql",
                   "--attach", "--listen", "127.0.0.1:0", "--loops", 1,
                   "--foreign-poll-milliseconds", 60_000,
                   # An fsync costs no instructions of ours, only time.
                   "--synchronous", "normal"], ready=READY, environment=environment)


def without_debug_information(program):
    """A copy of the program; valgrind gives up on what the Swift compiler writes for debuggers."""
    copy = build.OUT / f"{program.name}-stripped"
    if not build.is_newer(copy, [program]):
        build.run("strip", "-g", "-o", copy, program)
    return copy


def fill(program, database):
    server = Server([program, "serve", database, "--schema", build.BENCH / "schema.sql", "--attach",
                     "--listen", "127.0.0.1:0"], ready=READY)
    measure([build.OUT / "driver", "fill", "--port", server.port, "--connections", 1, "--streams", 1,
             "--in-flight", 64, "--operations", ROWS], 120)
    server.stop()


def allocations(text):
    """Calls of the allocating functions in a callgrind output, whoever called them."""
    names, total, is_allocator = {}, 0, False
    for line in text.splitlines():
        if line.startswith("cfn="):
            number, _, name = line[4:].partition(" ")
            if name:
                names[number] = name
            is_allocator = names.get(number) in ALLOCATORS
        elif line.startswith("fn="):
            number, _, name = line[3:].partition(" ")
            if name:
                names[number] = name
        elif line.startswith("calls=") and is_allocator:
            total += int(line[6:].split()[0])
            is_allocator = False
    return total


def control(server, *words):
    """callgrind_control; it reaches the server by ptrace where that waits."""
    result = subprocess.run(
        ["callgrind_control", *words, str(server.pid)], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60)
    if result.returncode or "OK" not in result.stdout:
        raise RuntimeError(f"callgrind_control {words}: {result.stdout}{result.stderr}")


def settle(server):
    """Waits until the server does nothing any more."""
    until, known, since = time.monotonic() + 60, server.cpu_us(), time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < 0.3:
        time.sleep(0.02)
        if server.cpu_us() != known:
            known, since = server.cpu_us(), time.monotonic()


def count(work):
    """Instructions and allocations of one operation."""
    where = directory()
    output = where / "callgrind.out"
    server = start(work, output)
    words = [build.OUT / "driver", work.mode, "--port", server.port, "--mark", work.warmup,
             "--mark-every", work.counted, "--warmup-ms", 0, "--ms", SECONDS * 1000,
             "--heartbeat", 300]
    for name, value in work.options.items():
        words += ["--" + name.replace("_", "-"), value]
    driver = started(words, stdin=subprocess.PIPE)
    try:
        for action in [["-i", "on"], *[["-d"]] * STRETCHES]:
            await_mark(driver)
            settle(server)
            control(server, *action)
            driver.stdin.write("\n")
            driver.stdin.flush()
    finally:
        end(driver)
        server.process.kill()
        server.stop()
    stretches = [counted_threads(where, n + 1) for n in range(STRETCHES)]
    return tuple(min(sum(map(value, dumps)) for dumps in stretches) / work.counted
                 for value in (instructions, allocations))


def counted_threads(where, number):
    """What callgrind wrote of each thread in a stretch, but for the one that copies the WAL into the
    database: when it does is a matter of the clock."""
    dumps = [path.read_text() for path in where.glob(f"callgrind.out.{number}-*")]
    if not dumps:
        raise RuntimeError("callgrind wrote nothing")
    return [dump for dump in dumps if "sqlite3_wal_checkpoint_v2" not in dump]


def instructions(dump):
    found = re.search(r"^(?:summary|totals): (\d+)", dump, re.MULTILINE)
    return int(found[1]) if found else 0


def await_mark(driver):
    line = driver.stdout.readline()
    if line.strip() != "mark":
        raise RuntimeError(f"the driver ended early: {line}{driver.stderr.read()[-500:]}")


def say_grown(name, values, thresholds):
    """Prints a work's figures beside their thresholds; returns whether one has grown too much."""
    failed = False
    for what, value in values.items():
        known = thresholds.get(name, {}).get(what)
        grown = f"{value / known - 1:+.1%} of {known:,}" if known else "no threshold"
        # A tenth of an allocation is a rare event that fell into one run and not the other.
        is_over = known is not None and value > known * GROWTH + 0.1
        failed |= is_over
        print(f"{name:36} {value:12,.1f} {what:13} {grown}{'  TOO MANY' if is_over else ''}",
              flush=True)
    return failed


def say_bounds(counted):
    failed = False
    for name, other, most in BOUNDS:
        if name not in counted or other not in counted:
            continue
        ratio = counted[name]["instructions"] / counted[other]["instructions"]
        is_over = ratio > most
        failed |= is_over
        print(f"{name}: {ratio:.2f} of {other}, at most {most}{'  TOO MANY' if is_over else ''}",
              flush=True)
    return failed


def main(options):
    if not shutil.which("valgrind"):
        print("bench: valgrind is not installed; apt-get install valgrind")
        return 2
    build.build_c()
    thresholds = json.loads(THRESHOLDS.read_text()) if THRESHOLDS.exists() else {}
    counted, failed = {}, False
    for work in WORKS:
        if options.only and work.name not in options.only.split(","):
            continue
        began = time.monotonic()
        values = dict(zip(("instructions", "allocations"), count(work)))
        counted[work.name] = {name: round(value, 1) for name, value in values.items()}
        failed |= say_grown(work.name, counted[work.name], thresholds)
        build.say(f"{work.name}: {time.monotonic() - began:.0f} s")
    failed |= say_bounds(counted)
    if options.check and (missing := [name for name in counted if name not in thresholds]):
        print(f"no thresholds: {', '.join(missing)}; tools/bench --instructions --update")
        failed = True
    if options.update:
        THRESHOLDS.parent.mkdir(exist_ok=True)
        kept = {work.name: {**thresholds, **counted}.get(work.name) for work in WORKS}
        THRESHOLDS.write_text(
            json.dumps({name: values for name, values in kept.items() if values}, indent=2) + "\n")
    return 1 if failed and not options.update else 0
