"""Tables of very many columns: a client may name any of them, and holds up nobody."""

import random
import threading
import time

import pytest

from session import Session

COLUMNS = 300


@pytest.fixture
def wide(serve):
    columns = ", ".join(f"c{n} {('TEXT', 'INTEGER', 'REAL')[n % 3]}" for n in range(COLUMNS))
    return serve(
        "a.db", "--attach",
        sql=f"CREATE TABLE wide (id TEXT PRIMARY KEY, {columns});"
        "CREATE TABLE small (id TEXT PRIMARY KEY, n INTEGER);")


def value(column, number):
    return (f"text {number}", number, number / 4)[column % 3]


def test_updates_of_any_columns_do_not_hold_up_the_writer(wide):
    choice = random.Random(11)
    with Session(wide) as session, Session(wide) as other:
        row = {f"c{n}": value(n, 0) for n in range(COLUMNS)}
        session.create("wide", id="a", **row)
        other.create("small", id="b", n=0)
        # What as many updates take that all name the same columns, on this machine at this moment.
        start = time.monotonic()
        session.call("commit", writes=[
            {"update": {"entity": session.contract.entity(
                "wide", id="a", **{f"c{n}": value(n, number) for n in range(COLUMNS)})}}
            for number in range(400)])
        even = time.monotonic() - start
        row = {f"c{n}": value(n, 399) for n in range(COLUMNS)}
        writes = []
        for number in range(1, 400):
            columns = choice.sample(range(COLUMNS), choice.randrange(1, COLUMNS))
            # Some are set to null: named in the mask, and not in the row.
            cleared = set(columns[:2])
            changed = {f"c{n}": value(n, number) for n in columns if n not in cleared}
            row |= {f"c{n}": None for n in cleared} | changed
            writes.append({"update": {
                "entity": session.contract.entity("wide", id="a", **changed),
                "update_mask": {"paths": [f"c{n}" for n in columns]}}})
        waits, ended = [], threading.Event()

        def write_on():
            while not ended.is_set():
                start = time.monotonic()
                other.update("small", id="b", n=len(waits))
                waits.append(time.monotonic() - start)

        beside = threading.Thread(target=write_on)
        beside.start()
        try:
            start = time.monotonic()
            session.call("commit", writes=writes)
            taken = time.monotonic() - start
        finally:
            ended.set()
            beside.join(60)
        print(
            f"399 updates of {COLUMNS} columns: {taken:.2f} s, {even:.2f} s of the same ones; "
            f"worst write beside {max(waits):.2f} s")
        stored = session.get("wide", "a")
    assert {name: stored.get(name) for name in row} == row
    assert wide.foreign("SELECT c0, c1, c2 FROM wide") == [(row["c0"], row["c1"], row["c2"])]
    # Each with a statement of its own takes twenty times that.
    assert max(waits) < 2 + 6 * even and taken < 1 + 6 * even
