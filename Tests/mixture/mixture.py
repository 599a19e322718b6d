"""A round of the oracle with everything else in between: floods, failing disks, big transactions and
changes of the schema by another program, calls outside of sessions, and a bystander to be served."""

import contextlib
import dataclasses
import errno
import random as randoms
import sqlite3
import threading
import time

import grpc

import floods
import loads
import tables
from attack import flood
from http2 import Closed, Connection, TimedOut
from latency import Bystander
from preload import Clock, Faults
from recording import RecordedSession
from round import Round, Slot
from validators import ALL, Resumable, Validator, validate

MAX_CALLS = 16
CALL_SECONDS = 60
BIG = [300, 1_000, 3_000]
# Of views that show what comes in such numbers, few: the clients are to keep up.
SHARE_OF_BIG_VIEWS = 0.15
MAX_ADDED_COLUMNS = 5
# What the disk may be at fault for.
DISK_REASONS = {"DISK_FULL", "STORAGE_FAILED"}
RESIDENT_SECONDS = 0.2
# By which the calendar's clock is off: nothing is forgotten for it, though eight days are more than
# the log and mutation ids are kept.
CLOCK_SECONDS = [0, -3600, 60, 3600, 8 * 86_400]
# Connections, sessions of each and queries of each whose answers nobody takes.
IN_VAIN = 2, 20, 20

# Nobody but the bystander writes into the first, and nobody but the other program into the second.
CALM = tables.Table(
    "calm", tables.Column("id", "text"), (tables.Column("note", "text"),), False
)
BULK = tables.Table(
    "bulk", tables.Column("number", "int"),
    (tables.Column("words", "text"), tables.Column("count", "int")), False,
)


class Calls:
    """A client without a session: each request is a call of its own, which may overtake others.

    What is answered stands in the log as a session's answers do; a call that broke has none."""

    was_stalled = was_heard_out = False
    outcome = None

    def __init__(self, server, contract, client_id):
        self.contract, self.client_id = contract, client_id
        self.log, self.by_id, self.times, self.writes = [], {}, [], []
        self.under_way = set()
        self._changed = threading.Lock()
        self._channel = grpc.insecure_channel(server.address)

    def send(self, kind, **fields):
        with self._changed:
            request_id = len(self.by_id) + 1
            self.by_id[request_id] = []
            self.under_way.add(request_id)
        method = self.contract.method("datasync.v1.Datasync", kind.capitalize())
        call = self._channel.unary_unary(
            f"/datasync.v1.Datasync/{kind.capitalize()}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.contract.class_of(method.output_type.full_name).FromString,
        ).future(
            self.contract.new(method.input_type.full_name, **fields), timeout=CALL_SECONDS,
            metadata=(("datasync-client-id", self.client_id),),
        )
        name = "write" if kind in ("create", "replace", "update", "delete") else kind
        call.add_done_callback(lambda call: self._take(request_id, name, call))
        return request_id

    def _take(self, request_id, name, call):
        with self._changed:
            self.under_way.discard(request_id)
            if call.cancelled() or call.exception():
                return
            response = self.contract.class_of("datasync.v1.SessionResponse")(request_id=request_id)
            getattr(response, name).CopyFrom(call.result())
            self.by_id[request_id].append(len(self.log))
            self.log.append(response)
            self.times.append(time.monotonic())

    def responses(self, request_id):
        with self._changed:
            return [(place, self.log[place]) for place in self.by_id[request_id]]

    def is_answered(self, request_id):
        with self._changed:
            return request_id not in self.under_way

    def close(self):
        self._channel.close()


class Memory:
    """The highest resident memory of whatever process serves, as the kernel tells it."""

    def __init__(self, round):
        self.round = round
        self.highest = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._is_over.wait(RESIDENT_SECONDS):
            process = self.round.server and self.round.server.process
            if process is None:
                continue
            try:
                with open(f"/proc/{process.pid}/status") as status:
                    fields = dict(line.split(":", 1) for line in status)
                self.highest = max(self.highest, int(fields["VmHWM"].split()[0]) << 10)
            except (OSError, KeyError):
                # Between two processes.
                continue

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join(15)


