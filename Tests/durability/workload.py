"""Writers whose every operation is journalled, and a follower that sees every change.

A writer has rows of its own, so that a model of them needs no luck: its operations take effect in
the order sent, those answered did happen, and those not answered are a suffix of which a prefix
happened. Each operation leaves its tag in the rows it writes, once; the log of changes tells
whether it happened, and how often.
"""

import collections
import sqlite3
import threading
import time

from errors import Refused, status_of
from session import Checkpoint, Ended, Session, View

TABLES = ("accounts", "transfers", "outside")


class Operation:
    """One request: what it was, what it does to its writer's rows, and what was answered."""

    def __init__(self, tag, kind, fields, effects):
        self.tag, self.kind, self.fields = tag, kind, fields
        # [(table, id, row or None)], in order.
        self.effects = effects
        self.answer = None
        self.error = None

    def __repr__(self):
        return f"<{self.tag} {self.kind} {[(t, i) for t, i, _ in self.effects]}>"

    @property
    def is_answered(self):
        return self.answer is not None

    def sequences(self):
        """The sequences that the answer gave, in the order of the effects."""
        answers = self.answer.writes if self.kind == "commit" else [self.answer]
        return [answer.sequence for answer in answers]


class Writer:
    """One client: a session at a time, operations on rows of its own, a journal of all of them."""

    def __init__(self, name, random):
        self.name, self.random = name, random
        self.count = 0
        # What was sent, in order, and is not yet known to have happened.
        self.pending = []
        # Answered since the last settling.
        self.answered = []
        self.rows = {}
        # The rows as they will be when everything sent has happened.
        self._ahead = {}
        self.done = 0

    # -- what to do

    def operation(self):
        self.count += 1
        tag = f"{self.name}.{self.count}"
        mine = [id for table, id in self._ahead if table == "accounts"]
        choice = self.random.random()
        if len(mine) < 4 or choice < 0.3:
            made = self._create(tag)
        elif choice < 0.6:
            made = self._update(tag, self.random.choice(mine))
        elif choice < 0.7:
            made = self._replace(tag, self.random.choice(mine))
        elif choice < 0.8 and len(mine) > 4:
            made = self._delete(tag, self.random.choice(mine))
        else:
            made = self._transfer(tag, *self.random.sample(mine, 2))
        for table, id, row in made.effects:
            if row is None:
                del self._ahead[(table, id)]
            else:
                self._ahead[(table, id)] = row
        return made

    def _note(self):
        # Now and then a row of several pages.
        return "n" * (self.random.randrange(20_000) if self.random.random() < 0.05 else 10)

    def _create(self, tag):
        row = {"id": tag, "balance": 100, "tag": tag, "note": self._note()}
        return Operation(tag, "create", {"entity": ("accounts", row)}, [("accounts", tag, row)])

    def _update(self, tag, id):
        row = {**self._ahead[("accounts", id)], "balance": self.count, "tag": tag}
        entity = {"id": id, "balance": self.count, "tag": tag}
        return Operation(tag, "update", {"entity": ("accounts", entity)}, [("accounts", id, row)])

    def _replace(self, tag, id):
        row = {"id": id, "balance": self.count, "tag": tag, "note": self._note()}
        return Operation(tag, "replace", {"entity": ("accounts", row)}, [("accounts", id, row)])

    def _delete(self, tag, id):
        return Operation(tag, "delete", {"table": "accounts", "id": id}, [("accounts", id, None)])

    def _transfer(self, tag, source, target):
        amount = self.random.randrange(1, 50)
        moved = {"id": tag, "source": source, "target": target, "amount": amount, "tag": tag}
        effects, writes = [("transfers", tag, moved)], [("create", "transfers", moved)]
        for id, change in ((source, -amount), (target, amount)):
            old = self._ahead[("accounts", id)]
            entity = {"id": id, "balance": old["balance"] + change, "tag": tag}
            effects.append(("accounts", id, {**old, **entity}))
            writes.append(("update", "accounts", entity))
        return Operation(tag, "commit", {"writes": writes}, effects)

    # -- doing it

    def request(self, session, operation):
        """Sends it; returns the request's id."""
        fields = dict(operation.fields)
        if "entity" in fields:
            table, row = fields["entity"]
            fields["entity"] = session.contract.entity(table, **row)
        if "writes" in fields:
            fields["writes"] = [
                {kind: {"entity": session.contract.entity(table, **row)}}
                for kind, table, row in fields["writes"]
            ]
        return session.send(operation.kind, mutation_id=operation.tag, **fields)

    def run(self, server, until, pause=0.0):
        """Writes until told to stop or the call ends: some at a time, then their answers."""
        try:
            with Session(server, client_id=self.name) as session:
                while not until.is_set():
                    batch = [self.operation() for _ in range(self.random.randrange(1, 9))]
                    self.pending += batch
                    ids = [self.request(session, operation) for operation in batch]
                    try:
                        for operation, id in zip(batch, ids):
                            take(session.response(id), operation)
                    finally:
                        # What came before the end counts as answered.
                        for operation, id in zip(batch, ids):
                            for response in session.of(id):
                                take(response, operation)
                        self.settle_answers()
                    if pause:
                        time.sleep(pause)
        except Ended:
            pass

    def settle_answers(self):
        """Moves what is answered from the pending to the rows; answers come in the order sent."""
        while self.pending and self.pending[0].is_answered:
            self._happened(self.pending.pop(0))
        late = [operation for operation in self.pending if operation.is_answered]
        assert not late, f"answered before what was sent earlier: {late} of {self.pending}"

    def _happened(self, operation):
        for table, id, row in operation.effects:
            if row is None:
                del self.rows[(table, id)]
            else:
                self.rows[(table, id)] = row
        self.answered.append(operation)
        self.done += 1

    def retry(self, server):
        """Sends what was not answered once more, under the same ids; returns how many replayed."""
        replayed = 0
        with Session(server, client_id=self.name) as session:
            ids = [self.request(session, operation) for operation in self.pending]
            for operation, id in zip(list(self.pending), ids):
                answer = session.answer(id, 30)
                operation.answer = answer
                replayed += answer.replayed
                self._happened(operation)
        self.pending = []
        assert self._ahead == self.rows
        return replayed

    def forget(self, lost):
        """Takes back what was answered but is gone (allowed with --synchronous normal only)."""
        if not lost:
            return
        assert self.answered[-len(lost):] == lost, "what was lost is no suffix"
        del self.answered[-len(lost):]
        for operation in lost:
            operation.answer = None
        self.pending = lost + self.pending


