"""The program: its commands, options, messages and ways to end."""

import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time

import pytest
from google.protobuf import descriptor_pb2

from conftest import SCHEMAS
from contract import seconds_of
from errors import check, refused
from server import ROOT, READY, START_SECONDS, Server, binary, run, until
from session import Session, View, by_id

TWO_TABLES = """
CREATE TABLE pears (id TEXT PRIMARY KEY, weight INTEGER);
CREATE TABLE plums (number INTEGER PRIMARY KEY, name TEXT);
INSERT INTO pears VALUES ('a', 100), ('b', 200);
"""


def database(path, sql=TWO_TABLES):
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()
    return path


def schema_of(path):
    connection = sqlite3.connect(path)
    found = sorted(map(str, connection.execute("SELECT type, name, sql FROM sqlite_master")))
    connection.close()
    return found


def columns_of(path, table):
    connection = sqlite3.connect(path)
    found = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    connection.close()
    return found


def failed(result, *words):
    """The program ended by itself with an error that names these words, and with no crash."""
    assert result.returncode > 0, (result.returncode, result.stdout, result.stderr)
    text = result.stdout + result.stderr
    for word in words:
        assert str(word).lower() in text.lower(), f"{word} is not in: {text}"
    assert "Fatal error" not in text and "Crash" not in text
    assert not any(READY.match(line) for line in result.stdout.splitlines())
    return result


# -- serve


def test_one_line_on_standard_output_says_where_it_listens_and_logs_go_to_standard_error(
    serve, tmp_path
):
    server = serve("a.db", "--attach", sql=TWO_TABLES)
    with Session(server) as session:
        session.create("pears", weight=1)
    assert server.terminate() == 0
    assert len(server.output) == 1 and READY.match(server.output[0])


def test_schema_creates_a_database_that_does_not_exist_and_leaves_an_existing_one(tmp_path):
    path = tmp_path / "new.db"
    server = Server(path, "--schema", SCHEMAS / "shop.sql", "--attach").start()
    with Session(server) as session:
        written = session.create("notes", title="kept")
    assert server.terminate() == 0
    server.start()
    with Session(server) as session:
        assert session.get("notes", written.id) == written.row
    server.stop()


def test_a_schema_with_an_error_leaves_no_database(tmp_path):
    bad = tmp_path / "bad.sql"
    bad.write_text("CREATE TABLE good (id TEXT PRIMARY KEY);\nCREATE TABEL bad (id);")
    path = tmp_path / "new.db"
    failed(run("serve", path, "--schema", bad, "--listen", "127.0.0.1:0"), "tabel")
    assert not path.exists()
    failed(run("serve", path, "--schema", tmp_path / "absent.sql"), "absent.sql")
    assert not path.exists()


def test_a_database_that_does_not_exist_is_not_made_without_a_schema(tmp_path):
    failed(run("serve", tmp_path / "absent.db", "--listen", "127.0.0.1:0"), "absent.db")
    assert not (tmp_path / "absent.db").exists()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "letter.db"
    for content in (b"Dear sir, " * 1000, b"SQLite format 3\0" + b"\xff" * 5000, os.urandom(4096)):
        path.write_bytes(content)
        failed(run("serve", path, "--attach", "--listen", "127.0.0.1:0"), "letter.db")
        failed(run("attach", path), "letter.db")
        assert path.read_bytes() == content
    failed(run("serve", tmp_path, "--listen", "127.0.0.1:0"))


