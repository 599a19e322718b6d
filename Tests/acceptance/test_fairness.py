"""Small answers among much else on one stream: none waits for more than a chunk of anything."""

import sqlite3
import threading
import time

import grpc
import pytest

from server import CHANNEL_OPTIONS, Server
from session import Session

TABLE = "notes"
ROWS = 1200
QUERIES = 24
BODY = "x" * 2000
# What may be on its way when a small answer is ready: a chunk, what was buffered before it was asked
# for, and the windows of client and server.
CHUNK, PAGE, BUFFERED = 256 << 10, 1 << 20, 512 << 10
# A client that stops reading is felt by the server soon.
OPTIONS = [*CHANNEL_OPTIONS, ("grpc.http2.lookahead_bytes", 1 << 16), ("grpc.http2.bdp_probe", 0)]


class Stalling(Session):
    """A session that can stop reading."""

    def __init__(self, server):
        self._reads = threading.Event()
        self._reads.set()
        channel = grpc.insecure_channel(server.address, options=OPTIONS)
        super().__init__(server, client_id="slow", channel=channel)

    def _read(self):
        reads = self._reads

        class Gate:
            """The call's responses, one at a time while reading goes on."""

            def __init__(self, call):
                self.call = call

            def __iter__(self):
                for response in self.call:
                    yield response
                    assert reads.wait(120), "nobody went on reading within two minutes"

        self.call_object, call = Gate(self.call_object), self.call_object
        super()._read()
        self.call_object = call

    def stall(self):
        self._reads.clear()

    def resume(self):
        self._reads.set()

    def close(self):
        self._reads.set()
        self._channel.close()

    def bytes_before(self, request_id, since):
        """What came before the answer, of what came after the log had so many responses."""
        self.response(request_id, 60)
        with self._changed:
            log = list(self.log)
        place = next(n for n, r in enumerate(log) if r.request_id == request_id)
        return sum(r.ByteSize() for r in log[since:place])


@pytest.fixture
def filled(own_shop):
    with Session(own_shop) as session:
        for start in range(0, ROWS, 300):
            writes = [
                {"create": {"entity": session.contract.entity(TABLE, id=f"n{n:05}", body=BODY)}}
                for n in range(start, start + 300)
            ]
            session.call("commit", writes=writes)
    return own_shop


@pytest.fixture
def slow(filled):
    session = Stalling(filled)
    yield session
    session.close()


def has_come(session):
    with session._changed:
        return len(session.log)


def pause():
    """The server has read what was sent, and filled what it may."""
    time.sleep(1)


def ask_while_stalled(session, busy, asks_query=True):
    """Starts what keeps the stream busy, asks small things behind it, and reads on.

    Returns what came before each answer, in bytes."""
    session.stall()
    busy()
    pause()
    asked = [
        session.send("get", table=TABLE, id="n00001"),
        session.send("get", table=TABLE, id="no such row"),
        session.send("describe"),
    ]
    if asks_query:
        asked.append(session.send("query", table=TABLE, filter="id eq 'n00002'"))
    pause()
    since = has_come(session)
    session.resume()
    return [session.bytes_before(request_id, since) for request_id in asked]


def test_initial_rows_hold_up_no_small_answer(slow):
    watched = {}

    def busy():
        watched["rows"] = slow.subscribe(TABLE)

    before = ask_while_stalled(slow, busy)
    assert max(before) < CHUNK + BUFFERED, before
    assert len(watched["rows"].until_current(60)) == ROWS + 1


def test_a_replay_holds_up_no_small_answer(filled, slow):
    with Session(filled) as session:
        token = session.subscribe(TABLE, now={}).until_current()[0].resume_token
        entity = session.contract.entity
        for n in range(ROWS):
            session.send("update", entity=entity(TABLE, id=f"n{n:05}", body="y" * 2000))
        session.answer(session.send("create", entity=entity(TABLE, id="last")), 60)
    watched = {}

    def busy():
        watched["rows"] = slow.subscribe(TABLE, resume_token=token)

    before = ask_while_stalled(slow, busy)
    assert max(before) < CHUNK + BUFFERED, before
    changes = [e for e in watched["rows"].until_current(60) if hasattr(e, "operation")]
    assert len(changes) == ROWS + 1


