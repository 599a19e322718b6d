"""Instructions of one operation: a fixed workload under callgrind, which counts the same every time.

One event loop, one connection, one request in flight, and the counts of two lengths of the workload:
their difference divided by the operations between them leaves out everything that happens once."""

import json
import re
import shutil
import time

from . import build
from .processes import Server, directory, measure

THRESHOLDS = build.BENCH / "instructions" / "thresholds.json"
GROWTH = 1.05
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
READY = r"listening on \S+:(\d+)"
ROWS = 2000


class Work:
    """One kind of operation. `lengths`: its operations in the short and in the long run."""

    def __init__(self, name, mode, product, lengths, per=1, **options):
        self.name, self.mode, self.product = name, mode, product
        self.lengths, self.per, self.options = lengths, per, options


ECHO = dict(connections=1, streams=1, in_flight=1)
SESSION = dict(connections=1, streams=1, in_flight=1, rows=ROWS)
WORKS = [
    Work("unary echo", "unary", "datasync-conformance", (2000, 12000), **ECHO),
    Work("stream echo", "stream", "datasync-conformance", (2000, 12000),
         **dict(ECHO, path="/bench.Echo/Stream")),
    Work("session create", "create", "datasync", (500, 2500), **SESSION),
    Work("session get", "get", "datasync", (500, 2500), **SESSION),
    Work("session query of 100 rows", "query", "datasync", (50, 250), **SESSION),
    Work("delivery to one of 100 subscribers", "fanout", "datasync", (5000, 25000),
         connections=10, subscribers=100, window=1),
]


def start(work, output):
    """The server under callgrind, with one event loop; timers that fire by the clock are few."""
    callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}",
                 "--separate-threads=no"]
    program = build.swift_product(work.product)
    if work.product == "datasync-conformance":
        return Server([*callgrind, program, "--listen", "127.0.0.1:0", "--threads", 1], ready=READY)
    database = directory() / "instructions.db"
    if work.mode in ("get", "query"):
        fill(program, database)
    return Server([*callgrind, program, "serve", database, "--schema", build.BENCH / "schema.sql",
                   "--attach", "--listen", "127.0.0.1:0", "--loops", 1,
                   # An fsync costs no instructions of ours, only time.
                   "--synchronous", "normal"], ready=READY)


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


def count(work, operations):
    """Instructions and allocations of the process for so many operations, all else included."""
    output = directory() / "callgrind.out"
    server = start(work, output)
    words = [build.OUT / "driver", work.mode, "--port", server.port, "--operations", operations,
             "--warmup-ms", 0, "--ms", 300_000]
    for name, value in work.options.items():
        words += ["--" + name.replace("_", "-"), value]
    measure(words, 400)
    server.process.terminate()
    server.process.wait(120)
    server.stop()
    text = output.read_text()
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    if not found:
        raise RuntimeError("callgrind wrote no summary")
    return int(found[1]), allocations(text)


def per_operation(work):
    short, long = work.lengths
    few, many = count(work, short), count(work, long)
    return [(b - a) / (long - short) for a, b in zip(few, many)]


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
        values = dict(zip(("instructions", "allocations"), per_operation(work)))
        counted[work.name] = {name: round(value, 1) for name, value in values.items()}
        for name, value in values.items():
            known = thresholds.get(work.name, {}).get(name)
            grown = f"{value / known - 1:+.1%} of {known:,}" if known else "no threshold"
            # A tenth of an allocation is a rare event that fell into one run and not the other.
            is_over = known is not None and value > known * GROWTH + 0.1
            failed |= is_over
            print(f"{work.name:36} {value:12,.1f} {name:13} {grown}"
                  f"{'  TOO MANY' if is_over else ''}", flush=True)
        build.say(f"{work.name}: {time.monotonic() - began:.0f} s")
    if options.update:
        THRESHOLDS.parent.mkdir(exist_ok=True)
        THRESHOLDS.write_text(json.dumps({**thresholds, **counted}, indent=2) + "\n")
    return 1 if failed and options.check else 0