def test_a_database_that_is_read_only_is_refused(tmp_path):
    """As another user where the tests are run by root, whom no permission stops."""
    if os.getuid() != 0:
        path = database(tmp_path / "fixed.db")
        path.chmod(0o444)
        tmp_path.chmod(0o555)
        try:
            failed(run("serve", path, "--attach", "--listen", "127.0.0.1:0"), "fixed.db")
        finally:
            tmp_path.chmod(0o755)
        return
    place = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        place.chmod(0o755)
        path = database(place / "fixed.db")
        path.chmod(0o444)
        program = shutil.copy(binary(), place / "datasync")
        try:
            subprocess.run([program, "--help"], user=65534, group=65534, check=True,
                           capture_output=True, timeout=30, cwd="/")
        except (subprocess.CalledProcessError, PermissionError):
            pytest.skip("another user cannot run the program here")
        for arguments in (
            ["serve", path, "--attach", "--listen", "127.0.0.1:0"], ["attach", path],
            ["serve", path, "--listen", "127.0.0.1:0"],
        ):
            result = subprocess.run(
                [program, *map(str, arguments)], user=65534, group=65534, cwd="/",
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
            )
            failed(result, "fixed.db")
    finally:
        shutil.rmtree(place)


def test_a_port_in_use_is_refused_with_the_address(serve, tmp_path):
    server = serve("a.db", "--attach", sql=TWO_TABLES)
    other = database(tmp_path / "b.db")
    port = server.address.rsplit(":", 1)[1]
    failed(run("serve", other, "--attach", "--listen", server.address), port)
    with Session(server) as session:
        assert session.page("pears").rows


def test_an_address_that_is_none_is_refused(tmp_path):
    path = database(tmp_path / "a.db")
    for address in ("nonsense", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x", ":::", ""):
        failed(run("serve", path, "--listen", address))


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0"])
def test_it_listens_where_it_was_told(tmp_path, address):
    path = database(tmp_path / "a.db")
    if "::1" in address:
        try:
            socket.socket(socket.AF_INET6).bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    process = subprocess.Popen(
        [binary(), "serve", str(path), "--attach", "--listen", address],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    try:
        found = READY.match(process.stdout.readline().rstrip("\n"))
        assert found, "no line says where it listens"
        with socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=5):
            pass
    finally:
        timer.cancel()
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_without_attach_only_attached_tables_are_served_and_nothing_is_changed(serve, tmp_path):
    path = database(tmp_path / "a.db")
    server = serve("a.db")
    with Session(server) as session:
        assert not session.call("describe").tables
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            session.page("pears")
    assert columns_of(path, "pears") == ["id", "weight"]
    assert server.terminate() == 0
    assert run("attach", path, "pears").returncode == 0
    server.start()
    with Session(server) as session:
        assert [table.name for table in session.call("describe").tables] == ["pears"]


def test_tables_that_cannot_be_attached_are_left_alone_and_the_rest_is_served(serve, tmp_path):
    server = serve(
        "a.db", "--attach",
        sql=TWO_TABLES + """
        CREATE TABLE no_key (name TEXT);
        CREATE TABLE two_keys (a TEXT, b TEXT, PRIMARY KEY (a, b));
        CREATE TABLE blob_key (id BLOB PRIMARY KEY);
        CREATE VIEW heavy AS SELECT * FROM pears WHERE weight > 150;
        CREATE VIRTUAL TABLE search USING fts5(body);
        """,
    )
    with Session(server) as session:
        assert {t.name for t in session.call("describe").tables} == {"pears", "plums"}
        assert len(session.rows("pears")) == 2
    path = database(tmp_path / "b.db", "CREATE TABLE two_keys (a TEXT, b TEXT, PRIMARY KEY (a, b))")
    failed(run("attach", path, "two_keys"), "two_keys")
    # While a server has the database, nobody else may change its tables' shape.
    failed(run("attach", server.database, "pears"), "a.db")


def test_help_and_wrong_arguments(tmp_path):
    result = run("--help")
    assert result.returncode == 0
    for command in ("serve", "attach"):
        assert command in result.stdout
        details = run(command, "--help")
        assert details.returncode == 0 and "--soft-delete" in details.stdout
    failed(run("serve"))
    failed(run("nonsense"))
    failed(run("serve", tmp_path / "x.db", "--nonsense"))


# -- attach


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tmp_path):
    path = database(tmp_path / "a.db")
    before = path.read_bytes()
    for options, words in (
        ((), ("pears: beside", "plums: beside", "triggers")),
        (("--within", "*"), ("pears: within", "created_at", "updated_at", "version", "deleted")),
    ):
        result = run("attach", path, "--dry-run", *options)
        assert result.returncode == 0
        for word in words:
            assert word in result.stdout
    assert path.read_bytes() == before
    assert schema_of(path) == schema_of(database(tmp_path / "same.db"))


