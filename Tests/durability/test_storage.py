"""Storage that refuses: the right status, no false OK, and service goes on when the cause is gone."""

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

import pytest

import crash
import server as servers
from errors import Refused
from server import Server
from session import Session

NOBODY = 65534


@contextlib.contextmanager
def directory_for_anyone():
    """A directory that is not below one of root's."""
    path = tempfile.mkdtemp(prefix="datasync-storage-")
    os.chmod(path, 0o777)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@pytest.fixture
def as_nobody(monkeypatch):
    """Servers started in it run without root's rights, to which no file is read-only."""
    with directory_for_anyone() as path:
        if os.geteuid() == 0:
            if not shutil.which("setpriv"):
                pytest.skip("there is no setpriv")
            program = shutil.copy(servers.binary(), f"{path}/datasync")
            wrapper = f"{path}/as-nobody"
            with open(wrapper, "w") as file:
                file.write(
                    f"#!/bin/sh\nexec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups"
                    f' {program} "$@"\n'
                )
            os.chmod(wrapper, 0o755)
            monkeypatch.setenv("DATASYNC_BIN", wrapper)
        yield path


def make_database(path):
    connection = sqlite3.connect(path)
    connection.executescript(crash.LEDGER.read_text())
    connection.close()
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


@pytest.mark.parametrize(
    "mode, directory_mode, advice",
    [
        (0o444, 0o777, "read-only"),
        (0o000, 0o777, "cannot be read"),
        (0o666, 0o555, "make the"),
    ],
    ids=["a file that is read-only", "a file that cannot be read", "a directory that is read-only"],
)
def test_a_start_without_the_rights_says_what_to_do(as_nobody, mode, directory_mode, advice):
    directory = f"{as_nobody}/data"
    os.mkdir(directory)
    path = f"{directory}/ledger.db"
    make_database(path)
    os.chmod(path, mode)
    os.chmod(directory, directory_mode)
    server = Server(path, "--attach")
    server.log_path = pathlib.Path(as_nobody) / "log"
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert 0 < server.process.returncode < 128
    assert advice in server.log(), server.log()
    os.chmod(directory, 0o777)
    os.chmod(path, 0o666)
    server.start()
    try:
        with Session(server, client_id="c") as session:
            assert session.create("accounts", id="a", tag="a").sequence
    finally:
        server.stop()
    crash.check(path)


