"""A scan of many rows delays nobody, and ends when nobody waits for it any more.

Whether it has ended is seen in the processor time that the server takes: not a question of how busy
the machine is."""

import os
import sqlite3
import time

import grpc
import pytest

from errors import Refused, refused, status_of
from server import Server, until
from session import Session

ROWS = 300_000
# Read in full for every row, and true of none.
EXPENSIVE = "length(trim(tolower(words))) lt 0 or length(trim(toupper(words))) lt 0"
# How often each way to end a scan is tried; there are three readers, one of them for single rows.
ROUNDS = 12
PATIENCE = 240


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    path = tmp_path_factory.mktemp("big") / "big.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE big (id INTEGER PRIMARY KEY, words TEXT);"
        "CREATE TABLE small (id TEXT NOT NULL PRIMARY KEY, words TEXT);"
    )
    connection.executemany(
        "INSERT INTO big VALUES (?, ?)", ((i, f"Row {i} of very many rows") for i in range(ROWS))
    )
    connection.commit()
    connection.close()
    server = Server(path, "--attach").start()
    for name in ("tables.Big", "tables.Small", "datasync.v1.SessionRequest"):
        assert server.contract.class_of(name)
    with Session(server) as session:
        session.create("small", id="one", words="a")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def whole(big):
    """The processor time of a scan that nobody ends, in seconds."""
    idle(big)
    before = cpu(big)
    with Session(big, timeout=PATIENCE) as session:
        page = session.answer(session.send("query", table="big", filter=EXPENSIVE), PATIENCE)
        assert not page.entities
    taken = cpu(big) - before
    assert taken > 0.5, "too quick a scan to tell one that ended from one that did not"
    return taken


def cpu(server):
    """Processor time of the server so far, in seconds."""
    with open(f"/proc/{server.process.pid}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(server, seconds=60):
    """Waits until the server does next to nothing."""

    def is_idle():
        before = cpu(server)
        time.sleep(0.3)
        return cpu(server) - before <= 0.05

    until(is_idle, seconds, "the server goes on working")


def started(server, before):
    """Waits until a scan is under way: nothing else takes time of the server's."""
    until(lambda: cpu(server) - before >= 0.05, 60, "no scan began")


def test_others_are_served_while_a_scan_runs(big, whole):
    """On the scan's own connection, whose event loop it would hold up, as on another."""
    channel = big.channel()
    with Session(big, timeout=PATIENCE, channel=channel) as scanner, \
            Session(big, channel=channel) as near, Session(big) as far:
        events = far.subscribe("small", heartbeat_interval=0.1)
        events.until_current()
        scan = scanner.send("query", table="big", filter=EXPENSIVE, count=True)
        started(big, cpu(big))
        for index in range(10):
            for session in (near, far):
                row = session.create("small", words=f"{index}")
                assert events.change().id == row.id
                assert session.get("small", row.id) == row.row
                assert session.rows("small", filter=f"id eq '{row.id}'") == [row.row]
                assert session.get("big", str(index))["words"].startswith("Row")
        assert events.checkpoint().sequence
        assert not scanner.of(scan), "the scan was over before the others: this shows nothing"
        answer = scanner.answer(scan, PATIENCE)
        assert answer.total == 0 and not answer.entities


def test_single_rows_are_read_while_scans_take_every_reader_they_can(big, whole):
    with Session(big, timeout=PATIENCE) as scanner, Session(big) as session:
        before = cpu(big)
        scans = [
            scanner.send("query", table="big", filter=EXPENSIVE, count=True) for _ in range(6)
        ]
        started(big, before)
        for index in range(20):
            assert session.get("big", str(index))["words"].startswith("Row")
        assert not any(scanner.of(scan) for scan in scans), "a scan was over: this shows nothing"
        for scan in scans:
            scanner.cancel(scan)
    idle(big)


def test_pages_and_initial_rows_have_turns_with_scans(big, whole):
    """Of sessions of their own, since a session has its scans one after the other."""
    scanners = [Session(big, timeout=PATIENCE) for _ in range(6)]
    before = cpu(big)
    scans = [
        scanner.send("query", table="big", filter=EXPENSIVE, count=True) for scanner in scanners
    ]
    started(big, before)
    with Session(big) as session:
        for _ in range(10):
            assert [row["id"] for row in session.rows("small", filter="id eq 'one'")] == ["one"]
            rows = session.subscribe("small", filter="id eq 'one'", once=True).until_current()
            assert rows[0].row["id"] == "one"
    answered = [scan for scanner, scan in zip(scanners, scans) if scanner.of(scan)]
    assert not answered, "a scan was over: this shows nothing"
    for scanner, scan in list(zip(scanners, scans))[2:]:
        scanner.cancel(scan)
    # One that began late goes on, as one that began early.
    for scanner, scan in list(zip(scanners, scans))[:2]:
        assert scanner.answer(scan, PATIENCE).total == 0
    for scanner in scanners:
        scanner.close()
    idle(big)


def served_copy(big, tmp_path, limit):
    """Another server, with the same rows and a limit of its own."""
    path = tmp_path / "copy.db"
    connection = sqlite3.connect(big.database)
    connection.execute("VACUUM INTO ?", (str(path),))
    connection.close()
    return Server(path, "--attach", "--limit", limit).start()


def test_where_too_many_scans_have_begun_one_ends_so_that_others_can_begin(big, whole, tmp_path):
    server = served_copy(big, tmp_path, "max_scans=2")
    scanners = [Session(server, timeout=PATIENCE) for _ in range(4)]
    before = cpu(server)
    scans = [
        scanner.send("query", table="big", filter=EXPENSIVE + f" or id lt -{number}", count=True)
        for number, scanner in enumerate(scanners)
    ]
    started(server, before)
    with Session(server) as session:
        assert session.rows("small", filter="id eq 'one'")
    ends = [scanner.response(scan, PATIENCE) for scanner, scan in zip(scanners, scans)]
    ended = [end.status for end in ends if end.WhichOneof("response") == "status"]
    assert 1 <= len(ended) < len(scans), ends
    for status in ended:
        error = Refused(status_of(status), server.contract)
        assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "READ_TOO_LONG"), error
        assert error.metadata["limit"] == "max_scans" and error.retry is not None
    for scanner in scanners:
        scanner.close()
    assert server.terminate() == 0


