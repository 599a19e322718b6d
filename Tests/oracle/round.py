"""One round: a database, a server, clients that come and go, and what they saw of it."""

import base64
import dataclasses
import random as randoms
import sqlite3
import threading
import time

import grpc

import filters
import tables
import views
from errors import Refused, status_of
from history import History
from lateness import Lateness
from proxy import Proxy
from recording import Item, Leg, RecordedSession, Rows
from server import Server
from writes import Script, Shell, Write, Writer

SLOTS = 6
MAX_LEGS = 40
MAX_OUTSTANDING = 48
SETTLE_SECONDS = 40
TAIL_BYTES = [4 << 10, 64 << 10, 32 << 20]
REPLAY_BYTES = [2 << 10, 16 << 10, 256 << 10]
PAGE_ROWS = [3, 17, 1000]


@dataclasses.dataclass
class Query:
    view: object
    sequence: int
    rows: dict


class Slot:
    """A client that connects, and again after it was cut off."""

    def __init__(self, name, client_id):
        self.name, self.client_id = name, client_id
        self.session = None
        self.proxy = None
        self.legs = []
        self.returns_at = 0.0
        self.wakes_at = 0.0
        self.outstanding = []

    @property
    def is_up(self):
        return self.session is not None and self.session.outcome is None

    @property
    def is_stalled(self):
        return self.wakes_at > 0


