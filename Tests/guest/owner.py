"""What the owner of a database does to it, and what it looks like to the owner."""

import sqlite3
import subprocess

from server import run

PRAGMAS = ("user_version", "application_id", "journal_mode", "encoding", "auto_vacuum", "page_size")


def create(path, sql):
    """A database as its owner made it, before anybody served it."""
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()
    return path


def connect(path, **pragmas):
    """The owner's program: autocommit, and patient where the database is locked."""
    connection = sqlite3.connect(path, timeout=20, isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 20000")
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name} = {value}")
    return connection


def execute(path, *statements, **pragmas):
    """Statements by one connection, each for itself unless they say BEGIN; the last one's rows."""
    connection = connect(path, **pragmas)
    try:
        rows = []
        for statement in statements:
            sql, parameters = statement if isinstance(statement, tuple) else (statement, ())
            rows = connection.execute(sql, parameters).fetchall()
        return rows
    finally:
        connection.close()


def shell(path, *statements, timeout=60, check=True):
    """The sqlite3 shell: another program altogether; what it prints."""
    done = subprocess.run(
        ["sqlite3", "-bail", "-cmd", ".timeout 20000", str(path)],
        input="\n".join(s if s.startswith(".") else f"{s};" for s in statements) + "\n",
        capture_output=True, text=True, timeout=timeout,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done.stdout if check else done


def dump(path):
    """What `.dump` prints, as bytes."""
    done = subprocess.run(
        ["sqlite3", "-readonly", str(path), ".dump"], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same_dump(found, expected, when):
    if found == expected:
        return
    lost = [line for line in expected.splitlines() if line not in set(found.splitlines())]
    new = [line for line in found.splitlines() if line not in set(expected.splitlines())]
    raise AssertionError(
        f"the dump {when} is another: {len(lost)} lines lost, as {lost[:5]};"
        f" {len(new)} new, as {new[:5]}" + ("" if lost or new else "; the order differs")
    )


def dump_of_the_owners(path, but_not=()):
    """The dump of a copy from which what bears our name is taken out: that is all that attach adds."""
    copy = path.with_name("copy.db")
    with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close(), target.close()
    for kind in ("trigger", "table"):
        for (name,) in execute(
            copy, f"SELECT name FROM sqlite_schema WHERE type = '{kind}'"
            " AND name LIKE 'datasync\\_%' ESCAPE '\\'"
        ):
            if name not in but_not:
                execute(copy, f'DROP {kind} "{name}"')
    found = dump(copy)
    for end in ("", "-wal", "-shm"):
        copy.with_name(copy.name + end).unlink(missing_ok=True)
    return found


def pragmas(path):
    """The settings that the file keeps."""
    connection = sqlite3.connect(path)
    found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return found


def columns(path, table):
    """Every column that the table has in the file, as `PRAGMA table_xinfo` names it."""
    quoted = table.replace('"', '""')
    return [row[1] for row in execute(path, f'PRAGMA table_xinfo("{quoted}")')]


def statement_of(path, name):
    """The CREATE statement as it stands in the file; None where there is none."""
    found = execute(path, ("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)))
    return found[0][0] if found else None


def attach(path, *arguments, **options):
    done = run("attach", path, *arguments, **options)
    assert done.returncode == 0, f"attach {arguments}: {done.stdout}{done.stderr}"
    return done


def detach(path):
    done = run("detach", path)
    assert done.returncode == 0, f"detach: {done.stdout}{done.stderr}"
    return done


def refuses(*arguments, naming=()):
    """A command that must fail, with one plain message that names what it is about."""
    done = run(*arguments)
    assert done.returncode != 0, f"{arguments} went through: {done.stdout}"
    for name in naming:
        assert str(name) in done.stderr, f"{name!r} is not named in: {done.stderr}"
    assert "Fatal error" not in done.stderr and "\0" not in done.stderr, done.stderr
    return done