def test_a_scan_has_a_longest_time(big, whole, tmp_path):
    server = served_copy(big, tmp_path, "max_scan_time=100ms")
    with Session(server) as session:
        with refused("RESOURCE_EXHAUSTED", "READ_TOO_LONG") as error:
            session.page("big", filter=EXPENSIVE)
        assert error.value.metadata["limit"] == "max_scan_time"
        assert session.rows("small", filter="id eq 'one'")
    server.stop()


def many_subscriptions(session, count, **fields):
    """Of which each reads the whole table, or the whole log."""
    for _ in range(count):
        session.send("subscribe", table="big", filter=EXPENSIVE, **fields)


def test_who_asks_for_much_waits_for_oneself(big, whole):
    """Clients have their turns, not reads: what one of them asks for at once is no queue before others."""
    idle(big)
    with Session(big, timeout=PATIENCE) as greedy, Session(big) as other:
        before = cpu(big)
        many_subscriptions(greedy, 300)
        started(big, before)
        for _ in range(5):
            start = time.monotonic()
            assert other.page("small").rows
            other.subscribe("small").until_current()
            waited = time.monotonic() - start
            # All of them take some hundred times the time of one.
            assert waited < max(5, 10 * whole), f"{waited:.1f} s; a scan takes {whole:.1f} s"
    idle(big)


@pytest.fixture
def logged(tmp_path):
    """A server with a long log, and a token from before it."""
    connection = sqlite3.connect(tmp_path / "logged.db")
    connection.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, words TEXT)")
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
        "INSERT INTO big SELECT i, 'Row of many' FROM n")
    connection.commit()
    connection.close()
    server = Server(tmp_path / "logged.db", "--attach", "--limit", "tail_bytes=64KiB").start()
    token = server.unary("Changes", table="big").resume_token
    server.foreign("UPDATE big SET words = words || '.'")
    until(
        lambda: server.unary("Changes", table="big", resume_token=token).changes, 60,
        "what another program wrote is not in the log")
    yield server, token
    server.stop()


def test_replays_end_with_their_session(logged):
    server, token = logged
    idle(server)
    before = cpu(server)
    with Session(server, timeout=PATIENCE) as session:
        # The first alone, to know what one takes.
        session.subscribe("big", filter=EXPENSIVE, resume_token=token).until_current()
    idle(server)
    one = max(0.05, cpu(server) - before)
    before = cpu(server)
    with Session(server, timeout=PATIENCE) as session:
        many_subscriptions(session, 300, resume_token=token)
        started(server, before)
    idle(server)
    taken = cpu(server) - before
    assert taken < 100 * one, f"{taken:.1f} s, one takes {one:.2f} s"