class Round:
    """Made from a seed; ``run`` fills it, validators read it."""

    LOG_BYTES = [256 << 10, 1 << 20, 1 << 30]

    def __init__(self, seed, number, seconds, directory, fault=""):
        self.seed, self.number, self.seconds = seed, number, seconds
        self.random = randoms.Random(f"{seed}/{number}")
        self.tables = tables.random_tables(self.random)
        self.fault = fault
        self.database = directory / f"round-{number}.db"
        self.legs, self.sessions, self.writes, self.queries = [], [], [], []
        self.counts = dict.fromkeys(
            ["kill", "terminate", "cut", "stall", "resume", "compacted", "shell"], 0
        )
        self.final = 0
        self.history = History(self.database)
        self.lateness = Lateness()
        self._pending_queries = []
        self._polls = []
        self._stop_polling = threading.Event()
        self._last_restart = 0.0

    def table(self, name):
        return next(table for table in self.tables if table.name == name)

    # -- life

    def run(self):
        self._create()
        self.server = self.make_server()
        self.server.start()
        self.shell = None
        try:
            with self.lateness:
                self._prepare()
                self._work()
                self._finish()
        finally:
            self._end()
        self._read()

    def make_server(self):
        """The server, not yet started."""
        limits = ",".join(
            f"{name}={self.random.choice(values)}"
            for name, values in [
                ("tail-bytes", TAIL_BYTES), ("replay-bytes", REPLAY_BYTES),
                ("page-rows", PAGE_ROWS),
            ]
        )
        log_bytes = self.random.choice(self.LOG_BYTES)
        self.limits = f"log-bytes={log_bytes},{limits}"
        # Moments of any year tell no unit.
        forms = [
            argument for table in self.tables for column in table.columns if column.kind == "moment"
            for argument in ("--form", f"{table.name}.{column.name}=microseconds")
        ]
        return Server(
            self.database, "--attach", "--soft-delete", self.tables[0].name, *forms,
            "--drain-seconds", "1", "--synchronous", self.random.choice(["normal", "full"]),
            "--max-log-bytes", log_bytes, "--loops", self.random.choice([1, 2, 3]),
            environment={"DATASYNC_LIMITS": limits, "DATASYNC_FAULT": self.fault},
        )

    def _create(self):
        connection = sqlite3.connect(self.database)
        script = Script(self.random, self.tables)
        connection.executescript("".join(table.sql for table in self.tables))
        for _ in range(60):
            try:
                connection.executescript(script.statement())
            except sqlite3.Error:
                pass
        connection.close()

    def _prepare(self):
        self.contract = self.server.contract
        # All that reflection has to tell, once: servers come and go.
        for table in self.tables:
            self.contract.class_of(self.contract.row_type(table.name))
        for name in ["SessionRequest", "SessionResponse", "ChangesRequest", "ChangesResponse"]:
            self.contract.class_of(f"datasync.v1.{name}")
        self.rows_reader = Rows(self.contract)
        self.history.begin()
        self.writer = Writer(self.random, self.tables, self.contract)
        self.script = Script(self.random, self.tables)
        self.shell = Shell(self.database)
        # Two sessions of one client, among others.
        self.slots = [Slot(f"s{n}", f"c{max(1, n)}") for n in range(SLOTS)]
        for slot in self.slots:
            self._connect(slot)
        base = {}
        for table in self.tables:
            rows = self.slots[0].session.rows(table.name, include_deleted=True)
            base |= {(table.name, str(row[table.key.name])): row for row in rows}
        self.history.set_base(base)
        for number in range(2):
            poll = Poll(self, number)
            self._polls.append(poll)
            poll.thread.start()

    def actions(self):
        """What is done at random, and how often."""
        return {
            self._write: 100, self._repeat: 6, self._foreign: 5, self._subscribe: 8,
            self._unsubscribe: 1, self._query: 4, self._stall: 0.7, self._cut: 0.5,
            self._restart: 0.25,
        }

    def _work(self):
        actions = self.actions()
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            self._look_after()
            self.random.choices(list(actions), list(actions.values()))[0]()
            time.sleep(0.001)

    def _look_after(self):
        """Wakes who has slept enough, brings back who was cut off."""
        now = time.monotonic()
        if self.server.process.poll() is not None:
            raise AssertionError(f"the server ended by itself:\n{self.server.log()}")
        for slot in self.slots:
            if slot.is_stalled and now >= slot.wakes_at:
                self._wake(slot)
            if slot.session is not None and not slot.is_up:
                self._disconnect(slot)
            if slot.session is None and now >= slot.returns_at:
                self._connect(slot)

    # -- coming and going

    def _connect(self, slot):
        slot.proxy = Proxy(self.server.address) if self.random.random() < 0.5 else None
        address = slot.proxy.address if slot.proxy else None
        slot.session = RecordedSession(self.server, slot.client_id, address)
        self.sessions.append(slot.session)
        legs, slot.legs, slot.outstanding = slot.legs, [], []
        for leg in legs:
            self._come_back(slot, leg)

    def _come_back(self, slot, leg):
        """A subscription goes on from a token, begins again, or stays away."""
        choice = self.random.random()
        found = leg.checkpoints()
        if choice < 0.08:
            return
        if choice < 0.16 or not found or leg.view.once:
            return self._open(slot, leg.view, "rows" if choice < 0.12 else "now")
        token = found[-1] if choice < 0.85 else self.random.choice(found)
        self.counts["resume"] += 1
        self._open(slot, leg.view, token)

    def _disconnect(self, slot):
        slot.session.close()
        slot.session = None
        slot.wakes_at = 0
        if slot.proxy:
            slot.proxy.close()
            slot.proxy = None
        slot.returns_at = time.monotonic() + self.random.random() * 1.5

    def _up_slot(self):
        up = [slot for slot in self.slots if slot.is_up]
        return self.random.choice(up) if up else None

    def _cut(self):
        slot = self._up_slot()
        if slot:
            self.counts["cut"] += 1
            if slot.proxy:
                slot.proxy.cut()
            self._disconnect(slot)

    def _stall(self):
        slot = self._up_slot()
        if slot and not slot.is_stalled:
            self.counts["stall"] += 1
            slot.wakes_at = time.monotonic() + 0.5 + self.random.random() * 4
            slot.session.was_stalled = True
            if slot.proxy and self.random.random() < 0.5:
                slot.proxy.pause()
            else:
                slot.session.stall()

    def _wake(self, slot):
        slot.wakes_at = 0
        slot.session.resume()
        if slot.proxy:
            slot.proxy.resume()

    def _restart(self):
        if time.monotonic() - self._last_restart < 3:
            return
        self._last_restart = time.monotonic()
        self.end_and_start(is_kill=self.random.random() < 0.5)

    def end_and_start(self, is_kill):
        if is_kill:
            self.counts["kill"] += 1
            self.server.kill()
        else:
            self.counts["terminate"] += 1
            code = self.server.terminate()
            assert code == 0, f"SIGTERM ended the server with {code}:\n{self.server.log()}"
        self.server.start()
        self.server._contract = self.contract
        for slot in self.slots:
            if slot.session is not None:
                self._disconnect(slot)

    # -- subscriptions

    def random_view(self):
        random = self.random
        exact = {
            "include_deleted": random.random() < 0.35, "previous": random.random() < 0.4,
            "exclude_own": random.random() < 0.2, "once": random.random() < 0.08,
            "min_interval": random.choice([0, 0, 0, 0, 0.05, 0.4]),
            "heartbeat": random.choice([0.1, 0.2, 0.5]),
        }
        if random.random() < 0.15:
            return views.View(**exact)
        table = random.choice(self.tables)
        filter = None
        if random.random() < 0.75:
            filter = filters.random_filter(random, table, exact["include_deleted"])
        select = ()
        if random.random() < 0.25:
            names = [column.name for column in table.columns] + ["version", "updated_at"]
            select = tuple(random.sample(names, random.randrange(1, 4)))
        return views.View(table, filter, select, **exact)

    def _subscribe(self):
        slot = self._up_slot()
        if slot and sum(len(slot.legs) for slot in self.slots) < MAX_LEGS:
            self._open(slot, self.random_view(), self.random.choice(["rows", "rows", "rows", "now"]))

    def _open(self, slot, view, start):
        fields = view.request_fields
        if start == "now":
            fields["now"] = {}
        elif start != "rows":
            fields["resume_token"] = start[0]
        leg = Leg(
            name=f"leg {len(self.legs)} of {slot.name}", view=view, client_id=slot.client_id,
            start=start if isinstance(start, str) else start[1], session=slot.session,
        )
        leg.request_id = slot.session.send("subscribe", **fields)
        self.legs.append(leg)
        slot.legs.append(leg)

    def _unsubscribe(self):
        slot = self._up_slot()
        if slot and slot.legs:
            leg = slot.legs.pop(self.random.randrange(len(slot.legs)))
            leg.was_cancelled = True
            slot.session.send_cancel(leg.request_id)

    def _tend(self, slot):
        """Legs that have ended make room; who was too far behind begins again."""
        for leg in list(slot.legs):
            status = leg.status()
            if status is not None:
                slot.legs.remove(leg)
                if status.code:
                    self.counts["compacted"] += 1
                    self._open(slot, leg.view, "rows")

    # -- writes

    def _write(self):
        slot = self._up_slot()
        if not slot:
            return
        self._tend(slot)
        session = slot.session
        slot.outstanding = [id for id in slot.outstanding if not session.is_answered(id)]
        if len(slot.outstanding) >= MAX_OUTSTANDING:
            return
        kind, parts, fields = self.writer.request()
        mutation_id = ""
        if self.random.random() < 0.3:
            mutation_id = f"mutation {len(self.writes)}"
        self._send(slot, kind, parts, fields, mutation_id)

    def _send(self, slot, kind, parts, fields, mutation_id, is_repeat=False):
        if mutation_id:
            fields = fields | {"mutation_id": mutation_id}
        request_id = slot.session.send(kind, **fields)
        write = Write(
            slot.session, request_id, slot.client_id, kind, parts, fields, mutation_id, is_repeat
        )
        slot.session.writes.append(write)
        self.writes.append(write)
        slot.outstanding.append(request_id)

    def _repeat(self):
        """A write with a mutation id is sent again, as after a lost answer."""
        slot = self._up_slot()
        if not slot:
            return
        recent = [
            write for write in self.writes[-400:]
            if write.mutation_id and write.client_id == slot.client_id
        ]
        if recent:
            first = self.random.choice(recent)
            self._send(slot, first.kind, first.parts, first.fields, first.mutation_id, True)

    def _foreign(self):
        self.counts["shell"] += 1
        self.shell.run(self.script.script())

    # -- queries

    def _query(self, view=None, slot=None):
        slot = slot or self._up_slot()
        if slot:
            view = view or self.random_view()
            if view.table is None:
                return
            request_id = slot.session.send("query", page_size=1000, **view.query_fields)
            self._pending_queries.append((slot.session, request_id, view))

    def _collect_queries(self):
        for session, request_id, view in self._pending_queries:
            for _, response in session.responses(request_id):
                if response.HasField("status"):
                    error = Refused(status_of(response.status))
                    raise AssertionError(f"refused: {view.query_fields}: {error}")
                answer = response.query
                if answer.next_page_token:
                    continue
                assert not answer.errors, f"rows cannot be read: {answer.errors}"
                rows = map(self.rows_reader.of, answer.entities)
                key = view.table.key.name
                self.queries.append(
                    Query(
                        view, position_of(answer.resume_token),
                        {(view.table.name, str(row[key])): row for row in rows},
                    )
                )

    # -- the end

    def _finish(self):
        for slot in self.slots:
            if slot.is_stalled:
                self._wake(slot)
            if slot.session is not None and not slot.is_up:
                self._disconnect(slot)
            if slot.session is None:
                self._connect(slot)
        self.shell.drain()
        self._settle(self._is_answered)
        for slot in self.slots:
            slot.session.was_heard_out = True
        last = self.slots[0].session
        table = self.tables[0]
        values = {table.key.name: "the end", tables.MARK: "the end"}
        request_id = last.send(
            "replace", entity=last.contract.entity(table.name, **values), allow_missing=True,
            include_deleted=True,
        )
        last.answer(request_id, SETTLE_SECONDS)
        self.final = self.history.last_sequence()
        self._stop_polling.set()
        for poll in self._polls:
            poll.thread.join(SETTLE_SECONDS)
            for leg in poll.legs[-1:]:
                leg.had_to_finish = True
        for slot in self.slots:
            self._tend(slot)
            for leg in slot.legs:
                leg.had_to_finish = not leg.view.once
        self._settle(
            lambda: all(
                leg.last_checkpoint() >= self.final or leg.status() is not None
                for slot in self.slots for leg in slot.legs if leg.had_to_finish
            )
        )
        for slot in self.slots:
            for leg in slot.legs:
                self._query(leg.view, slot)
        self._settle(
            lambda: all(session.is_answered(id) for session, id, _ in self._pending_queries[-1:])
        )

    def _is_answered(self):
        return all(
            slot.session.is_answered(request_id)
            for slot in self.slots for request_id in slot.outstanding
        )

    def _settle(self, condition):
        """Waits, but not for ever: what is missing then is for the validators to say."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _end(self):
        self._stop_polling.set()
        for session in self.sessions:
            session.close()
        for slot in getattr(self, "slots", []):
            if slot.proxy:
                slot.proxy.close()
        if self.shell:
            self.shell.close()
        if self.server.process.poll() is None:
            self.server.kill()

    def _read(self):
        for poll in self._polls:
            self.legs += poll.legs
        self.history.end(self.contract, self.tables)
        self.history.index()
        for leg in self.legs:
            leg.read(self.rows_reader)
        self._collect_queries()

    def starting_rows(self, leg):
        """What a client holds before a leg's first event, by the log."""
        if leg.start == "rows" or not leg.items:
            return {}
        start = leg.start if isinstance(leg.start, int) else leg.items[0].event.sequence
        return self.history.rows_at(leg.view, start)

    @property
    def summary(self):
        events = sum(len(leg.changes) for leg in self.legs)
        did = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return (
            f"round {self.number}: {len(self.history.entries)} changes in"
            f" {len(self.history.commits)} commits, {len(self.legs)} subscriptions with {events}"
            f" events, {len(self.writes)} writes, {len(self.queries)} queries; {did}"
        )