def test_attach_adds_nothing_to_the_tables(tmp_path):
    path = database(tmp_path / "a.db")
    result = run("attach", path)
    assert result.returncode == 0, result.stderr
    assert columns_of(path, "pears") == ["id", "weight"]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM pears ORDER BY id").fetchall() == [("a", 100), ("b", 200)]
    connection.close()


def test_within_the_system_columns_are_added_the_rows_kept(tmp_path):
    path = database(tmp_path / "a.db")
    result = run("attach", path, "--within", "*")
    assert result.returncode == 0, result.stderr
    assert "pears" in result.stdout + result.stderr
    for table in ("pears", "plums"):
        assert {"created_at", "updated_at", "version", "deleted"} <= set(columns_of(path, table))
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT id, weight, version, deleted FROM pears ORDER BY id").fetchall()
    connection.close()
    assert [row[:2] for row in rows] == [("a", 100), ("b", 200)]
    assert len({row[2] for row in rows}) == 1 and rows[0][2] > 0 and rows[0][3] == 0


def test_attaching_twice_changes_nothing_the_second_time(tmp_path):
    path = database(tmp_path / "a.db")
    assert run("attach", path).returncode == 0
    schema, connection = schema_of(path), sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM pears").fetchall()
    assert run("attach", path).returncode == 0
    assert schema_of(path) == schema
    assert connection.execute("SELECT * FROM pears").fetchall() == rows
    connection.close()


def test_only_the_tables_named_are_attached(tmp_path):
    path = database(tmp_path / "a.db")
    assert run("attach", path, "plums", "--within", "plums").returncode == 0
    assert "version" in columns_of(path, "plums") and columns_of(path, "pears") == ["id", "weight"]
    failed(run("attach", path, "nothing"), "nothing")


@pytest.mark.parametrize("table, soft", [("pears", {"pears"}), ("*", {"pears", "plums"})])
def test_the_choice_of_soft_delete_is_kept_in_the_database(serve, tmp_path, table, soft):
    path = database(tmp_path / "a.db")
    assert run("attach", path, "--soft-delete", table).returncode == 0
    server = serve("a.db")
    with Session(server) as session:
        tables = session.call("describe").tables
        assert {t.name for t in tables if t.soft_delete} == soft
        assert session.delete("pears", "a").row["deleted"] is True
        with refused("NOT_FOUND", "ROW_DELETED"):
            session.get("pears", "a")
    assert server.terminate() == 0
    server.start()
    with Session(server) as session:
        assert session.get("pears", "a", include_deleted=True)["deleted"] is True


def test_serve_takes_soft_delete_too(serve):
    server = serve(
        "a.db", "--attach", "--soft-delete", "pears", "--soft-delete", "plums", sql=TWO_TABLES
    )
    with Session(server) as session:
        assert all(table.soft_delete for table in session.call("describe").tables)


def test_the_tables_stay_ordinary_tables(serve):
    """Other programs go on as before: they need not know of the columns that were added."""
    server = serve("a.db", "--attach", sql=TWO_TABLES)
    server.foreign("INSERT INTO pears (id, weight) VALUES ('c', 300)")
    server.foreign("UPDATE pears SET weight = weight + 1")
    server.foreign("DELETE FROM pears WHERE id = 'a'")
    assert server.foreign("SELECT id, weight FROM pears ORDER BY id") == [("b", 201), ("c", 301)]
    assert server.foreign("PRAGMA integrity_check") == [("ok",)]
    with Session(server) as session:
        until(lambda: len(session.rows("pears")) == 2)