class Mixture(Round):
    """Also counts what it did, and keeps what the bystander measured."""

    # The log is copied as it grows: trimmed, but not faster than that.
    LOG_BYTES = [64 << 20, 1 << 30]

    def __init__(self, seed, number, seconds, directory, fault=""):
        super().__init__(seed, number, seconds, directory, fault)
        self.directory, self.server = directory, None
        self.written_tables = self.tables
        self.tables = [*self.tables, CALM, BULK]
        more = "flood vain disk clock big schema attached call get describe"
        self.counts |= dict.fromkeys(more.split(), 0)
        self.reads = []
        self.taken = {"calls": {"get": [], "replace": []}, "refusals": [], "late": []}
        self.bystander_wrote = 0
        self._added = {}
        self._disk_until = 0.0
        self._attack = None

    # -- life

    def run(self):
        self.memory = Memory(self)
        with Bystander(CALM.name) as self.bystander, self.memory:
            super().run()

    def make_server(self):
        server = super().make_server()
        self.faults = Faults(server, self.directory)
        self.clock = Clock(server, self.directory)
        return server

    def _prepare(self):
        super()._prepare()
        self.writer.tables = self.script.tables = self.written_tables
        service = self.contract.pool.FindServiceByName("datasync.v1.Datasync")
        for method in service.methods:
            self.contract.class_of(method.input_type.full_name)
            self.contract.class_of(method.output_type.full_name)
        self.caller = Slot("calls", "c2")
        self._connect_caller()
        self.bystander.order(f"at {self.server.address}")

    def actions(self):
        return super().actions() | {
            self._call: 10, self._call_query: 2, self._get: 8, self._describe: 1, self._garbage: 0.3,
            self._flood: 0.5, self._ask_in_vain: 0.3, self._fail_disk: 0.25, self._set_clock: 0.5,
            self._write_big: 0.4, self._change_schema: 0.4,
        }

    def _look_after(self):
        if self._disk_until and time.monotonic() >= self._disk_until:
            self._mend_disk()
        super()._look_after()

    def end_and_start(self, is_kill):
        self._mend_disk()
        self._take_from_bystander("rest")
        super().end_and_start(is_kill)
        self._connect_caller()
        self._take_from_bystander(f"at {self.server.address}")

    def _take_from_bystander(self, order):
        taken = self.bystander.order(order)
        for kind, calls in taken["calls"].items():
            self.taken["calls"][kind] += calls
        self.taken["refusals"] += taken["refusals"]
        self.taken["late"] += taken["late"]
        self.bystander_wrote = taken["written"]

    def _finish(self):
        self._mend_disk()
        self._settle(lambda: not self.caller.session.under_way)
        self._take_from_bystander("rest")
        super()._finish()

    def random_view(self):
        while True:
            view = super().random_view()
            if view.table not in (None, BULK):
                return view
            if self.random.random() < SHARE_OF_BIG_VIEWS:
                return dataclasses.replace(view, min_interval=0)

    # -- calls outside of sessions

    def _connect_caller(self):
        if self.caller.session:
            self.caller.session.close()
        self.caller.session = Calls(self.server, self.contract, self.caller.client_id)
        self.sessions.append(self.caller.session)

    def _call(self):
        if len(self.caller.session.under_way) < MAX_CALLS:
            self.counts["call"] += 1
            self._send(self.caller, *self.writer.request(), "")

    def _call_query(self):
        if len(self.caller.session.under_way) < MAX_CALLS:
            self.counts["call"] += 1
            self._query(slot=self.caller)

    # -- other requests of sessions

    def _get(self):
        slot = self._up_slot()
        if slot:
            self.counts["get"] += 1
            table = self.random.choice(self.tables)
            key = str(table.random_key(self.random))
            request_id = slot.session.send(
                "get", table=table.name, id=key, include_deleted=True
            )
            self.reads.append((slot.session, request_id, (table.name, key)))

    def _describe(self):
        slot = self._up_slot()
        if slot:
            self.counts["describe"] += 1
            slot.session.send("describe")

    # -- who means harm

    def _garbage(self):
        """A session of its own sends what is no request, and goes."""
        try:
            session = RecordedSession(self.server, "garbage")
        except (grpc.RpcError, AssertionError):
            return
        for _ in range(3):
            session.send_raw(self.random.randbytes(self.random.randrange(1, 200)))
        session.close()

    def _flood(self):
        self._attack_with("flood", send_flood, randoms.Random(self.random.random()))

    def _ask_in_vain(self):
        self._attack_with("vain", take_nothing)

    def _attack_with(self, name, attack, *arguments):
        """One at a time, beside what the others do; the server may end meanwhile."""
        if self._attack and self._attack.is_alive():
            return
        self.counts[name] += 1

        def run(server=self.server):
            with contextlib.suppress(OSError, Closed, TimedOut):
                attack(server, *arguments)

        self._attack = threading.Thread(target=run, daemon=True)
        self._attack.start()

    # -- what the machine does

    def _fail_disk(self):
        """The disk is full for a while, or one call fails."""
        if self._disk_until:
            return
        self.counts["disk"] += 1
        match self.random.randrange(3):
            case 0:
                self.faults.arm("write", errno.ENOSPC, 1, sticky=True)
            case 1:
                self.faults.arm("write", errno.EIO, self.random.randrange(1, 30))
            case 2:
                self.faults.arm("sync", errno.EIO, self.random.randrange(1, 10))
        self._disk_until = time.monotonic() + self.random.uniform(0.2, 1.5)

    def _set_clock(self):
        self.counts["clock"] += 1
        self.clock.set(self.random.choice(CLOCK_SECONDS))

    def _mend_disk(self):
        self.faults.disarm()
        self._disk_until = 0.0

    # -- the other program

    def _write_big(self):
        self.counts["big"] += 1
        low = self.random.randrange(50, 4_000)
        high = low + self.random.choice(BIG)
        counted = (
            f"WITH RECURSIVE c (i) AS (SELECT {low} UNION ALL SELECT i + 1 FROM c WHERE i < {high})"
        )
        self.shell.run("BEGIN IMMEDIATE;\n" + self.random.choice([
            f"INSERT OR REPLACE INTO bulk (number, words, count) {counted}"
            f" SELECT i, 'row ' || i, {low} FROM c;",
            f"INSERT OR IGNORE INTO bulk (number, words) {counted} SELECT i, 'row ' || i FROM c;",
            f"UPDATE bulk SET words = words || 'x', count = {low}"
            f" WHERE number BETWEEN {low} AND {high};",
            f"DELETE FROM bulk WHERE number BETWEEN {low} AND {high};",
        ]) + "\nCOMMIT;")

    def _change_schema(self):
        """Of served tables what leaves their rows as they are; of others anything."""
        self.counts["schema"] += 1
        table = self.random.choice(self.written_tables).name
        number = self.counts["schema"]
        added = self._added.get(table, 0)
        changes = [
            f"CREATE INDEX IF NOT EXISTS by_mark_{table} ON {table} ({tables.MARK});",
            f"DROP INDEX IF EXISTS by_mark_{table};",
            f"CREATE TABLE plain_{number} (a, b); INSERT INTO plain_{number} VALUES (1, 2);",
            f"ALTER TABLE plain_{number - 1} ADD COLUMN c;"
            f" ALTER TABLE plain_{number - 1} RENAME TO plainer_{number};",
            f"DROP TABLE IF EXISTS plainer_{number - 1};",
            f"CREATE VIEW IF NOT EXISTS view_of_{table} AS SELECT * FROM {table};",
            f"DROP VIEW IF EXISTS view_of_{table};",
            f"CREATE TABLE empty_{number} (id TEXT NOT NULL PRIMARY KEY, body TEXT);",
            f"DROP TABLE IF EXISTS empty_{number - 2};",
            "ANALYZE;",
            "PRAGMA wal_checkpoint(TRUNCATE);",
        ]
        if added < MAX_ADDED_COLUMNS:
            changes += [f"ALTER TABLE {table} ADD COLUMN later_{added} TEXT;"] * 3
        change = self.random.choice(changes)
        if "ADD COLUMN later" in change:
            self._added[table] = added + 1
        self.counts["attached"] += "CREATE TABLE empty" in change
        self.shell.run(change)

    # -- the end

    def _read(self):
        super()._read()
        self.stored = {}
        connection = sqlite3.connect(self.database)
        for table in self.tables:
            for key, mark in connection.execute(
                f"SELECT {table.key.name}, {tables.MARK} FROM {table.name}"
            ):
                self.stored[table.name, str(key)] = mark
        connection.close()


