"""A disk that is full: deletes are how room is made, and the log says what to do."""

import errno
import os
import pathlib
import sqlite3
import subprocess
import threading
import time

import pytest

from errors import Refused
from server import Server, until
from session import Session

BODY = "x" * 8000


@pytest.fixture
def small(tmp_path):
    """A file system of 8 MB; where this machine lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],
        capture_output=True, timeout=10, stdin=subprocess.DEVNULL,
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], timeout=10, check=True)


@pytest.fixture
def server(small, tmp_path):
    connection = sqlite3.connect(small / "a.db")
    connection.execute("CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT)")
    connection.close()
    server = Server(small / "a.db", "--attach", "--limit", "max_log_bytes=64KiB")
    server.log_path = tmp_path / "server.log"
    server.start()
    yield server
    server.stop()


def fill(folder):
    """Takes all that is free, as another program may."""
    with open(folder / f"ballast-{len(os.listdir(folder))}", "wb", buffering=0) as ballast:
        # A refusal alone does not say it: what somebody else has freed may be free again.
        until(lambda: is_full_after_writing(folder, ballast), 15, "the disk does not become full")


def is_full_after_writing(folder, ballast):
    try:
        while True:
            ballast.write(b"x" * 4096)
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    return os.statvfs(folder).f_bavail == 0


def free(folder):
    for ballast in pathlib.Path(folder).glob("ballast-*"):
        ballast.unlink()


def rows(session, count):
    return [session.create("notes", body=BODY).id for _ in range(count)]


def refused(session):
    """Writes until the disk takes no more."""
    for _ in range(1000):
        try:
            session.create("notes", body=BODY)
        except Refused as error:
            return error
    raise AssertionError("the disk does not become full")


def quiet(small):
    """Waits until all that was written is in the database, and the write-ahead log holds nothing; its
    length is zero a moment before its space is free again."""
    until(lambda: os.stat(small / "a.db-wal").st_blocks == 0, 15, "the WAL is not emptied")


@pytest.mark.parametrize("is_quiet", [False, True])
def test_rows_can_be_deleted_on_a_full_disk(server, small, is_quiet):
    with Session(server) as session:
        ids = rows(session, 60)
        quiet(small)
        if not is_quiet:
            # What is in the log has its place in the database.
            for id in ids[:10]:
                session.update("notes", id=id, body=BODY.upper())
            assert os.path.getsize(small / "a.db-wal") > 0
        fill(small)
        error = refused(session)
        assert (error.code, error.reason) == ("UNAVAILABLE", "DISK_FULL")
        for id in ids[:20]:
            session.delete("notes", id)
        assert len(session.rows("notes", page_size=1000)) >= 40
    with Session(server) as session:
        # And what they made room for is used again.
        assert session.create("notes", body="small").row["body"] == "small"


def test_rows_can_be_deleted_on_a_full_disk_while_another_program_reads(server, small):
    """Short reads keep the log from being written over, for as long as each lasts."""
    ended = threading.Event()
    reads = []

    def read():
        connection = sqlite3.connect(small / "a.db", isolation_level=None)
        while not ended.is_set():
            connection.execute("BEGIN")
            reads.append(connection.execute("SELECT count(*) FROM notes").fetchone())
            time.sleep(0.02)
            connection.execute("COMMIT")
        connection.close()

    reader = threading.Thread(target=read)
    with Session(server) as session:
        ids = rows(session, 60)
        quiet(small)
        fill(small)
        refused(session)
        reader.start()
        try:
            for id in ids[:40]:
                session.delete("notes", id)
        finally:
            ended.set()
            reader.join(timeout=15)
    assert not reader.is_alive() and reads


def test_deletes_of_a_batch_are_done_that_others_are_in(server, small):
    with Session(server) as session:
        ids = rows(session, 60)
        quiet(small)
        fill(small)
        refused(session)
        sent = []
        for id in ids[:10]:
            sent.append(("create", session.send(
                "create", entity=session.contract.entity("notes", body=BODY * 20))))
            sent.append(("delete", session.send("delete", table="notes", id=id)))
        for kind, request in sent:
            try:
                session.answer(request)
            except Refused as error:
                assert kind == "create" and error.reason == "DISK_FULL", (kind, error)


def test_a_full_disk_is_told_of_once_with_what_to_do_and_ends_by_itself(server, small):
    with Session(server) as session:
        rows(session, 5)
        fill(small)
        for _ in range(20):
            refused(session)
        log = server.log()
        assert log.count("reason=DISK_FULL") == 1
        assert "free some space" in log
        free(small)
        rows(session, 5)