def test_the_end_waits_for_no_read(logged):
    """Neither for those that nobody waits for, nor for those whose calls have ended with the drain."""
    server, token = logged
    with Session(server, timeout=PATIENCE) as session:
        before = cpu(server)
        many_subscriptions(session, 300, resume_token=token)
        many_subscriptions(session, 300)
        started(server, before)
        # Within the seconds of the drain, and those that a start of this program may take.
        assert server.terminate() == 0


# -- ways to end a scan; each starts one and says how it ended


def cancelled_in_its_session(server, session):
    before = cpu(server)
    scan = session.send("query", table="big", filter=EXPENSIVE)
    started(server, before)
    session.cancel(scan)
    with refused("CANCELLED"):
        session.answer(scan)


def cancelled_count(server, session):
    before = cpu(server)
    scan = session.send("query", table="big", filter=EXPENSIVE, count=True, order_by="words desc", top=1)
    started(server, before)
    session.cancel(scan)
    with refused("CANCELLED"):
        session.answer(scan)


def cancelled_while_it_waits(server, session):
    """Two run, the others wait for a reader."""
    before = cpu(server)
    scans = [session.send("query", table="big", filter=EXPENSIVE) for _ in range(6)]
    started(server, before)
    for scan in reversed(scans):
        session.cancel(scan)
        with refused("CANCELLED"):
            session.answer(scan)


def cancelled_initial_rows(server, session):
    before = cpu(server)
    events = session.subscribe("big", filter=EXPENSIVE)
    started(server, before)
    events.cancel()
    assert session.answer(events.request_id).code == 0


def unary(server, service="datasync.v1.Datasync", timeout=PATIENCE, **fields):
    descriptor = server.contract.method(service, "Query")
    request = server.contract.new("datasync.v1.QueryRequest", filter=EXPENSIVE, **fields)
    call = server.shared_channel.unary_unary(
        f"/{service}/Query", request_serializer=lambda message: message.SerializeToString()
    )
    assert descriptor.input_type.full_name == "datasync.v1.QueryRequest"
    return call.future(request, timeout=timeout)


def unary_deadline(server, _):
    with pytest.raises(grpc.RpcError) as caught:
        unary(server, table="big", timeout=0.2).result()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    # Before the next, which would be dropped where this one still kept the readers busy.
    idle(server)


def unary_cancelled(server, _):
    before = cpu(server)
    call = unary(server, table="big", count=True)
    started(server, before)
    assert call.cancel()


def typed_cancelled(server, _):
    before = cpu(server)
    call = unary(server, "tables.BigTable")
    started(server, before)
    assert call.cancel()


def watch_deadline(server, _):
    with pytest.raises(grpc.RpcError) as caught:
        list(server.stream("Watch", service="tables.BigTable", filter=EXPENSIVE, timeout=0.2))
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    idle(server)


def session_reset(server, _):
    """The stream ends with scans on it, running and waiting."""
    session = Session(server, channel=server.shared_channel)
    before = cpu(server)
    for _ in range(4):
        session.send("query", table="big", filter=EXPENSIVE)
    session.subscribe("big", filter=EXPENSIVE)
    started(server, before)
    session.close()


def connection_closed(server, _):
    session = Session(server)
    before = cpu(server)
    for _ in range(4):
        session.send("query", table="big", filter=EXPENSIVE)
    started(server, before)
    session.close()


def session_deadline(server, _):
    session = Session(server, timeout=0.3)
    session.send("query", table="big", filter=EXPENSIVE)
    assert session.ended(60).code == "DEADLINE_EXCEEDED"
    session.close()
    idle(server)


WAYS = [
    cancelled_in_its_session, cancelled_count, cancelled_while_it_waits, cancelled_initial_rows,
    unary_deadline, unary_cancelled, typed_cancelled, watch_deadline, session_reset, connection_closed,
    session_deadline,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_scan_that_nobody_waits_for_ends(big, whole, way):
    """Many in a row leave the readers free, and take a part of what they would have taken."""
    idle(big)
    before = cpu(big)
    with Session(big, timeout=PATIENCE) as session:
        for _ in range(ROUNDS):
            way(big, session)
        # Each of the two readers takes a scan again, and is not in the midst of an old one.
        pages = [session.send("query", table="small", count=True) for _ in range(8)]
        assert all(session.answer(page).total >= 1 for page in pages)
    idle(big)
    taken = cpu(big) - before
    assert taken < whole * ROUNDS / 2, f"{taken:.1f} s of {ROUNDS} scans of {whole:.1f} s each"
