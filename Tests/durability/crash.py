"""What must hold after a crash, whatever the crash was."""

import pathlib
import time

from server import run
from session import Session
from workload import TABLES, stored

LEDGER = pathlib.Path(__file__).parent / "ledger.sql"


def check(database):
    """`datasync check`: the file is whole; log, versions and rows agree."""
    report = run("check", database, timeout=60)
    assert report.returncode == 0, f"datasync check:\n{report.stdout}{report.stderr}"


def rows_of_writer(writer, rows):
    prefix = writer.name + "."
    return {
        (table, id): row
        for table in ("accounts", "transfers")
        for id, row in rows[table].items()
        if id.startswith(prefix)
    }


def same(row, expected):
    return row is not None and all(row[name] == value for name, value in expected.items())


def check_prefix(writer, rows):
    """The stored rows are the answered operations, and a prefix of the others sent.

    Returns how many unanswered operations had happened.
    """
    found = rows_of_writer(writer, rows)
    expected = dict(writer.rows)
    for happened in range(len(writer.pending) + 1):
        if found.keys() == expected.keys() and all(
            same(found[key], row) for key, row in expected.items()
        ):
            return happened
        if happened < len(writer.pending):
            for table, id, row in writer.pending[happened].effects:
                if row is None:
                    expected.pop((table, id), None)
                else:
                    expected[(table, id)] = row
    answered = writer.rows
    wrong = [
        (key, row["tag"], found[key]["tag"] if key in found else None)
        for key, row in answered.items()
        if not same(found.get(key), row)
    ]
    raise AssertionError(
        f"{writer.name}: the rows are no prefix of what was sent; answered rows that differ: "
        f"{wrong[:5]}; unanswered: {writer.pending[:5]}"
    )


def recover(crew):
    """After the crash and before the retries: nothing answered is lost. Returns what had happened."""
    check(crew.server.database)
    rows = {table: stored(crew.server.database, table) for table in TABLES}
    happened = {writer.name: check_prefix(writer, rows) for writer in crew.writers}
    if crew.outsider:
        for number, tag in crew.outsider.rows.items():
            row = rows["outside"].get(number)
            assert row is not None, f"a row that another program committed is gone: {tag}"
            later = int(row["tag"].split(".")[1])
            assert later >= int(tag.split(".")[1]), f"{row['tag']} instead of {tag}"
        # A commit that the program did not see the end of.
        crew.outsider.rows = {number: row["tag"] for number, row in rows["outside"].items()}
    return happened


def settle(crew, happened):
    """Retries what was not answered, and holds log, rows, views and counts against each other."""
    for writer in crew.writers:
        replayed = writer.retry(crew.server)
        assert replayed == happened[writer.name], (
            f"{writer.name}: {happened[writer.name]} had happened, {replayed} were replayed"
        )
    converge(crew)
    check(crew.server.database)
    tags, deleted = crew.follower.tags, crew.follower.deleted
    for writer in crew.writers:
        for operation in writer.answered:
            if operation.kind == "delete":
                count = deleted[operation.effects[0][:2]]
            else:
                count = tags[operation.tag]
            if operation.tag in crew.uncounted:
                continue
            assert count == 1, f"{operation} is {count} times in the history"
            if operation.kind == "commit":
                keys = {(table, id) for table, id, _ in operation.effects}
                assert keys in crew.follower.commits, f"{operation} is not one commit"
        writer.answered = []
    crew.follower.commits = []
    crew.uncounted = set()


def converge(crew):
    """The resumed subscriber shows what a query shows, which is what the writers know."""
    with Session(crew.server, client_id="judge") as session:
        deadline = time.monotonic() + 20
        while True:
            pages = {table: by_key(session.rows(table)) for table in TABLES}
            head = position(session)
            crew.follower.reach(head)
            views = {table: crew.follower.view.of(table) for table in TABLES}
            if views == pages or time.monotonic() > deadline:
                break
    for table in TABLES:
        assert views[table] == pages[table], f"{table}: the subscriber's view is another"
    for writer in crew.writers:
        found = rows_of_writer(writer, pages)
        assert found.keys() == writer.rows.keys(), f"{writer.name}: other rows"
        for key, row in writer.rows.items():
            assert same(found[key], row), f"{writer.name}: {found[key]} instead of {row}"
    if crew.outsider:
        outside = {int(id): row["tag"] for id, row in pages["outside"].items()}
        assert outside == crew.outsider.rows, "rows of the other program"


def by_key(rows):
    """The rows by their keys as events name them, numbers as text."""
    return {str(row["id"]): row for row in rows}


def position(session):
    """The sequence of now: what a subscription begun now starts at."""
    events = session.subscribe("", now={}, heartbeat_interval=0.1)
    sequence = events.checkpoint().sequence
    events.cancel()
    return sequence