def test_live_events_hold_up_no_small_answer(filled, slow):
    events = slow.subscribe(TABLE, now={})
    events.until_current()

    def busy():
        with Session(filled) as session:
            entity = session.contract.entity
            for n in range(ROWS):
                last = session.send("update", entity=entity(TABLE, id=f"n{n:05}", body="z" * 2000))
            session.answer(last, 60)

    before = ask_while_stalled(slow, busy)
    assert max(before) < CHUNK + BUFFERED, before
    assert len(events.changes(ROWS, 60)) == ROWS


def test_pages_of_many_queries_hold_up_no_small_answer(slow):
    """Queries have their turns among themselves. What is no query waits for the page that is being sent,
    and for as many as go out while it is read, which takes its time on a machine that does other work."""
    asked = []

    def busy():
        asked.extend(slow.send("query", table=TABLE, page_size=1000) for _ in range(QUERIES))

    before = ask_while_stalled(slow, busy, asks_query=False)
    assert max(before) < QUERIES // 3 * PAGE, before
    pages = [slow.answer(request_id, 60) for request_id in asked]
    assert all(sum(len(e.value) for e in page.entities) > PAGE // 2 for page in pages)


def test_a_write_is_answered_among_initial_rows(slow):
    slow.stall()
    rows = slow.subscribe(TABLE)
    pause()
    written = [slow.send("create", entity=slow.contract.entity(TABLE, id=f"w{n}")) for n in range(3)]
    pause()
    since = has_come(slow)
    slow.resume()
    before = [slow.bytes_before(request_id, since) for request_id in written]
    assert max(before) < CHUNK + BUFFERED, before
    # In the view, and once: they are written during the initial rows, which go on as they were.
    events = rows.until_sequence(slow.response(written[-1]).write.sequence, 60)
    assert sorted(e.id for e in events if getattr(e, "id", "").startswith("w")) == ["w0", "w1", "w2"]


def test_subscriptions_share_the_stream_in_chunks(slow):
    """Of two that replay, neither is done before the other has begun, nor far ahead of it."""
    slow.stall()
    first, second = slow.subscribe(TABLE), slow.subscribe(TABLE)
    pause()
    slow.resume()
    for events in (first, second):
        assert len(events.until_current(60)) == ROWS + 1
    sent, widest = {first.request_id: 0, second.request_id: 0}, 0
    with slow._changed:
        for response in slow.log:
            if response.request_id in sent:
                sent[response.request_id] += response.ByteSize()
                widest = max(widest, abs(sent[first.request_id] - sent[second.request_id]))
    assert widest < 2 * CHUNK + BUFFERED, widest


def test_pages_that_many_streams_do_not_take_are_let_go_and_read_again(tmp_path, record_property):
    """Each answer is there and whole in the end, and shows nothing of its session's later write."""
    path = tmp_path / "pages.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    connection.executemany("INSERT INTO notes VALUES (?, ?)", ((n, "x" * 900) for n in range(1000)))
    connection.commit()
    connection.close()
    server = Server(
        path, "--attach", "--limit", "max_page_bytes_held=2MiB", "--limit", "cache_bytes=1MiB"
    ).start()
    sessions = [Stalling(server) for _ in range(10)]
    for number, session in enumerate(sessions):
        session.client_id = f"written by {number}"
    for session in sessions:
        session.rows("notes", page_size=1000)
    before = server.resident_bytes()
    asked = {}
    for session in sessions:
        session.stall()
        asked[session] = [session.send("query", table="notes", page_size=1000) for _ in range(16)]
        entity = session.contract.entity("notes", id=0, body=session.client_id)
        asked[session].append(session.send("replace", entity=entity))
    # 160 pages of 1 MB each are asked for; two loops may hold 2 MiB, and each stream its buffer.
    time.sleep(3)
    grown = (server.resident_bytes() - before) / 1e6
    record_property("memory of 160 pages that nobody takes", f"{grown:.0f} MB")
    assert grown < 80, f"{grown:.0f} MB"
    for session in sessions:
        session.resume()
    for session in sessions:
        *pages, write = asked[session]
        for page in pages:
            entities = session.answer(page, 120).entities
            assert len(entities) == 1000
            assert session.contract.row_of(entities[0])["body"] != session.client_id
        assert session.answer(write, 120).sequence
        session.close()
    server.stop()