# -- the end


def test_sigterm_answers_what_runs_and_ends_with_0(serve):
    server = serve("a.db", "--attach", "--drain-seconds", "2", sql=TWO_TABLES)
    with Session(server) as session:
        ids = [
            session.send("create", entity=session.contract.entity("plums", name=str(n)))
            for n in range(500)
        ]
        session.answer(ids[50])
        session.subscribe("pears", now={})
        assert server.terminate() == 0
        answered = [r for r in session.log if r.HasField("write")]
    server.start()
    with Session(server) as session:
        stored = {row["number"] for row in session.rows("plums", page_size=1000)}
        numbers = {server.contract.row_of(r.write.entity)["number"] for r in answered}
        assert len(answered) >= 50 and numbers <= stored


def test_sigterm_with_open_sessions_ends_them_in_order(serve):
    server = serve("a.db", "--attach", "--drain-seconds", "2", sql=TWO_TABLES)
    session = Session(server)
    subscription = session.subscribe("pears")
    view = View().apply_all(subscription.until_current())
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    notice = session.wait(
        lambda log: next((r.notice for r in log if r.HasField("notice")), None), what="notice"
    )
    assert notice.kind == 2 and 0 < seconds_of(notice.time_left) <= 2
    # A request still gets its answer; what is left when the time is up ends with a reason.
    assert session.call("describe").tables
    check(session.ended(), "UNAVAILABLE")
    assert server.process.wait(15) == 0 and time.monotonic() - began < 15
    session.close()
    server.start()
    with Session(server) as again:
        again.create("pears", id="z", weight=1)
        events = again.subscribe("pears", resume_token=view.token).until_current()
        view.apply_all(events)
        assert view.of("pears") == by_id(again.rows("pears"))


def test_sigint_ends_it_too(serve):
    server = serve("a.db", "--attach", sql=TWO_TABLES)
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(15) == 0
    server.start()


def test_a_drained_server_leaves_a_whole_database(serve):
    server = serve("a.db", "--attach", sql=TWO_TABLES)
    with Session(server) as session:
        for n in range(50):
            session.create("plums", name=str(n))
    assert server.terminate() == 0
    assert server.foreign("PRAGMA integrity_check") == [("ok",)]
    assert server.foreign("SELECT count(*) FROM plums") == [(50,)]
    server.start()


def test_a_killed_server_starts_again_at_once(serve):
    server = serve("a.db", "--attach", sql=TWO_TABLES)
    for n in range(3):
        with Session(server) as session:
            written = session.create("plums", name=str(n))
        server.kill()
        server.start()
        with Session(server) as session:
            assert session.get("plums", str(written.row["number"])) == written.row


def test_two_servers_on_one_database_do_not_corrupt_it(serve, tmp_path):
    """Either the second is refused, or both work: never a lost or doubled sequence."""
    first = serve("a.db", "--attach", sql=TWO_TABLES)
    second = Server(first.database, "--attach")
    second.log_path = tmp_path / "second.log"
    try:
        second.start()
    except AssertionError:
        assert "a.db" in second.log() or "a.db" in str(second.output)
        with Session(first) as session:
            assert session.create("plums", name="x").sequence
        return
    try:
        with Session(first) as one, Session(second) as two:
            sequences = []
            for n in range(20):
                sequences.append(one.create("plums", name=f"1.{n}").sequence)
                sequences.append(two.create("plums", name=f"2.{n}").sequence)
            assert len(set(sequences)) == 40
    finally:
        second.stop()


@pytest.mark.parametrize("first, second", [
    (signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT),
    (signal.SIGINT, signal.SIGTERM), (signal.SIGINT, signal.SIGINT),
])
def test_a_second_signal_ends_it_at_once(serve, first, second):
    server = serve("a.db", "--attach", "--drain-seconds", "60", sql=TWO_TABLES)
    session = Session(server)
    session.subscribe("pears").until_current()
    server.process.send_signal(first)
    session.wait(
        lambda log: next((True for r in log if r.HasField("notice")), None), what="notice"
    )
    server.process.send_signal(second)
    # By the signal itself: nothing of ours has to run for that.
    assert server.process.wait(3) == -second
    session.close()
    server.start()


