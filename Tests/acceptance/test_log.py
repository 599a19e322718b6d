"""Who wrote what: the principal in the change log, and `datasync log`."""

import json
import pathlib
import signal
import sqlite3
import subprocess

import pytest

from server import Server, binary, run, until
from session import Session
from test_access import TABLE, Place

EARLIER = pathlib.Path(__file__).parent.parent / "guest" / "attached_by_format_1.sql"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("log"))
    yield place
    place.server.stop()


def entries(database, *arguments):
    result = run("log", database, "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def who(entry):
    return entry["operation"], entry["origin"], entry["principal"]


class Following:
    """A `datasync log --follow` that runs."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [binary(), "log", *map(str, arguments), "--follow", "--json"], stdout=subprocess.PIPE, text=True)

    def next(self):
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.wait(20)


@pytest.fixture
def following():
    started = []

    def follow(*arguments):
        started.append(Following(*arguments))
        return started[-1]

    yield follow
    for one in started:
        one.end()


def test_the_log_says_who_wrote_what(place):
    path = place.folder / "access.db"
    with place.session("alice", client_id="phone") as alice, place.session("bob", client_id="phone") as bob:
        first = alice.create(TABLE, id="w1", title="t").sequence
        alice.update(TABLE, id="w1", title="u", done=True)
        bob.create(TABLE, id="w2", title="t")
    place.server.unary(
        "Delete", metadata=place.header("alice"), table=TABLE, id="w1")
    place.server.foreign(f"UPDATE {TABLE} SET title = 'x' WHERE id = 'w2'")
    found = until(
        lambda: (lambda rows: rows if len(rows) == 5 else None)(entries(path, "--since", first - 1)),
        20, "five changes are listed")
    assert [who(entry) for entry in found] == [
        ("INSERT", "phone", "alice"), ("UPDATE", "phone", "alice"), ("INSERT", "phone", "bob"),
        ("DELETE", "", "alice"), ("UPDATE", "", "")]
    assert [entry["changed_fields"] for entry in found] == [[], ["title", "done"], [], [], ["title"]]
    assert [entry["id"] for entry in found] == ["w1", "w1", "w2", "w1", "w2"]
    assert all(entry["table"] == TABLE and entry["time"].endswith("Z") for entry in found)
    assert [entry["sequence"] for entry in found] == list(range(first, first + 5))


def test_events_do_not_carry_it_and_own_compares_it(place):
    """Two principals with one client id: each sees its own as its own, live and from the log."""
    with place.session("root", client_id="same") as root, place.session("alice", client_id="same") as alice:
        live = root.subscribe(TABLE)
        live.until_current()
        alice.create(TABLE, id="o1", title="t", owner="alice")
        root.create(TABLE, id="o2", title="t", owner="alice")
        events = [live.change(), live.change()]
        assert [(event.id, event.own) for event in events] == [("o1", False), ("o2", True)]
        assert [event.origin for event in events] == ["same", "same"]
        excluding = root.subscribe(TABLE, exclude_own=True)
        excluding.until_current()
        alice.create(TABLE, id="o3", title="t", owner="alice")
        root.create(TABLE, id="o4", title="t", owner="alice")
        alice.create(TABLE, id="o5", title="t", owner="alice")
        assert [excluding.change().id for _ in range(2)] == ["o3", "o5"]


def test_it_is_narrowed_by_table_row_and_time(place):
    path = place.folder / "access.db"
    with place.session("root", client_id="r") as root:
        first = root.create(TABLE, id="n1", title="t", owner="alice").sequence
        root.create(TABLE, id="n2", title="t", owner="alice")
    assert [entry["id"] for entry in entries(path, "--since", first)] == ["n2"]
    assert [entry["sequence"] for entry in entries(path, "--id", "n1")] == [first]
    assert entries(path, "--table", "notices", "--since", first) == []
    (entry,) = entries(path, "--id", "n1", "--table", TABLE)
    assert "n1" in [found["id"] for found in entries(path, "--since", entry["time"])]
    assert entries(path, "--since", "2999-01-01T00:00:00Z") == []
    for arguments, word in [(["--table", "todo_item"], TABLE), (["--since", "yesterday"], "time")]:
        result = run("log", path, *arguments)
        assert result.returncode > 0 and word in result.stderr


def test_the_table_for_people_says_the_same(place):
    path = place.folder / "access.db"
    with place.session("root", client_id="r") as root:
        number = root.create(TABLE, id="p1", title="t", owner="alice")
    lines = run("log", path, "--id", "p1").stdout.splitlines()
    assert lines[0].split() == [
        "SEQUENCE", "TIME", "OPERATION", "TABLE", "ID", "ORIGIN", "PRINCIPAL", "CHANGED"]
    cells = lines[1].split()
    assert cells[0] == str(number.sequence) and cells[2:] == ["INSERT", TABLE, "p1", "r", "root", "-"]


def test_what_a_terminal_would_obey_is_not_printed(tmp_path):
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY)")
    connection.close()
    assert run("attach", path).returncode == 0
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO t VALUES ('red\x1b[31m')")
    connection.commit()
    connection.close()
    Server(path).start().stop()
    result = run("log", path)
    assert "red" in result.stdout and "\x1b" not in result.stdout
    assert [entry["id"] for entry in entries(path)][-1] == "red\x1b[31m"


def test_it_follows_and_ends_with_the_signal(place, following):
    path = place.folder / "access.db"
    with place.session("root", client_id="f") as root:
        before = root.create(TABLE, id="f0", title="t", owner="alice").sequence
        log = following(path, "--since", before)
        for number in range(1, 4):
            root.create(TABLE, id=f"f{number}", title="t", owner="alice")
            assert (log.next()["id"], number) == (f"f{number}", number)
    log.process.send_signal(signal.SIGINT)
    assert log.process.wait(20) == 0


def test_it_ends_with_its_reader(place, following):
    log = following(place.folder / "access.db")
    log.next()
    log.process.stdout.close()
    assert log.process.wait(20) == 0


def test_a_reader_that_does_not_read_costs_no_memory(tmp_path, following):
    """A log of 40 MB, read by nobody: a page of it is in memory."""
    path = tmp_path / "big.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT)")
    connection.execute(
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000)"
        " INSERT INTO t SELECT i, printf('%01000d', i) FROM c")
    connection.commit()
    connection.close()
    assert run("attach", path).returncode == 0
    connection = sqlite3.connect(path)
    connection.execute("UPDATE t SET words = words || 'x'")
    connection.commit()
    connection.close()
    Server(path).start().stop()
    log = following(path)
    first = log.next()
    peak = int(pathlib.Path(f"/proc/{log.process.pid}/status").read_text().split("VmHWM:")[1].split()[0])
    assert first["sequence"] and peak < 100_000, f"{peak} kB"
    count = 1
    while log.next()["sequence"] < first["sequence"] + 20_000 - 1:
        count += 1
    assert count >= 19_000


def test_a_database_made_before_is_upgraded_in_place(tmp_path):
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(EARLIER.read_text())
    connection.close()
    refused = run("log", path)
    assert refused.returncode > 0 and "serve it once" in refused.stderr
    server = Server(path).start()
    try:
        with Session(server, client_id="new") as session:
            table = session.call("describe").tables[0].name
            assert table
    finally:
        server.stop()
    found = entries(path)
    assert {entry["principal"] for entry in found} == {""} and any(entry["origin"] for entry in found)
    assert run("check", path).returncode == 0


def test_it_says_what_is_no_database_of_ours(tmp_path):
    path = tmp_path / "plain.db"
    sqlite3.connect(path).executescript("CREATE TABLE t (id TEXT PRIMARY KEY)")
    for file, word in [(path, "attach"), (tmp_path / "none.db", "no database")]:
        result = run("log", file)
        assert result.returncode > 0 and word in result.stderr