def take(response, operation):
    kind = response.WhichOneof("response")
    if kind == "status":
        raise Refused(status_of(response.status))
    operation.answer = getattr(response, kind)


class Outsider:
    """Another program: plain sqlite3 on the same file."""

    def __init__(self, database):
        self.database = database
        self.number = 0
        # What COMMIT returned for.
        self.rows = {}
        self.pending = {}

    def run(self, until, pause=0.003):
        connection = sqlite3.connect(self.database, timeout=30, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        try:
            while not until.is_set():
                self.number += 1
                tag = f"outside.{self.number}"
                changed = {self.number: tag}
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("INSERT INTO outside (id, tag) VALUES (?, ?)",
                                   (self.number, tag))
                if self.number > 3 and self.number % 3 == 0:
                    changed[self.number - 2] = tag
                    connection.execute("UPDATE outside SET tag = ? WHERE id = ?",
                                       (tag, self.number - 2))
                connection.execute("COMMIT")
                self.rows.update(changed)
                time.sleep(pause)
        finally:
            connection.close()


class Follower:
    """A subscription of every table that survives its server: resumed from its last checkpoint.

    What came after the last checkpoint when the call broke is forgotten, as it will come again;
    so every event is counted once, unless the server sends it twice.
    """

    def __init__(self):
        self.view = View()
        # How many commits showed each tag.
        self.tags = collections.Counter()
        self.deleted = collections.Counter()
        self.commits = []
        self.resumed = 0
        self._session = self._events = None
        self._held = []

    def start(self, server):
        self._held = []
        self._session = Session(server, client_id="follower")
        fields = {"heartbeat_interval": 0.1}
        if self.view.token:
            fields["resume_token"] = self.view.token
            self.resumed += 1
        self._events = self._session.subscribe("", **fields)

    def stop(self):
        if self._session is not None:
            self._session.close()
            self._session = None

    def reach(self, sequence, seconds=90):
        """Reads up to a checkpoint at or past the sequence."""
        deadline = time.monotonic() + seconds
        while self.view.sequence < sequence or not self.view.token:
            self._take(self._events.next(max(0.001, deadline - time.monotonic())))

    def first(self):
        """The first event after a start; raises what the subscription was refused with."""
        self._take(self._events.next())

    def drain(self):
        """Reads what has come, until the call has ended."""
        try:
            while True:
                self._take(self._events.next(0.05))
        except (Ended, AssertionError):
            pass

    def _take(self, event):
        self._held.append(event)
        if not isinstance(event, Checkpoint):
            return
        held, self._held = self._held, []
        commit = []
        for each in held:
            self.view.apply(each)
            if isinstance(each, Checkpoint) or each.initial:
                continue
            commit.append(each)
            if not each.more:
                self._count(commit)
                commit = []
        assert not commit, "a commit is split by a checkpoint"

    def _count(self, commit):
        self.tags.update({change.row["tag"] for change in commit if change.row is not None})
        for change in commit:
            if change.operation == "DELETE":
                self.deleted[(change.table, change.id)] += 1
        self.commits.append({(change.table, change.id) for change in commit})


class Crew:
    """Writers, an outsider and a follower on one server, run until it dies."""

    def __init__(self, server, random, writers=4, outsider=True):
        self.server, self.random = server, random
        self.writers = [Writer(f"w{index}", random_of(random)) for index in range(writers)]
        self.outsider = Outsider(server.database) if outsider else None
        self.follower = Follower()
        self.failures = []
        # Tags of operations that the follower cannot have seen happen.
        self.uncounted = set()

    def during(self, crash):
        """Runs everybody while `crash()` runs and ends the server."""
        over = threading.Event()
        for table in TABLES:
            # Reflection is asked here, once, and not by several threads at a time.
            self.server.contract.row(table)
        threads = [self._thread(writer.run, self.server, over) for writer in self.writers]
        if self.outsider:
            threads.append(self._thread(self.outsider.run, over))
        try:
            crash()
        finally:
            over.set()
            for thread in threads:
                thread.join(30)
        assert not any(thread.is_alive() for thread in threads), "a writer hangs"
        assert not self.failures, self.failures
        self.follower.drain()
        self.follower.stop()

    def _thread(self, body, *arguments):
        def run():
            try:
                body(*arguments)
            except BaseException as error:  # noqa: BLE001 - told in the test's own thread.
                self.failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


def random_of(random):
    return type(random)(random.randrange(2**32))


def stored(database, table):
    """The rows of a table as another program reads them, by key."""
    connection = sqlite3.connect(database, timeout=30)
    connection.row_factory = sqlite3.Row
    try:
        return {row[0]: dict(row) for row in connection.execute(f"SELECT * FROM {table}")}
    finally:
        connection.close()
