"""Whatever others write, by whatever statement: view, query and table say the same at each checkpoint.

Random schemas and random programs of SQL. `--seed` repeats a run, DATASYNC_GUEST_SCHEMAS says how many
schemas it has, `--full` makes a thousand of them.
"""

import os
import random

import owner
from errors import Refused
from picture import Unreadable
from programs import Program
from server import PLACEMENT
from session import Checkpoint

ROUNDS = 10
FILTERS = ["n gt 2", "s eq 'a' or n eq null", "startswith(s, 'b')"]


def pytest_generate_tests(metafunc):
    count = 1000 if metafunc.config.getoption("--full") else int(os.environ.get("DATASYNC_GUEST_SCHEMAS") or 15)
    metafunc.parametrize("nth", range(count))


def test_everything_is_seen_as_it_is(guest, seed, nth):
    program = Program(random.Random(f"{seed}/{nth}"))
    try:
        run(guest(program.schema), program)
    except BaseException:
        print(f"--seed {seed}, schema {nth}:\n{program.schema}")
        print("\n".join(program.done[-60:]))
        raise


def run(served, program):
    watch_all(served, program)
    connection = owner.connect(served.path, foreign_keys="ON")
    try:
        for _ in range(ROUNDS):
            for _ in range(program.random.randrange(1, 4)):
                program.some(connection)
                if program.chance(0.2):
                    upkeep(served, program, connection)
                if program.chance(0.3):
                    by_a_client(served, program)
            if program.chance(0.12):
                rebuilt(served, program)
            compare(served, program)
    finally:
        connection.close()


def watch_all(served, program):
    served.watch("")
    for table in program.tables:
        served.watch(table.name)
    table = program.random.choice(program.tables)
    served.watch(table.name, filter=program.random.choice(FILTERS))
    served.watch(table.name, select=["n"], previous=True)
    served.watch(table.name, min_interval=0.15)


def by_a_client(served, program):
    """The same tables, written to by a client; what the schema forbids is refused."""
    table = program.random.choice(program.tables)
    key = program.key(table) or (1 if not table.text_key else "k1")
    program.done.append(f"-- a client writes {table.name} {key!r}")
    session = served.session
    try:
        kind = program.random.choice(["create", "update", "delete"])
        if kind == "delete":
            session.delete(table.name, str(key))
        else:
            values = {"n": program.random.randrange(8), "s": program.random.choice("abAB")}
            getattr(session, kind)(table.name, id=key, **values)
    except Refused as error:
        assert error.code in ("NOT_FOUND", "ALREADY_EXISTS", "INVALID_ARGUMENT", "FAILED_PRECONDITION"), error
        program.done[-1] += f": {error}"


def upkeep(served, program, connection):
    what, name = program.next_upkeep()
    if PLACEMENT != "within" or not what.startswith("CREATE UNIQUE INDEX"):
        return program.run(connection, what)
    # By another index rows may go before anybody has noticed it: a table within is read anew.
    served.exact()
    program.run(connection, what)
    served.forget()
    served.settle()
    served.until_served(name)
    watch_all(served, program)


def rebuilt(served, program):
    """Its history begins anew, and so do those who watch."""
    served.exact()
    tokens = {table.name: served.token(table.name) for table in program.tables}
    name = program.rebuild(served.path)
    served.forget()
    served.until_begun_anew(name, tokens[name])
    served.settle()
    watch_all(served, program)


def compare(served, program):
    begun = [len(watch.events) for watch in served.watches]
    served.exact(60)
    for watch, position in zip(served.watches, begun):
        if "min_interval" not in watch.spec:
            each_row_once(watch.events[position:])
    for table in program.tables:
        rows, errors = served.answers(table.name)
        stored, unreadable = by_sql(served, table)
        assert rows.keys() == stored.keys(), (
            f"{table.name}: only the query has {sorted(rows.keys() - stored.keys())[:5]},"
            f" only the table {sorted(stored.keys() - rows.keys())[:5]}")
        for id, values in stored.items():
            found = {name: rows[id].get(name) for name in values}
            assert found == values, f"{table.name} {id}: the query has {found}, the table {values}"
        assert {id for id in errors if id} == unreadable, f"{table.name}: {errors} in the query, {unreadable} stored"


def by_sql(served, table):
    """What the table itself holds: rows that can be read, and the keys of those that cannot."""
    names = list(table.columns)
    query = ", ".join(["id", *names, *(f"typeof({name})" for name in names)])
    connection = owner.connect(served.path)
    # Bytes that are no UTF-8 are no reason to stop.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    stored, unreadable = {}, set()
    for row in connection.execute(f"SELECT {query} FROM {table.name}"):
        key, values, kinds = row[0], row[1:1 + len(names)], row[1 + len(names):]
        if key is None or key == "" or isinstance(key, str) is not table.text_key:
            continue
        good = all(fits(table.columns[n], kind, value) for n, kind, value in zip(names, kinds, values))
        if good:
            stored[str(key)] = dict(zip(names, values))
        else:
            unreadable.add(str(key))
    connection.close()
    return stored, unreadable


def fits(declared, kind, value):
    if kind == "null":
        return True
    if declared == "TEXT":
        return kind == "text" and "\0" not in value
    return kind == {"INTEGER": "integer", "REAL": "real"}[declared]


def each_row_once(events):
    """A commit of others names each row once, with its net change."""
    seen = {}
    for event in events:
        if isinstance(event, Checkpoint):
            assert not seen, "a checkpoint within a commit"
            continue
        key = (event.table, event.id)
        before = seen.get(key)
        # A row that becomes unreadable leaves the view under the same sequence.
        told = isinstance(event, Unreadable) and before is not None and before.sequence == event.sequence
        if event.id and not told:
            own = not isinstance(event, Unreadable) and event.origin
            assert own or before is None, f"a row twice in one commit: {before}, {event}"
        seen[key] = event
        if not event.more:
            seen = {}