def send_flood(server, random):
    """One flood, as long as the server takes it."""
    with Connection(loads.address_of(server)) as connection:
        connection.handshake()
        chunks = random.choice(floods.KINDS)(connection, loads.SESSION)
        flood(connection, chunks, seconds=0.5, lingers=0.1)


def take_nothing(server):
    """Queries whose pages have no window, for a second."""
    connections = loads.ask_and_take_nothing(server, BULK.name, *IN_VAIN)
    time.sleep(1)
    for connection in connections:
        connection.close()


class Got(Validator):
    """A row that a get answered is one that the log has, of the version that it says."""

    def check_round(self):
        for session, request_id, place in self.round.reads:
            for _, response in session.responses(request_id):
                if response.HasField("get"):
                    row = self.round.rows_reader.of(response.get.entity)
                    self.check_row(place, row)

    def check_row(self, place, row):
        version = row.get("version")
        if version > self.history.start:
            wanted = self.history.row_at(place, version)
        else:
            wanted = self.history.base.get(place)
        if row != wanted:
            self.fail(f"get of {place}", f"answered {row}; by the log {wanted}")


class Stored(Validator):
    """In the end the tables hold what the log says, and the bystander's last answered write."""

    def check_round(self):
        wanted = {}
        for place in self.history.versions:
            row = self.history.row_at(place, self.history.head)
            if row is not None:
                wanted[place] = row.get(tables.MARK)
        for place in wanted.keys() | self.round.stored.keys():
            held, logged = self.round.stored.get(place, "no row"), wanted.get(place, "no row")
            if held != logged:
                self.fail("the database", f"{place}: {held!r}, by the log {logged!r}")
        mark, answered = self.round.stored.get((CALM.name, "b")), self.round.bystander_wrote
        if mark is None or int(mark[1:]) < answered:
            self.fail("the bystander's row", f"{mark}, though b{answered} was answered")


class ResumableOverTables(Resumable):
    """A view of all tables cannot go on from before one of them was attached: that refusal is true."""

    def check_refusal(self, leg):
        error = leg.end
        if error.reason == "HISTORY_COMPACTED" and leg.view.table is None:
            oldest = int(error.metadata.get("oldest", -1))
            if self.history.start < oldest <= self.history.head + 1 and self.round.counts["attached"]:
                return
        super().check_refusal(leg)


VALIDATORS = [each for each in ALL if each is not Resumable] + [ResumableOverTables, Got, Stored]


def judge(round):
    """Every violation, by validator."""
    return validate(round, VALIDATORS)
