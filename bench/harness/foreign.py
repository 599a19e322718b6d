"""What another program, bench/foreign, pays where its tables are attached, and what a server makes of it."""

import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import time

from . import build
from .processes import Server, directory, end, measure, started

KEYS = ["integer", "text", "without-rowid"]
OPERATIONS = ["insert", "update", "delete"]
# Rows that one measurement writes at least; small transactions are repeated, each in a database of its own.
LEAST_ROWS = 50_000
READY = r"listening on \S+:(\d+)"


def sizes(options):
    return [10_000, 100_000, *([1_000_000] if options.full else [])]


def writer(is_attached, rows):
    return f"{'attached' if is_attached else 'never attached'}, {rows:,} rows"


def adopter(rows):
    return f"datasync, {rows:,} rows"


def program(mode, database, key, rows=1):
    return [build.OUT / "foreign", mode, database, key, "--rows", rows]


def attach(database):
    """By the program, with no server; what it took: seconds, and seconds of processor time."""
    began, before = time.monotonic(), os.times()
    build.run(build.swift_product("datasync"), "attach", database)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"ms": (time.monotonic() - began) * 1000, "cpu_ms": cpu * 1000, "failures": 0}


class Orders:
    """A database with an empty table, attached or not; each measurement has a copy of it."""

    pid = None

    def __init__(self, key, is_attached):
        self.key = key
        self.where = directory()
        self.path = self.where / "orders.db"
        measure(program("define", self.path, key), 60)
        if is_attached:
            attach(self.path)

    def write(self, rows):
        """Inserts, updates and deletes so many rows; the median of some times: µs a row."""
        results = [self._write_once(rows) for _ in range(max(1, LEAST_ROWS // rows))]
        middle = sorted(results, key=lambda result: result["insert_us"])[len(results) // 2]
        for operation in OPERATIONS:
            for unit in ("us", "cpu_us"):
                values = sorted(result[f"{operation}_{unit}"] for result in results)
                middle[f"{operation}_{unit}"] = values[len(values) // 2]
        return middle

    def _write_once(self, rows):
        copy = self.where / "copy.db"
        shutil.copy(self.path, copy)
        try:
            return measure(program("all", copy, self.key, rows), 600)
        finally:
            for path in self.where.glob("copy.db*"):
                path.unlink()

    def stop(self):
        shutil.rmtree(self.where, ignore_errors=True)


def peak_kib(server):
    """The most memory that was ever resident."""
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1])


def adopted(rows):
    """One transaction of another program into a table that is served and watched, with a server of its
    own: how long until the subscription has its checkpoint after it, and what others notice of it."""

    def measured(_, ms, warmup):
        path = directory() / "adopted.db"
        database = sqlite3.connect(path)
        database.executescript((build.BENCH / "schema.sql").read_text())
        database.executemany(
            "INSERT INTO items (id, list_id, title, done) VALUES (?, 'bench', ?, 0)",
            ((f"019a0000-0000-7000-8000-{n:012x}", "x" * 200) for n in range(1000)))
        database.commit()
        database.close()
        measure(program("define", path, "integer"), 60)
        server = Server(
            [build.swift_product("datasync"), "serve", path, "--attach", "--listen", "127.0.0.1:0"],
            ready=READY)
        try:
            return observe(server, path, rows, ms, warmup)
        finally:
            server.stop()
            shutil.rmtree(path.parent, ignore_errors=True)

    return measured


def observe(server, path, rows, ms, warmup):
    driver = started(
        [build.OUT / "driver", "adopt", "--port", server.port, "--rows", rows, "--connections", 4,
         "--ms", max(ms, 1000), "--warmup-ms", warmup])
    try:
        if driver.stdout.readline().strip() != "idle":
            raise RuntimeError(driver.stderr.read()[-500:])
        before = peak_kib(server)
        cpu_before = server.cpu_us()
        written = measure(program("insert", path, "integer", rows), 600)
        driver.send_signal(signal.SIGUSR1)
        output, errors = driver.communicate(timeout=660)
        if driver.returncode:
            raise RuntimeError(errors.strip()[-500:] or f"exit {driver.returncode}")
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{rows} rows were not adopted in time") from None
    finally:
        end(driver)
    result = json.loads(output.splitlines()[-1])
    write_ms = written["insert_us"] * rows / 1000
    adoption_ms = (result["checkpoint_ns"] - written["committed_ns"]) / 1e6
    return {
        **result, "write_ms": write_ms, "adoption_ms": adoption_ms,
        "over_write": adoption_ms / write_ms, "cpu_us": (server.cpu_us() - cpu_before) / rows,
        "peak_before_mib": before / 1024, "peak_after_mib": peak_kib(server) / 1024,
        "growth_mib": (peak_kib(server) - before) / 1024,
    }


class Tables:
    """A database of many tables, each with an index and a few rows; attached as a copy each time."""

    pid = None

    def __init__(self, count):
        self.where = directory()
        self.path = self.where / "tables.db"
        database = sqlite3.connect(self.path)
        for n in range(count):
            database.execute(
                f"CREATE TABLE orders_{n} (id INTEGER PRIMARY KEY, customer TEXT, state TEXT,"
                " amount REAL, quantity INTEGER, note TEXT)")
            database.execute(f"CREATE INDEX orders_{n}_by_customer ON orders_{n} (customer)")
            database.executemany(
                f"INSERT INTO orders_{n} VALUES (?, 'customer', 'packed', 1.5, 2, 'none')",
                ((row,) for row in range(10)))
        database.commit()
        database.close()

    def attach(self):
        copy = self.where / "copy.db"
        shutil.copy(self.path, copy)
        try:
            return attach(copy)
        finally:
            for path in self.where.glob("copy.db*"):
                path.unlink()

    def stop(self):
        shutil.rmtree(self.where, ignore_errors=True)
