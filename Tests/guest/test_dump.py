"""What attaching leaves alone: after detach the owner's dump is what it would have been without us."""

import shutil

import pytest

import owner
from owner import assert_same_dump, dump, dump_of_the_owners, pragmas
from schemas import SCHEMAS
from served import Served

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 shell")
ROUNDS, BATCH = 4, 50


@pytest.fixture(params=SCHEMAS, ids=lambda schema: schema.name)
def schema(request):
    return request.param


@pytest.fixture
def both(schema, tmp_path):
    """The owner's database, and a copy that nobody serves."""
    path, control = tmp_path / "owner.db", tmp_path / "control.db"
    owner.create(path, schema.sql)
    owner.create(control, schema.sql)
    assert dump(path) == dump(control)
    return path, control


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def insert(schema, n):
    """The n-th row in plain SQL, its columns named."""
    row = {schema.key: schema.id(n), **schema.row(n)}
    names = ", ".join(map(quoted, row))
    marks = ", ".join("?" * len(row))
    return f"INSERT INTO {quoted(schema.table)} ({names}) VALUES ({marks})", tuple(row.values())


def update(schema, n, m):
    row = schema.row(m)
    sets = ", ".join(f"{quoted(name)} = ?" for name in row)
    return (
        f"UPDATE {quoted(schema.table)} SET {sets} WHERE {quoted(schema.key)} = ?",
        (*row.values(), schema.id(n)),
    )


def remove(schema, n):
    return f"DELETE FROM {quoted(schema.table)} WHERE {quoted(schema.key)} = ?", (schema.id(n),)


def test_attach_and_detach_leave_the_dump_and_the_settings(schema, both):
    path, _ = both
    before, settings = dump(path), pragmas(path)
    owner.attach(path)
    found = dump_of_the_owners(path, but_not=("datasync_of_the_owner", "datasync_nightly"))
    assert_same_dump(found, before, "while attached, without what is ours")
    owner.detach(path)
    assert_same_dump(dump(path), before, "after detach")
    assert pragmas(path) == settings
    owner.attach(path)
    owner.detach(path)
    assert_same_dump(dump(path), before, "after the second detach")


def test_a_thousand_writes_by_both_sides_leave_what_plain_sql_would(schema, both):
    path, control = both
    settings = pragmas(control)
    served = Served(path, "--attach")
    try:
        session = served.session
        served.table(schema.table)
        plain = owner.connect(control)
        for turn in range(ROUNDS):
            first = 1000 * (turn + 1)
            own = range(first, first + BATCH)
            by_clients(schema, served, session, own, plain)
            others = range(first + 500, first + 500 + BATCH)
            for connection in (owner.connect(path), plain):
                by_the_owner(schema, connection, others, turn)
                if connection is not plain:
                    connection.close()
        plain.close()
        served.end()
    finally:
        served.close()
    owner.detach(path)
    assert_same_dump(dump(path), dump(control), "after detach")
    assert pragmas(path) == settings


def by_clients(schema, served, session, numbers, plain):
    """Writes through the server, and the same ones as plain SQL in the copy."""
    sent = []
    entity, table = session.contract.entity, schema.table
    for n in numbers:
        sent.append(session.send("create", entity=entity(
            table, **{schema.key: schema.id(n), **schema.row(n)})))
        plain.execute(*insert(schema, n))
    for n in list(numbers)[::2]:
        sent.append(session.send("update", entity=entity(
            table, **{schema.key: schema.id(n), **schema.row(n + 100_000)})))
        plain.execute(*update(schema, n, n + 100_000))
    for n in list(numbers)[::3]:
        sent.append(session.send("delete", table=table, id=str(schema.id(n))))
        plain.execute(*remove(schema, n))
    for request in sent:
        session.answer(request, 30)


def by_the_owner(schema, connection, numbers, turn):
    connection.execute("BEGIN IMMEDIATE")
    for n in numbers:
        connection.execute(*insert(schema, n))
    for n in list(numbers)[::2]:
        connection.execute(*update(schema, n, n + 100_000))
    connection.execute("COMMIT")
    for n in list(numbers)[::3]:
        connection.execute(*remove(schema, n))
    for statement in schema.statements:
        connection.execute(statement.replace("{n}", str(turn)))
