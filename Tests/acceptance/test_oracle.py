"""Random histories: whatever happens, each subscription's picture equals its query in the end.

Writers of every kind (sessions, commits, calls, another program), subscriptions that come, stall,
break off and resume, a server that is killed: the seed stands at the end of the run.
"""

import pytest

from session import Checkpoint, Session, View

IDS = [f"r{n}" for n in range(12)]
VIEWS = [
    {"table": "notes"},
    {"table": "notes", "filter": "stars ge 3"},
    {"table": "notes", "filter": "owner eq 'a'"},
    {"table": "notes", "filter": "owner eq 'a' and stars ne 2 or body eq null"},
    {"table": "notes", "filter": "contains(title, '1')", "previous": True},
    {"table": "notes", "filter": "stars lt 3", "min_interval": 0.1},
    {"table": "soft_notes"},
    {"table": "soft_notes", "include_deleted": True},
    {"table": "soft_notes", "filter": "startswith(title, 'x')"},
    {"table": "soft_notes", "filter": "deleted eq true", "include_deleted": True},
    {"table": ""},
]


class Subscriber:
    """One view, kept over many streams: rows and token are stored together at checkpoints."""

    def __init__(self, spec):
        self.spec = spec
        self.view = View()
        self.pending = []

    def connect(self, session):
        self.pending = []
        start = {"resume_token": self.view.token} if self.view.token else {}
        if not self.view.token:
            self.view = View()
        self.events = session.subscribe(heartbeat_interval=0.1, **self.spec, **start)

    def take(self, event):
        """Nothing is applied before the checkpoint that follows it has come; and nothing before
        the initial rows are complete."""
        self.pending.append(event)
        if isinstance(event, Checkpoint) and (self.view.token or event.current):
            self.view.apply_all(self.pending)
            self.pending = []

    def read(self, count):
        for _ in range(count):
            try:
                self.take(self.events.next(0.02))
            except AssertionError:
                return

    def settle(self, sequence):
        for event in self.events.until_sequence(sequence):
            self.take(event)

    def expected(self, session):
        tables = [self.spec["table"]] if self.spec["table"] else [
            table.name for table in session.call("describe").tables
        ]
        query = {k: v for k, v in self.spec.items() if k in ("filter", "include_deleted")}
        rows = {}
        for table in tables:
            key = "number" if table == "counters" else "id"
            for row in session.rows(table, page_size=7, **query):
                rows[(table, str(row[key]))] = row
        return rows


class Writer:
    def __init__(self, server, random):
        self.server, self.random = server, random

    def values(self, table):
        pick = self.random.choice
        values = {"title": pick(["", "x1", "x2", "y", "1 ' %"]), "body": pick(["b", "c"])}
        if table == "notes":
            values |= {"stars": self.random.randrange(6), "owner": pick("abc")}
        return {k: v for k, v in values.items() if k == "title" or self.random.random() < 0.7}

    def write(self, contract, table, id):
        """A random write as the fields of a request: (kind, fields)."""
        entity = contract.entity(table, id=id, **self.values(table))
        match self.random.randrange(6):
            case 0:
                return "create", {"entity": entity}
            case 1 | 2:
                return "replace", {
                    "entity": entity, "allow_missing": True,
                    "include_deleted": self.random.random() < 0.5,
                }
            case 3:
                return "update", {"entity": entity, "update_mask": {"paths": ["title", "body"]}}
            case 4:
                return "update", {"entity": entity, "include_deleted": True}
            case _:
                return "delete", {"table": table, "id": id}

    def step(self, session):
        table = self.random.choice(["notes", "soft_notes"])
        id = self.random.choice(IDS)
        kind = self.random.random()
        if kind < 0.7:
            name, fields = self.write(session.contract, table, id)
            session.send(name, **fields)
        elif kind < 0.85:
            # Most of these fail as a whole, since one of their writes does.
            writes = []
            for _ in range(self.random.randrange(1, 4)):
                name, fields = self.write(
                    session.contract, self.random.choice(["notes", "soft_notes"]),
                    self.random.choice(IDS),
                )
                writes.append({name: fields})
            session.send("commit", writes=writes)
        else:
            self.foreign(table, id)

    def foreign(self, table, id):
        title = self.random.choice(["x9", "z1", ""])
        connection = self.server.sqlite()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement, values in self.random.choice([
                [(f"INSERT OR REPLACE INTO {table} (id, title) VALUES (?, ?)", (id, title))],
                [(f"UPDATE {table} SET title = ?", (title,))],
                [(f"DELETE FROM {table} WHERE id = ?", (id,))],
                [(f"DELETE FROM {table} WHERE id = ?", (id,)),
                 (f"INSERT INTO {table} (id, title) VALUES (?, ?)", (id, title))],
                [(f"UPDATE {table} SET body = NULL WHERE id > ?", (id,))],
                [("UPDATE soft_notes SET deleted = 1 - deleted WHERE id = ?", (id,))],
            ]):
                connection.execute(statement, values)
            connection.execute("COMMIT")
        finally:
            connection.close()


@pytest.mark.parametrize("round", range(3))
def test_every_picture_equals_its_query_after_a_random_history(own_shop, seeded, round):
    for _ in range(round):
        seeded.random()
    server, writer = own_shop, Writer(own_shop, seeded)
    subscribers = [Subscriber(spec) for spec in VIEWS for _ in range(2)]
    for life in range(4):
        with Session(server, client_id="w") as session, Session(server, client_id="r") as reader:
            for subscriber in subscribers:
                subscriber.connect(reader)
            for _ in range(40):
                for _ in range(seeded.randrange(6)):
                    writer.step(session)
                seeded.choice(subscribers).read(seeded.randrange(20))
                if seeded.random() < 0.1:
                    # One breaks off and comes back from its token.
                    subscriber = seeded.choice(subscribers)
                    reader.cancel(subscriber.events.request_id)
                    subscriber.connect(reader)
            if life == 3:
                # `authors` is in the view of all tables only: also those must reach its sequence.
                last = max(
                    session.create("authors", name="the end").sequence,
                    session.replace("notes", {"allow_missing": True}, id="end").sequence,
                )
                for subscriber in subscribers:
                    subscriber.settle(last)
                    assert subscriber.view.rows == subscriber.expected(session), subscriber.spec
            elif seeded.random() < 0.5:
                server.kill()
        if server.process.poll() is not None:
            server.start()


def test_a_history_seen_by_two_subscriptions_is_the_same(own_shop, seeded):
    """One live, one replayed later from the start: the same events in the same order."""
    with Session(own_shop, client_id="w") as session, Session(own_shop) as reader:
        options = {"previous": True, "include_deleted": True}
        live = reader.subscribe("", heartbeat_interval=0.1, **options)
        token = live.until_current()[-1].resume_token
        writer = Writer(own_shop, seeded)
        for _ in range(200):
            writer.step(session)
        last = session.create("authors", name="end").sequence
        seen = [e for e in live.until_sequence(last) if not isinstance(e, Checkpoint)]
        replay = reader.subscribe("", resume_token=token, **options).until_current()
        again = [e for e in replay if not isinstance(e, Checkpoint)]
        assert [e.sequence for e in seen] == list(range(seen[0].sequence, last + 1))
        assert [vars(e) for e in seen] == [vars(e) for e in again]