def test_rights_that_are_taken_away_under_the_server_take_nothing_back(as_nobody):
    """What is open stays open; what was answered is there."""
    path = f"{as_nobody}/ledger.db"
    make_database(path)
    server = Server(path, "--attach").start()
    try:
        with Session(server, client_id="c") as session:
            session.create("accounts", id="a", tag="a")
            os.chmod(path, 0o444)
            os.chmod(as_nobody, 0o555)
            session.create("accounts", id="b", tag="b")
            assert {row["id"] for row in session.rows("accounts")} == {"a", "b"}
            os.chmod(as_nobody, 0o777)
            os.chmod(path, 0o666)
    finally:
        os.chmod(as_nobody, 0o777)
        server.stop()
    crash.check(path)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few MiB, and what makes it larger."""
    path = tmp_path / "disk"
    path.mkdir()

    def mount(*options):
        return subprocess.run(
            ["mount", *options, str(path)], capture_output=True, text=True, timeout=10
        )

    if os.geteuid() != 0 or mount("-t", "tmpfs", "-o", "size=3m", "tmpfs").returncode != 0:
        pytest.skip("mounting needs root; test_faults.py fails the writes with ENOSPC instead")
    yield path, lambda: mount("-o", "remount,size=64m")
    subprocess.run(["umount", "-l", str(path)], check=True, timeout=10)


def test_a_disk_that_is_full_refuses_writes_until_there_is_room(small_disk):
    directory, enlarge = small_disk
    server = Server(
        directory / "ledger.db", "--schema", crash.LEDGER, "--attach"
    ).start()
    written, refused = [], []
    try:
        with Session(server, client_id="c") as session:
            for number in range(1000):
                id = f"n{number}"
                try:
                    session.create(
                        "accounts", mutation_id=id, id=id, tag=id, note="n" * 20_000
                    )
                    written.append(id)
                except Refused as error:
                    assert (error.code, error.reason) == ("UNAVAILABLE", "DISK_FULL"), error
                    assert error.retry is not None
                    refused.append(id)
                    if len(refused) == 5:
                        break
            assert written and len(refused) == 5
            assert {row["id"] for row in session.rows("accounts", select=["id"])} == set(written)
            assert enlarge().returncode == 0
            for id in refused:
                again = session.create(
                    "accounts", mutation_id=id, id=id, tag=id, note="n" * 20_000
                )
                assert not again.replayed, "a write that was refused had happened"
            rows = session.rows("accounts", select=["id"])
            assert {row["id"] for row in rows} == {*written, *refused}
    finally:
        server.stop()
    crash.check(directory / "ledger.db")


def spoil_a_page(path, table):
    """Overwrites a leaf of the table; returns its place, its bytes, and its rows' keys."""
    connection = sqlite3.connect(path)
    page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    pages = [
        row[0]
        for row in connection.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
        )
    ]
    connection.close()
    place = (pages[len(pages) // 2] - 1) * page_size
    with open(path, "r+b") as file:
        file.seek(place)
        whole = file.read(page_size)
        file.seek(place)
        file.write(b"\xff" * 64)
    return place, whole


def test_a_page_that_is_damaged_concerns_only_what_is_on_it(serve):
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")
    ids = [f"r{number:03}" for number in range(200)]
    with Session(server, client_id="c") as session:
        for id in ids:
            session.create("accounts", id=id, tag="before", note=f"{id}:" + "n" * 200)
    assert server.terminate() == 0
    place, whole = spoil_a_page(server.database, "accounts")
    lost = {id for id in ids if f"{id}:".encode() in whole}
    assert 1 < len(lost) < 100
    server.start()
    with Session(server, client_id="c") as session:
        for id in ids:
            if id in lost:
                with pytest.raises(Refused) as caught:
                    session.get("accounts", id)
                error = caught.value
                assert (error.code, error.reason) == ("DATA_LOSS", "DATABASE_CORRUPT"), error
            else:
                assert session.get("accounts", id)["tag"] == "before"
        with pytest.raises(Refused) as caught:
            session.rows("accounts")
        assert caught.value.code == "DATA_LOSS"
        # Sent at once, so that they share transactions: each fails or succeeds for itself.
        chosen = sorted(lost)[:3] + [id for id in ids if id not in lost][:40]
        sent = {
            id: session.send("update", entity=session.contract.entity("accounts", id=id, tag="x"))
            for id in chosen
        }
        for id, request in sent.items():
            if id in lost:
                with pytest.raises(Refused) as caught:
                    session.answer(request)
                assert caught.value.code == "DATA_LOSS", caught.value
            else:
                assert session.answer(request).sequence
    report = servers.run("check", server.database, timeout=60)
    assert report.returncode != 0 and "damaged" in report.stdout + report.stderr


def test_a_page_that_is_whole_again_is_served_again(serve):
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")
    ids = [f"r{number:03}" for number in range(200)]
    with Session(server, client_id="c") as session:
        for id in ids:
            session.create("accounts", id=id, tag="before", note=f"{id}:" + "n" * 200)
    assert server.terminate() == 0
    place, whole = spoil_a_page(server.database, "accounts")
    lost = next(id for id in ids if f"{id}:".encode() in whole)
    server.start()
    with Session(server, client_id="c") as session:
        with pytest.raises(Refused):
            session.get("accounts", lost)
        with open(server.database, "r+b") as file:
            file.seek(place)
            file.write(whole)
        # A commit, as any other program's repair makes one, has the caches looked at again.
        session.create("transfers", id="t", source="a", target="b", amount=1, tag="t")
        assert session.get("accounts", lost)["tag"] == "before"
        assert len(session.rows("accounts")) == len(ids)
    crash.check(server.database)