STUCK = TWO_TABLES + """
CREATE TRIGGER stuck AFTER INSERT ON pears WHEN new.id = 'stuck' BEGIN
  UPDATE pears SET weight = (
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c
  ) WHERE id = new.id;
END;
"""


def test_a_second_sigterm_ends_a_server_whose_writer_is_stuck(serve):
    server = serve("a.db", "--attach", "--drain-seconds", "1", sql=STUCK)
    session = Session(server)
    session.create("plums", name="before")
    session.send("create", entity=session.contract.entity("pears", id="stuck"))
    # The writer is in the trigger, from which nothing comes back.
    waiting = session.send("create", entity=session.contract.entity("plums", name="behind"))
    time.sleep(0.5)
    assert not session.of(waiting)
    server.process.send_signal(signal.SIGTERM)
    # Also long after the drain should have ended.
    time.sleep(3)
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(3) == -signal.SIGTERM
    session.close()
    server.start()
    with Session(server) as again:
        assert [row["name"] for row in again.rows("plums")] == ["before"]


def test_two_sigterms_while_it_opens_end_it(tmp_path):
    """What hangs then is another program's lock on the database."""
    path = database(tmp_path / "a.db")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    process = subprocess.Popen(
        [binary(), "serve", str(path), "--attach", "--listen", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(2) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait(10)
        other.close()


SLOW = TWO_TABLES + """
CREATE TRIGGER slow AFTER INSERT ON pears WHEN new.weight = 7 BEGIN
  UPDATE pears SET weight = (
    WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 20000000)
    SELECT 8 FROM c WHERE x = 20000000
  ) WHERE id = new.id;
END;
"""


def test_the_end_of_a_drain_begins_no_write_and_answers_what_has_begun(serve):
    """Whoever is not answered knows that nothing was written."""
    server = serve("a.db", "--attach", "--limit", "drain_grace=300ms", sql=SLOW)
    session, other = Session(server), Session(server)
    entity = session.contract.entity
    slow = session.send("create", entity=entity("pears", id="slow", weight=7))
    time.sleep(0.3)
    # Behind a transaction that lasts for longer than the drain.
    waiting = [session.send("create", entity=entity("plums", name=str(n))) for n in range(10)]
    waiting += [other.send("create", entity=entity("plums", name=f"o{n}")) for n in range(10)]
    time.sleep(0.3)
    assert not session.of(slow), "the trigger is too fast for this test"
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    for caller in (session, other):
        check(caller.ended(), "UNAVAILABLE")
    written = [r for r in session.of(slow) if r.HasField("write")]
    assert len(written) == 1, "a write that had begun was not answered"
    for caller, ids in ((session, waiting[:10]), (other, waiting[10:])):
        for request in ids:
            (answer,) = caller.of(request)
            assert answer.status.code == 14, answer
            assert "STORE_CLOSED" in str(answer.status)
    assert server.foreign("SELECT count(*) FROM plums") == [(0,)]
    assert server.foreign("SELECT id, weight FROM pears WHERE id = 'slow'") == [("slow", 8)]
    session.close()
    other.close()
    server.start()


def slow_write(session):
    """A write that has begun, and lasts for seconds."""
    request = session.send("create", entity=session.contract.entity("pears", id="slow", weight=7))
    time.sleep(0.3)
    assert not session.of(request), "the trigger is too fast for this test"
    return request


def plums(session, count=10):
    """Writes that wait behind it."""
    entity = session.contract.entity
    return [session.send("create", entity=entity("plums", name=str(n))) for n in range(count)]


def were_not_made(session, requests, server):
    """Each is answered so, and so it is."""
    for request in requests:
        (answer,) = session.of(request)
        assert answer.status.code == 14 and "CALL_ENDED" in str(answer.status), answer
    # The writer comes round once more, whatever was in its queue.
    with Session(server) as session:
        session.create("plums", name="later")
        names = [row["name"] for row in session.page("plums").rows]
    assert names == ["later"]


def test_the_end_of_max_age_begins_no_write_and_answers_what_has_begun(serve):
    limits = ["--limit", "max_age=1s", "--limit", "max_age_grace=300ms"]
    server = serve("a.db", "--attach", *limits, sql=SLOW)
    with Session(server) as session, Session(server) as other:
        time.sleep(0.4)
        slow = slow_write(session)
        waiting, of_other = plums(session), plums(other)
        # Nothing of its own has begun: it does not wait.
        check(other.ended(), "UNAVAILABLE")
        assert not session.of(slow) and session.outcome is None
        check(session.ended(), "UNAVAILABLE")
        (written,) = session.of(slow)
        assert written.HasField("write"), "a write that had begun was not answered"
        were_not_made(other, of_other, server)
        assert all("CALL_ENDED" in str(session.of(request)) for request in waiting)
    assert server.foreign("SELECT id, weight FROM pears WHERE id = 'slow'") == [("slow", 8)]


def test_a_session_that_a_limit_ends_begins_no_write_and_answers_what_has_begun(serve):
    server = serve("a.db", "--attach", sql=SLOW)
    with Session(server) as session:
        slow = slow_write(session)
        waiting = plums(session)
        for _ in range(17):
            session.send_raw(b"\xff" * 10)
        # Sent after the end was sealed: it comes to nobody.
        late = plums(session)
        check(session.ended(), "INVALID_ARGUMENT")
        (written,) = session.of(slow)
        assert written.HasField("write"), "a write that had begun was not answered"
        assert not [answer for request in late for answer in session.of(request)]
        were_not_made(session, waiting, server)


def test_a_session_with_a_message_too_large_begins_no_write_and_answers_what_has_begun(serve):
    server = serve("a.db", "--attach", "--limit", "max_message_bytes=64KiB", sql=SLOW)
    with Session(server) as session:
        slow = slow_write(session)
        waiting = plums(session)
        session.send_raw(bytes(100_000))
        check(session.ended(), "RESOURCE_EXHAUSTED")
        (written,) = session.of(slow)
        assert written.HasField("write"), "a write that had begun was not answered"
        were_not_made(session, waiting, server)


def test_a_write_that_its_deadline_finds_waiting_is_not_made(serve):
    server = serve("a.db", "--attach", sql=SLOW)
    with Session(server) as session:
        slow = slow_write(session)
        row = server.contract.entity("plums", name="late")
        with refused("DEADLINE_EXCEEDED"):
            server.unary("Create", entity=row, timeout=0.3)
        assert not session.of(slow)
        session.answer(slow)
        were_not_made(session, [], server)


# -- proto


def test_the_exported_proto_compiles_and_says_what_reflection_says(films_server, tmp_path):
    if run("proto", "--help").returncode != 0:
        pytest.skip("this version has no `datasync proto`")
    result = run("proto", films_server.database)
    assert result.returncode == 0, result.stderr
    (tmp_path / "tables.proto").write_text(result.stdout)
    out = tmp_path / "set.pb"
    subprocess.run(
        ["protoc", f"-I{tmp_path}", f"-I{ROOT / 'proto'}", "-I/usr/include",
         f"--descriptor_set_out={out}", "tables.proto"],
        check=True, timeout=30, capture_output=True,
    )
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    served = films_server.contract.class_of("tables.Movies").DESCRIPTOR
    (message,) = [m for m in file.message_type if m.name == "Movies"]
    assert {(f.name, f.number, f.json_name) for f in message.field} == {
        (f.name, f.number, f.json_name) for f in served.fields
    }
    assert {s.name for s in file.service} == {"MoviesTable", "TodoItemsTable"}
    assert re.search(r"// ?In minutes\.", result.stdout)
