"""Servers for the tests. A fixture's name says whether its database is shared between tests."""

import json
import os
import pathlib
import random
import shutil
import sqlite3

import pytest

from server import ROOT, Server
from session import Session

SCHEMAS = pathlib.Path(__file__).parent / "schemas"
# DATASYNC_SEED repeats a run; the seed is printed at the end of each.
SEED = int(os.environ.get("DATASYNC_SEED") or random.randrange(2**32))


@pytest.fixture
def seeded():
    """A random source whose seed stands at the end of the run."""
    return random.Random(SEED)


def demo_database(path):
    """The demo: TodoMVC items and 248 films."""
    connection = sqlite3.connect(path)
    connection.executescript((ROOT / "demo" / "schema.sql").read_text())
    connection.executemany(
        "INSERT INTO movies VALUES (:id, :title, :year, :duration, :rating, :releaseDate,"
        " :bestPictureWinner)",
        films(),
    )
    connection.commit()
    connection.close()


def films():
    return json.loads((ROOT / "demo" / "movies.json").read_text())


@pytest.fixture(scope="session")
def demo_template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "demo.db"
    demo_database(path)
    return path


@pytest.fixture(scope="module")
def films_server(demo_template, tmp_path_factory):
    """The films, for tests that only read them, or write todo items of their own."""
    path = tmp_path_factory.mktemp("films") / "demo.db"
    shutil.copy(demo_template, path)
    server = Server(path, "--attach").start()
    yield server
    server.stop()


@pytest.fixture
def demo(demo_template, tmp_path):
    """The demo database, this test's own."""
    shutil.copy(demo_template, tmp_path / "demo.db")
    server = Server(tmp_path / "demo.db", "--attach").start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """schemas/shop.sql, shared by a module: rows of one test must not disturb another."""
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    server = Server(
        path, "--schema", SCHEMAS / "shop.sql", "--attach", "--soft-delete", "soft_notes"
    ).start()
    yield server
    server.stop()


@pytest.fixture
def own_shop(tmp_path):
    """schemas/shop.sql, this test's own."""
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--soft-delete", "soft_notes",
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def types(tmp_path_factory):
    """schemas/types.sql, shared by a module."""
    path = tmp_path_factory.mktemp("types") / "types.db"
    server = Server(path, "--schema", SCHEMAS / "types.sql", "--attach").start()
    yield server
    server.stop()


@pytest.fixture
def serve(tmp_path):
    """Makes servers that end with the test: serve("name.db", "--attach", …)."""
    servers = []

    def make(name, *arguments, sql=None, start=True):
        path = tmp_path / name
        if sql is not None:
            connection = sqlite3.connect(path)
            connection.executescript(sql)
            connection.close()
        server = Server(path, *arguments)
        if start:
            server.start()
            servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop()


def opened(name):
    """A fixture: one session on the server of that name."""

    @pytest.fixture
    def session(request):
        with Session(request.getfixturevalue(name)) as session:
            yield session

    return session


shop_session = opened("shop")
films_session = opened("films_server")
types_session = opened("types")
demo_session = opened("demo")


def pytest_terminal_summary(terminalreporter):
    """The seed, and what tests measured, whether they passed or not."""
    terminalreporter.write_line(f"seed: {SEED} (DATASYNC_SEED={SEED} repeats this run)")
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
