"""How the cost of an operation goes with what there is: rows, sessions, subscriptions.

One server for each size, all at once; each is measured in turn, round by round, so that what disturbs
one size disturbs its neighbours. Written as plots and tables into docs/."""

import os
import shutil
import sqlite3
import time

from . import build, document, plot
from .contenders import READY, Database, datasync, driver, serve
from .processes import directory
from .table import median, number

HOW = "tools/bench --scale"
NORMAL = ("--synchronous", "normal")
# Of ten million rows, and what their log and WAL take beside them.
BYTES_PER_ROW = 400
FILL = """
WITH RECURSIVE counter(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counter LIMIT ?)
INSERT INTO items (id, list_id, title, done)
SELECT printf('019a0000-0000-7000-8000-%012x', n), 'bench', ?, 0 FROM counter
"""


class Filled:
    """A server on a database with so many rows, made by SQLite and then attached."""

    def __init__(self, rows, options):
        self.where = directory()
        path = self.where / "scale.db"
        database = sqlite3.connect(path)
        database.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
                               + (build.BENCH / "schema.sql").read_text())
        database.execute(FILL, (rows, "x" * 60))
        database.commit()
        database.close()
        self.server = serve(path, options, *NORMAL, start_seconds=900)
        self.pid, self.port = self.server.pid, self.server.port

    def stop(self):
        self.server.stop()
        # Not only at the end: the largest takes gigabytes.
        shutil.rmtree(self.where, ignore_errors=True)


class Scale:
    """One kind of size. `lines`: name of an operation to what measures it at a size."""

    def __init__(self, name, title, x_name, sizes, start, lines):
        self.name, self.title, self.x_name = name, title, x_name
        self.sizes, self.start, self.lines = sizes, start, lines


def scales(options):
    def powers(least, most, most_in_full):
        top = most_in_full if options.full else most
        return [10**n for n in range(least, top + 1)]

    def rows(mode, **more):
        shape = dict(connections=2, streams=8, size=60, **more)
        return lambda size: driver(mode, "datasync", rows=size, **shape)

    def spread(size):
        return driver("spread", "datasync", connections=size, streams=1, rows=1000)

    def match(size):
        return driver("match", "datasync", subscribers=size, heartbeat=300)

    empty = datasync(options, *NORMAL)
    return [
        Scale("rows", "Cost by rows in the table", "rows", powers(3, 5, 7),
              lambda size: Filled(size, options),
              {"create": rows("create"), "get": rows("get"), "query of 20": rows("query", page=20)}),
        Scale("sessions", "Cost by open sessions, each a connection", "sessions", powers(0, 3, 4),
              lambda size: datasync(options, *NORMAL, rows=1000)(), {"get": spread}),
        Scale("subscriptions", "Cost by subscriptions, of which one sees the change",
              "subscriptions", powers(0, 4, 5), lambda size: empty(), {"create and event": match}),
    ]


def measured(scale, options):
    """Medians of the CPU of an operation by line and size: {line: [(size, µs)]}."""
    costs = {name: {size: [] for size in scale.sizes} for name in scale.lines}
    started = []
    try:
        for size in scale.sizes:
            began = time.monotonic()
            started.append(scale.start(size))
            build.say(f"{scale.name}: {size:,} after {time.monotonic() - began:.0f} s")
        for round_number in range(options.rounds):
            pairs = list(zip(scale.sizes, started))
            for size, server in pairs if round_number % 2 == 0 else reversed(pairs):
                for name, line in scale.lines.items():
                    result = line(size)(server, options.ms, options.warmup)
                    costs[name][size].append(result["cpu_us"])
    finally:
        for server in started:
            server.stop()
    return {name: [(size, median(values)) for size, values in by_size.items()]
            for name, by_size in costs.items()}, costs


def table(scale, lines, costs, load):
    head = [scale.x_name, *[f"{name}, CPU µs" for name in lines]]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for index, size in enumerate(scale.sizes):
        cells = [f"{size:,}"]
        for name, points in lines.items():
            values = costs[name][size]
            cells.append(f"{number(points[index][1])} ({number(min(values))}–{number(max(values))})")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([f"![{scale.title}](scale-{scale.name}.svg)", "", *rows, "",
                      f"Load average {load[0]:.1f} before, {load[1]:.1f} after."])


def has_room(scale):
    needed = sum(scale.sizes) * BYTES_PER_ROW if scale.name == "rows" else 0
    free = shutil.disk_usage(build.OUT).free
    if needed * 2 > free:
        build.say(f"{scale.name}: {needed >> 20} MiB wanted, {free >> 20} MiB free; left out")
        return False
    return True


def main(options):
    build.build_c()
    wanted = options.only.split(",") if options.only else ["rows", "sessions", "subscriptions"]
    for scale in scales(options):
        if scale.name not in wanted or not has_room(scale):
            continue
        before = os.getloadavg()[0]
        lines, costs = measured(scale, options)
        text = table(scale, lines, costs, (before, os.getloadavg()[0]))
        print(f"### {scale.title}\n\n{text}\n", flush=True)
        if options.update:
            (document.PAGE.parent / f"scale-{scale.name}.svg").write_text(
                plot.plot(scale.title, scale.x_name, "CPU µs of an operation", lines))
            document.replace(f"scale {scale.name}", HOW, text)
    return 0
