"""Consumers: a position in the change log, kept by name."""

import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

import pytest

from test_embedding import SECONDS, call, message


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "mail.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER)")
    connection.close()
    return path


def write(follower, *ids):
    with follower.channel() as channel:
        make = message(channel, "tables.Item")
        for id in ids:
            call(
                channel, "/tables.ItemTable/Create", make(id=id, n=1).SerializeToString(),
                metadata=[("datasync-client-id", "writer")])


def given(*followers):
    """The keys that were given, in the order of the lines."""
    lines = [line for follower in followers for line in follower.lines]
    return [found.group(1) for found in (re.match(r"commit \d+ insert (\S+) by", line) for line in lines) if found]


def test_each_commit_comes_once_in_order_with_its_writer(start, database):
    follower = start("Follower", database, "127.0.0.1:0", "mailer")
    follower.line("listening on")
    until_known(database, "mailer")
    write(follower, "a", "b", "c")
    assert follower.line(r"commit \d+ insert c by (\w+)").group(1) == "writer"
    with sqlite3.connect(database) as other:
        other.execute("UPDATE item SET n = 2")
        other.commit()
    follower.line(r"commit \d+ update a,update b,update c by $")
    assert given(follower) == ["a", "b", "c"]
    assert follower.stop() == 0
    follower.line("follows no more")


def test_killed_at_any_moment_nothing_is_skipped_and_the_last_one_at_most_repeated(start, database):
    ids = [f"k{number:03}" for number in range(120)]
    followers = []
    for part in range(6):
        follower = start("Follower", database, "127.0.0.1:0", "mailer")
        followers.append(follower)
        follower.line("listening on")
        until_known(database, "mailer")
        write(follower, *ids[part * 20:part * 20 + 20])
        # In the middle of what it does.
        follower.line(rf"insert k{part * 20 + 3 + 3 * part:03} by")
        follower.process.send_signal(signal.SIGKILL)
        follower.process.wait(SECONDS)
    last = start("Follower", database, "127.0.0.1:0", "mailer")
    followers.append(last)
    last.line(rf"insert {ids[-1]} by")
    seen = []
    for follower in followers:
        mine = given(follower)
        # What a run begins with is what the one before had been given last, or the next.
        overlap = 1 if seen and mine and mine[0] == seen[-1] else 0
        seen += mine[overlap:]
    assert seen == ids


def test_who_falls_out_of_the_log_is_told_logged_and_listed(start, database):
    follower = start("Follower", database, "127.0.0.1:0", "mailer", "max_log_bytes=20000")
    follower.line("listening on")
    until_known(database, "mailer")
    write(follower, "a")
    follower.line("insert a by")
    follower.process.kill()
    follower.process.wait(SECONDS)
    other = start("Follower", database, "127.0.0.1:0", "other", "max_log_bytes=20000")
    other.line("listening on")
    write(other, *[f"x{number}" for number in range(400)])
    other.line("insert x399 by")
    assert other.stop() == 0
    again = start("Follower", database, "127.0.0.1:0", "mailer", "max_log_bytes=20000")
    assert "begins after" in again.line("cannot follow: (.*)").group(1)
    again.line("no longer reaches back to a consumer's position")
    listed = consumers(database)
    assert "begin anew" in listed["mailer"] and "has everything" in listed["other"]
    run("consumers", database, "rm", "mailer")
    assert set(consumers(database)) == {"other"}


def run(*arguments):
    binary = os.environ.get("DATASYNC_BIN") or str(
        pathlib.Path(__file__).resolve().parents[2] / ".build/debug/datasync")
    return subprocess.run(
        [binary, *map(str, arguments)], capture_output=True, text=True, timeout=SECONDS, check=True).stdout


def consumers(database):
    lines = run("consumers", database).splitlines()
    return {line.split(" at ")[0]: line for line in lines if " at " in line}


def until_known(database, name):
    """Its position is there."""
    deadline = time.monotonic() + SECONDS
    while name not in consumers(database):
        assert time.monotonic() < deadline, f"{name} has no position after {SECONDS} s"
        time.sleep(0.05)
