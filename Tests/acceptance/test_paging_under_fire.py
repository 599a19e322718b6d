"""Paging through 10,000 rows while others write: what was there throughout comes exactly once.

Keyset paging, under any order, stable while rows are written."""

import threading
import time

import pytest

from session import Session

ROWS = 10_000
PAGE = 1000
WRITERS = 3
# Nobody touches a row of these; the writers add, change and remove all around them.
STEADY = "steady"

SQL = """
CREATE TABLE loads (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  number INTEGER,
  weight REAL,
  price DECIMAL TEXT,
  name TEXT,
  day DATE,
  at TIMESTAMP,
  level TEXT CHECK (level IN ('none', 'low', 'high')),
  flag BOOLEAN
);
CREATE INDEX loads_by_number ON loads (number, id);
"""
COLUMNS = ["number", "weight", "price", "name", "day", "at", "level", "flag"]


def values(random):
    """A row's values: few distinct ones, so that every order has long runs, and nulls."""
    number = random.choice([None, -1, 0, 1, 7, 2**53 + 1, 2**53 + 2, random.randrange(1000)])
    weight = random.choice([None, -0.5, 0.0, 1e300, random.randrange(100) / 8])
    price = random.choice([None, "-1.5", "0", "0.10", "0.1", "1234567890123456789.01", "9.5"])
    name = random.choice([None, "", "a", "A", "é", "Z", "%", "_", "'", "\U0001f600", "name"])
    day = random.choice([None, "1970-01-01", "0001-01-01", "9999-12-31", "2024-02-29"])
    at = random.choice([None, 0, -1, 1_700_000_000_123_456, random.randrange(4 * 10**14, 4 * 10**15)])
    level = random.choice([None, "none", "low", "high"])
    return number, weight, price, name, day, at, level, random.choice([None, False, True])


# Each column first, up or down, alone or before others, in every mixture of directions.
ORDERS = [
    "", "id desc", "number", "number desc", "weight desc", "name", "name desc, price, day desc, at",
    "price, weight desc", "day, id desc", "at desc", "level desc, flag desc, name", "flag, level desc",
    "level,flag,number,weight,price,name,day,at", "weight desc, number desc, flag desc, id desc",
    # Columns that change with every write.
    "version desc", "updated_at, level desc",
]


@pytest.fixture(scope="module")
def loads(tmp_path_factory):
    import random
    import sqlite3

    from conftest import SEED
    from server import Server

    source = random.Random(SEED)
    path = tmp_path_factory.mktemp("loads") / "loads.db"
    connection = sqlite3.connect(path)
    connection.executescript(SQL)
    rows = [(f"s{i:05}", STEADY, *values(source)) for i in range(ROWS)]
    source.shuffle(rows)
    marks = ",".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO loads VALUES ({marks})", rows)
    connection.commit()
    connection.close()
    server = Server(path, "--attach").start()
    # Reflection is asked before there are threads that ask for it.
    assert server.contract.class_of("datasync.v1.SessionRequest")
    assert server.contract.class_of("tables.Loads")
    fire = Fire(server, source)
    yield server, fire
    fire.stop()
    server.stop()


class Fire:
    """Writers that never stop: through the server, and past it."""

    def __init__(self, server, source):
        self.server, self.stopped, self.writes, self.failure = server, threading.Event(), 0, None
        seeds = [source.randrange(2**32) for _ in range(WRITERS)]
        work = [self._through_the_server] * (WRITERS - 1) + [self._past_it]
        self.threads = [
            threading.Thread(target=self._guard, args=(body, seed), daemon=True)
            for body, seed in zip(work, seeds)
        ]
        for thread in self.threads:
            thread.start()

    def _guard(self, body, seed):
        import random

        try:
            body(random.Random(seed), seed)
        except Exception as error:  # A writer that stopped would make an empty test.
            self.failure = error

    def _through_the_server(self, random, seed):
        with Session(self.server) as session:
            mine = []
            while not self.stopped.is_set():
                fields = dict(zip(COLUMNS, values(random)))
                if len(mine) < 40 or random.random() < 0.3:
                    id = f"{random.choice('rstu')}{random.randrange(ROWS):05}-{seed}-{len(mine)}"
                    if id not in mine:
                        session.create("loads", id=id, kind="fire", **fields)
                        mine.append(id)
                elif random.random() < 0.6:
                    session.update("loads", COLUMNS, id=random.choice(mine), **fields)
                else:
                    session.delete("loads", mine.pop(random.randrange(len(mine))))
                self.writes += 1
                # The pages are to be read while rows are written, not after.
                self.stopped.wait(0.004)

    def _past_it(self, random, seed):
        names, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
        count = 0
        while not self.stopped.is_set():
            id = f"{random.choice('rstu')}{random.randrange(ROWS):05}-foreign-{seed}-{count}"
            self.server.foreign(
                f"INSERT INTO loads (id, kind, {names}) VALUES (?, 'fire', {marks})",
                (id, *values(random)),
            )
            if count % 2:
                self.server.foreign(
                    "DELETE FROM loads WHERE id = (SELECT max(id) FROM loads WHERE kind = 'fire'"
                    " AND id LIKE '%-foreign-%')"
                )
            count += 1
            self.writes += 1
            self.stopped.wait(0.05)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(10)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order or "by key")
def test_every_row_that_was_there_throughout_comes_exactly_once(loads, order):
    server, fire = loads
    before = fire.writes
    seen, positions, token, pages = [], [], "", 0
    with Session(server) as reader:
        while True:
            page = reader.page(
                "loads", order_by=order, page_size=PAGE, page_token=token, select=["kind"]
            )
            assert not page.errors
            seen += [row["id"] for row in page.rows if row["kind"] == STEADY]
            positions.append(page.resume_token)
            pages += 1
            token = page.next_page_token
            if not token:
                break
            assert pages < 2 * ROWS // PAGE, "the pages do not end"
            if fire.writes == before:
                # At least one write has to fall between the pages.
                deadline = time.monotonic() + 5
                while fire.writes == before and time.monotonic() < deadline:
                    time.sleep(0.005)
    assert len(seen) == ROWS, f"{len(seen) - ROWS:+} rows in {pages} pages under {order!r}"
    assert len(set(seen)) == ROWS, "a row came twice"
    assert fire.failure is None, fire.failure
    assert fire.writes > before and len(set(positions)) > 1, "nothing was written meanwhile"


def test_a_filter_and_its_pages_under_fire(loads):
    """The same with a filter, skip and top: what is steady keeps its place."""
    server, _ = loads
    with Session(server) as reader:
        query = dict(filter=f"kind eq '{STEADY}' and level ne 'low'", order_by="number desc, name")
        every = [row["id"] for row in reader.rows("loads", page_size=1000, select=["kind"], **query)]
        assert len(every) == len(set(every)) > 0
        part = reader.rows("loads", page_size=333, skip=100, top=2000, select=["kind"], **query)
        assert [row["id"] for row in part] == every[100:2100]
