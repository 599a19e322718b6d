"""--metrics: what Prometheus reads, and the probes of a supervisor."""

import re
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.request

import pytest

from errors import Refused, refused
from server import ROOT, until
from session import Session
from test_limits import NOTES, SERVICE_LIMITS, limit, strike

LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """One answer of /metrics: values by name and labels."""

    def __init__(self, text):
        self.values, self.types = {}, {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"{name} is told of twice"
                self.types[name] = kind
            elif not line.startswith("#"):
                name, labels, value = LINE.match(line).groups()
                key = (name, frozenset(LABEL.findall(labels or "")))
                assert key not in self.values, f"{line} comes twice"
                self.values[key] = float(value)

    def get(self, name, **labels):
        return self.values.get((name, frozenset(labels.items())), 0)

    def sum(self, name, **labels):
        """Over all label sets with those labels."""
        return sum(
            value for (found, pairs), value in self.values.items()
            if found == name and labels.items() <= dict(pairs).items()
        )


def url_of(server, path):
    base = until(
        lambda: re.search(r"url=(http://\S+)/metrics", server.log()),
        message="the log says no address of the metrics",
    )[1]
    return base + path


def get(server, path):
    """Status, headers and text."""
    try:
        with urllib.request.urlopen(url_of(server, path), timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def metrics(server):
    status, headers, text = get(server, "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Metrics(text)


@pytest.fixture
def watched(serve):
    return serve("a.db", "--attach", "--metrics", "127.0.0.1:0", sql=NOTES)


def test_requests_are_counted_by_method_and_code(watched):
    with Session(watched) as session:
        row = session.create("notes", body="x")
        session.get("notes", row.id)
        with refused("NOT_FOUND"):
            session.get("notes", "absent")
        watched.unary("Query", table="notes")
        session.call("commit", writes=[])
        session.delete("notes", row.id)
    found = metrics(watched)
    count = "datasync_request_duration_seconds_count"
    for method, code, wanted in (
        ("create", "OK", 1), ("get", "OK", 1), ("get", "NOT_FOUND", 1), ("query", "OK", 1),
        ("commit", "OK", 1), ("delete", "OK", 1),
    ):
        assert found.get(count, method=method, code=code) == wanted, (method, code)
        bucket = found.get(
            "datasync_request_duration_seconds_bucket", method=method, code=code, le="+Inf"
        )
        assert bucket == wanted
    assert found.sum(count) == 6
    assert 0 < found.get("datasync_request_duration_seconds_sum", method="create", code="OK") < 10


def test_sessions_and_subscriptions_come_and_go(watched):
    assert metrics(watched).get("datasync_sessions") == 0
    with Session(watched) as session:
        first = session.subscribe("notes")
        first.until_current()
        session.subscribe("notes").until_current()
        found = metrics(watched)
        assert found.get("datasync_sessions") == 1
        assert found.get("datasync_subscriptions") == 2
        assert found.get("datasync_connections") >= 1
        session.cancel(first.request_id)
        assert metrics(watched).get("datasync_subscriptions") == 1
    until(
        lambda: metrics(watched).get("datasync_sessions") == 0
        and metrics(watched).get("datasync_subscriptions") == 0,
        message="a session that is gone is still counted",
    )
    assert metrics(watched).sum("datasync_request_duration_seconds_count", method="subscribe") == 2


def test_commits_syncs_and_the_log(watched):
    before = metrics(watched)
    with Session(watched) as session:
        for number in range(20):
            last = session.create("notes", body=str(number))
    found = metrics(watched)
    commits = found.get("datasync_commit_duration_seconds_count") - before.get(
        "datasync_commit_duration_seconds_count")
    assert 1 <= commits <= 25
    assert found.get("datasync_sync_duration_seconds_count") >= commits
    assert 0 < found.get("datasync_sync_duration_seconds_sum") \
        <= found.get("datasync_commit_duration_seconds_sum")
    assert found.get("datasync_sequence") == last.sequence
    assert found.get("datasync_log_bytes") > before.get("datasync_log_bytes")
    assert found.get("datasync_tables") == 1


def test_foreign_changes_and_unserved_tables(watched):
    watched.foreign("INSERT INTO notes (id, body) VALUES ('f1', 'x'), ('f2', 'y')")
    until(
        lambda: metrics(watched).get("datasync_foreign_changes_total") == 2,
        message="two rows of another program are not counted",
    )
    assert metrics(watched).get("datasync_unserved_tables") == 0
    watched.foreign("CREATE TABLE odd (a INTEGER, b INTEGER, PRIMARY KEY (a, b))")
    until(
        lambda: metrics(watched).get("datasync_unserved_tables") == 1,
        message="a table that cannot be served is not counted",
    )


@pytest.mark.parametrize("name", SERVICE_LIMITS)
def test_a_limit_of_the_service_is_counted(serve, name):
    value = {"max_decoded_bytes": "64KiB"}.get(name, 2)
    server = serve(
        "a.db", "--attach", "--metrics", "127.0.0.1:0", *limit(name, value), sql=NOTES)
    assert metrics(server).get("datasync_limit_reached_total", limit=name) == 0
    with Session(server) as session:
        other = server.sqlite()
        if name == "max_queued_writes":
            other.execute("BEGIN IMMEDIATE")
        strike(session, name)
        other.close()
    assert metrics(server).get("datasync_limit_reached_total", limit=name) >= 1


def test_a_writer_that_waits_shows_and_is_told_of(watched):
    other = watched.sqlite()
    other.execute("BEGIN IMMEDIATE")
    with Session(watched) as session:
        waiting = session.send("create", entity=session.contract.entity("notes", body="x"))
        until(
            lambda: metrics(watched).get("datasync_writer_busy_seconds") > 2,
            message="the writer does not show as busy",
        )
        until(lambda: "phase=waitingForLock" in watched.log(), seconds=15,
              message="the log does not tell of the lock")
        assert "lsof" in watched.log(), "what to do is not said"
        other.execute("ROLLBACK")
        session.answer(waiting)
    until(lambda: metrics(watched).get("datasync_writer_busy_seconds") == 0,
          message="the writer is still busy")
    assert watched.log().count("phase=waitingForLock") <= 2


def test_the_probes(watched):
    for path in ("/livez", "/readyz"):
        assert get(watched, path)[0] == 200
    assert get(watched, "/else")[0] == 404


def test_readiness_ends_with_the_database_file(watched, tmp_path):
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    until(lambda: get(watched, "/readyz")[0] == 503, message="it is still ready")
    assert "removed, replaced" in get(watched, "/readyz")[2]
    assert get(watched, "/livez")[0] == 200
    (tmp_path / "b.db").rename(tmp_path / "a.db")


def test_the_page_lists_every_metric_and_no_other(watched):
    page = (ROOT / "docs" / "metrics.md").read_text()
    listed = set(re.findall(r"`((?:datasync|process)_[a-z_]+)`", page))
    types = metrics(watched).types
    assert listed == set(types)
    for name, kind in types.items():
        row = re.search(rf"^\| `{name}` \| (\w+) \|", page, re.MULTILINE)
        assert row is None or row[1] == kind, name
        # Prometheus' conventions.
        assert (kind == "counter") == name.endswith("_total"), name


def test_many_scrapes_beside_a_load_lose_nothing(watched):
    stop = threading.Event()
    failures = []

    def scrape():
        try:
            while not stop.is_set():
                metrics(watched)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=scrape) for _ in range(4)]
    for thread in threads:
        thread.start()
    with Session(watched) as session:
        for number in range(200):
            session.create("notes", body=str(number))
    stop.set()
    for thread in threads:
        thread.join(20)
    assert not failures
    found = metrics(watched)
    assert found.get("datasync_request_duration_seconds_count", method="create", code="OK") == 200


def test_another_programs_port_is_refused_with_a_word(serve, watched):
    taken = url_of(watched, "").removeprefix("http://")
    server = serve("b.db", "--attach", "--metrics", taken, sql=NOTES, start=False)
    with pytest.raises(AssertionError, match="cannot serve metrics"):
        server.start()


def test_slow_clients_do_not_keep_others_from_the_probes(watched):
    """Who takes long to ask makes way for who asks now."""
    port = int(url_of(watched, "").rsplit(":", 1)[1])
    slow = []
    try:
        for _ in range(100):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            slow.append(connection)
            if len(slow) > 50:
                assert get(watched, "/livez")[0] == 200
        for _ in range(5):
            for connection in slow:
                try:
                    connection.sendall(b"x")
                except OSError:
                    # It was closed for another.
                    pass
            assert get(watched, "/livez")[0] == 200
            assert metrics(watched).get("datasync_tables") == 1
    finally:
        for connection in slow:
            connection.close()
