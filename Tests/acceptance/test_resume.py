"""Subscriptions that break off and go on; servers that are killed."""

import random
import threading

import pytest

from conftest import SEED
from errors import refused
from server import until
from session import Ended, Session, View, by_id

TABLE = "todo_items"


class Load(threading.Thread):
    """Writes to the table until told to stop, or until the server is gone; keeps what was answered."""

    def __init__(self, server, source):
        super().__init__(daemon=True)
        self.server, self.random = server, source
        self.session = Session(server)
        # id -> the answered row; None where its deletion was answered.
        self.answered = {}
        self.last = 0
        self.unknown = set()
        self.enough = threading.Event()

    def run(self):
        try:
            while not self.enough.is_set():
                self.step()
        except Ended:
            pass
        finally:
            self.session.close()

    def step(self):
        alive = [id for id, row in self.answered.items() if row and id not in self.unknown]
        kind = self.random.choice(("create", "create", "update", "delete"))
        if kind == "create" or not alive:
            written = self.session.create(TABLE, title=f"t{self.random.randrange(10**6)}")
        else:
            id = self.random.choice(alive)
            self.unknown.add(id)
            if kind == "update":
                written = self.session.update(
                    TABLE, id=id, title=f"u{self.random.randrange(10**6)}", completed=True
                )
            else:
                written = self.session.delete(TABLE, id)
            self.unknown.discard(id)
        self.answered[written.id] = None if kind == "delete" and alive else written.row
        self.last = written.sequence

    def finish(self):
        self.enough.set()
        self.join(20)
        assert not self.is_alive()


def read_some(subscription, view, count):
    """Applies so many events, and forgets what came after the last checkpoint, as a client would
    that keeps its rows and its token together."""
    batch = []
    for _ in range(count):
        try:
            event = subscription.next()
        except Ended:
            return
        batch.append(event)
        if hasattr(event, "resume_token"):
            view.apply_all(batch)
            batch = []


@pytest.mark.parametrize("filter", ["", "completed eq true"])
def test_a_subscription_that_breaks_off_at_random_places_ends_with_the_same_rows(
    demo, seeded, filter
):
    load = Load(demo, random.Random(SEED + 1))
    load.start()
    view = View()
    try:
        for _ in range(12):
            with Session(demo) as session:
                # A token once there is one; before, from the start with nothing in the picture.
                if view.token:
                    subscription = session.subscribe(
                        TABLE, filter=filter, resume_token=view.token, heartbeat_interval=0.1
                    )
                else:
                    view = View()
                    subscription = session.subscribe(TABLE, filter=filter, heartbeat_interval=0.1)
                read_some(subscription, view, seeded.randrange(1, 60))
    finally:
        load.finish()
    with Session(demo) as session:
        start = {"resume_token": view.token} if view.token else {}
        events = session.subscribe(TABLE, filter=filter, heartbeat_interval=0.1, **start)
        view.apply_all(events.until_sequence(load.last))
        assert view.of(TABLE) == by_id(session.rows(TABLE, filter=filter))


def test_a_killed_server_loses_no_answered_write_and_the_subscription_goes_on(demo, seeded):
    view, answered, last = View(), {}, 0
    for _ in range(3):
        load = Load(demo, random.Random(seeded.randrange(2**32)))
        load.start()
        with Session(demo) as session:
            start = {"resume_token": view.token} if view.token else {}
            subscription = session.subscribe(TABLE, heartbeat_interval=0.1, **start)
            read_some(subscription, view, seeded.randrange(20, 120))
            demo.kill()
        load.finish()
        answered.update({id: row for id, row in load.answered.items() if id not in load.unknown})
        for id in load.unknown:
            answered.pop(id, None)
        last = max(last, load.last)
        assert load.last, "the load got to write"
        demo.start()

    with Session(demo) as session:
        rows = by_id(session.rows(TABLE))
        for id, row in answered.items():
            assert rows.get(id) == row, f"an answered write of {id} is lost"
        events = session.subscribe(TABLE, resume_token=view.token, heartbeat_interval=0.1)
        view.apply_all(events.until_sequence(last))
        assert view.of(TABLE) == by_id(session.rows(TABLE))


def test_the_history_and_its_sequence_survive_a_restart(demo):
    with Session(demo, client_id="a") as session:
        history = session.opened.history_id
        written = session.create(TABLE, title="kept")
    demo.kill()
    demo.start()
    with Session(demo, client_id="a") as session:
        assert session.opened.history_id == history
        assert session.opened.sequence >= written.sequence
        assert session.get(TABLE, written.id) == written.row
        assert session.create(TABLE, title="next").sequence == session.opened.sequence + 1


def test_a_token_of_another_history_is_refused(demo, serve):
    other = serve("other.db", "--attach", sql="CREATE TABLE todo_items (id TEXT PRIMARY KEY)")
    with Session(other) as session:
        token = session.subscribe("todo_items").until_current()[-1].resume_token
    with Session(demo) as session:
        with refused("OUT_OF_RANGE", "HISTORY_REPLACED"):
            session.subscribe(TABLE, resume_token=token).next()


@pytest.mark.parametrize("token", ["x", "AAAA", "no token at all!", "\u00fc", "a" * 5000])
def test_a_token_that_is_none_is_refused(films_session, token):
    with refused("INVALID_ARGUMENT") as error:
        films_session.subscribe("movies", resume_token=token).next()
    assert "token" in error.message.lower()


def test_a_tables_history_begins_when_it_is_attached(serve, tmp_path):
    """A token from before is too old for what covers the table, and still good for the others."""
    server = serve("a.db", "--attach", sql="CREATE TABLE one (id TEXT PRIMARY KEY, v TEXT)")
    with Session(server) as session:
        session.create("one", v="before")
        token = session.subscribe("one").until_current()[-1].resume_token
    assert server.terminate() == 0
    connection = server.sqlite()
    connection.executescript(
        "CREATE TABLE two (id TEXT PRIMARY KEY, v TEXT); INSERT INTO two VALUES ('r', 'row')"
    )
    connection.close()
    server.start()
    with Session(server) as session:
        for table in ("two", ""):
            with refused("OUT_OF_RANGE", "HISTORY_COMPACTED") as error:
                session.subscribe(table, resume_token=token).next()
            assert int(error.metadata["oldest"]) > 0
        events = session.subscribe("one", resume_token=token).until_current()
        assert len(events) == 1
        # The rows of the new table share one version, and that moment.
        row = session.get("two", "r")
        assert row["created_at"] == row["updated_at"] and row["version"] > 0


def test_a_live_subscription_of_all_tables_ends_when_a_table_is_attached(serve):
    server = serve("a.db", "--attach", sql="CREATE TABLE one (id TEXT PRIMARY KEY, v TEXT)")
    with Session(server) as session:
        everything = session.subscribe("", heartbeat_interval=0.1)
        only_one = session.subscribe("one", heartbeat_interval=0.1)
        everything.until_current()
        only_one.until_current()
        server.foreign("CREATE TABLE two (id TEXT PRIMARY KEY, v TEXT)")
        with refused("OUT_OF_RANGE", "HISTORY_COMPACTED"):
            while True:
                everything.next()
        # The session and the other subscription go on.
        session.create("one", v="after")
        assert only_one.change().row["v"] == "after"
        server.refresh()
        until(lambda: "two" in {t.name for t in session.call("describe").tables})
        again = Session(server)
        assert again.create("two", v="new").row["v"] == "new"
        again.close()