class Poll:
    """A client of long polling: every answer is a batch of changes and a checkpoint."""

    def __init__(self, round, number):
        self.round = round
        self.random = randoms.Random(f"{round.seed}/{round.number}/poll {number}")
        self.client_id = f"c{number + 1}"
        self.name = f"poll {number}"
        self.view = dataclasses.replace(round.random_view(), once=False, min_interval=0)
        self.legs = []
        self._position = -1
        self._deadline = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        channel, address, token = None, None, ""
        rounds = self.round
        response = rounds.contract.class_of("datasync.v1.ChangesResponse")
        while not self._is_done():
            if address != rounds.server.address:
                if channel:
                    channel.close()
                address = rounds.server.address
                channel = grpc.insecure_channel(address)
            call = channel.unary_unary(
                "/datasync.v1.Datasync/Changes",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=response.FromString,
            )
            try:
                answer = call(
                    self._request(token), timeout=20,
                    metadata=(("datasync-client-id", self.client_id),),
                )
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                    token = ""
                elif error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                    raise
                time.sleep(0.1)
                continue
            self._take(answer, is_new=not token)
            token = answer.resume_token
        if channel:
            channel.close()

    def _is_done(self):
        """At the end, once it has caught up; it does not try for ever."""
        rounds = self.round
        if not rounds._stop_polling.is_set():
            return False
        self._deadline = self._deadline or time.monotonic() + SETTLE_SECONDS - 5
        return self._position >= rounds.final or time.monotonic() > self._deadline

    def _request(self, token):
        fields = self.view.query_fields | {
            "previous": self.view.previous, "exclude_own": self.view.exclude_own,
            "resume_token": token, "max_wait": self.random.choice([0, 0.05, 0.3]),
            "max_changes": self.random.choice([0, 1, 3, 20]),
        }
        return self.round.contract.new("datasync.v1.ChangesRequest", **fields)

    def _take(self, answer, is_new):
        if is_new:
            self.legs.append(
                Leg(
                    name=f"{self.name} leg {len(self.legs)}", view=self.view,
                    client_id=self.client_id, start="now", is_poll=True,
                )
            )
        self._position = answer.sequence
        leg, event = self.legs[-1], self.round.contract.class_of("datasync.v1.Event")
        now = time.monotonic()
        messages = [event(change=change) for change in answer.changes]
        messages.append(
            event(
                checkpoint={"resume_token": answer.resume_token, "sequence": answer.sequence}
            )
        )
        for message in messages:
            leg.received.append(Item(len(leg.received), now, message))


def position_of(token):
    """The sequence in a resume token. Clients cannot know its form; an oracle may."""
    # Between the kind of the token and 16 bytes of code with 4 of a checksum.
    content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[1:-20]
    index = 0
    while index < len(content):
        number, index = content[index] >> 3, index + 1
        value, shift = 0, 0
        while True:
            byte, index = content[index], index + 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if number == 2:
            return value
        index += value
    return 0


