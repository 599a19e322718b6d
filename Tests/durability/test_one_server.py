"""One server a database, whatever path it comes by; and SQLite's own locks stay with the one."""

import fcntl
import os
import pathlib
import struct
import subprocess

import pytest

from server import run
from session import Session

HERE = pathlib.Path(__file__).parent
# Where SQLite has its shared lock: sqlite.org/lockingv3.html, "Locking bytes".
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510


def holder(database):
    """The process that holds SQLite's shared lock on the file; 0: none."""
    with open(database, "r+b") as file:
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, SHARED_FIRST, SHARED_SIZE, 0)
        kind, _, _, _, process = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, lock))
        return 0 if kind == fcntl.F_UNLCK else process


def hard_link(database, folder):
    os.link(database, folder / "hard.db")
    return folder / "hard.db"


def symbolic_link(database, folder):
    (folder / "soft.db").symlink_to(database)
    return folder / "soft.db"


def bind_mount(database, folder):
    target = folder / "bound"
    target.mkdir()
    mounted = subprocess.run(
        ["mount", "--bind", str(database.parent), str(target)],
        capture_output=True, timeout=10, stdin=subprocess.DEVNULL,
    )
    if mounted.returncode != 0:
        pytest.skip("nothing can be mounted here")
    return target / database.name


@pytest.mark.parametrize("way", [hard_link, symbolic_link, bind_mount])
def test_a_second_server_is_refused_on_every_way_to_the_file(serve, tmp_path, way):
    server = serve("one.db", "--attach", sql=(HERE / "ledger.sql").read_text())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = way(server.database, elsewhere)
    try:
        assert holder(server.database) == server.process.pid
        for command in (["serve", path, "--listen", "127.0.0.1:0"], ["attach", path],
                        ["detach", path]):
            refused = run(*command)
            assert refused.returncode != 0
            assert "is served by another datasync process" in refused.stderr, command
        assert holder(server.database) == server.process.pid
        names = {name for name in os.listdir(elsewhere) if name != "bound"}
        assert names <= {"hard.db", "soft.db"}, "the refused one left files"
        with Session(server) as session:
            session.create("accounts", id="after", balance=1, tag="t")
        # Free for the next one as soon as the first is gone, also after a kill.
        server.kill()
        second = run("attach", path)
        assert second.returncode == 0, second.stderr
    finally:
        if way is bind_mount:
            subprocess.run(["umount", "-l", str(elsewhere / "bound")], timeout=10, check=False)
