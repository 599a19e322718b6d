"""`datasync token` and `datasync access check`: what an operator sees of an access file."""

import hashlib
import re
import sqlite3

import pytest

from server import run

ACCESS = """\
credentials: { tokens: tokens.txt }
memberships:
  lists: { table: members, value: list_id, where: "user_id eq @principal.id" }
tables:
  todo: { read: list_id in @principal.lists, delete: owner eq @principal.id }
  members: { read: user_id eq @principal.id }
"""


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "todo.db"
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE todo (id TEXT PRIMARY KEY NOT NULL, list_id TEXT, owner TEXT);
        CREATE TABLE members (id TEXT PRIMARY KEY NOT NULL, user_id TEXT, list_id TEXT);
        INSERT INTO todo VALUES ('1', 'l', 'alice');
        INSERT INTO members VALUES ('m', 'dora', 'l');
    """)
    connection.close()
    assert run("attach", path).returncode == 0
    return path


def token(*arguments):
    done = run("token", *arguments)
    assert done.returncode == 0, done.stderr
    made = re.fullmatch(r"token: (\S+)\nline for the token file: (.*)\n", done.stdout)
    assert made, done.stdout
    return made.groups()


def check(database, text, tokens):
    (database.parent / "tokens.txt").write_text(tokens)
    access = database.parent / "access.yml"
    access.write_text(text)
    return run("access", "check", database, "--access", access)


def test_a_token_is_printed_once_and_its_line_holds_the_hash_alone(database):
    made, line = token("alice", "--role", "staff", "--role", "ops", "--group", "g")
    assert line == hashlib.sha256(made.encode()).hexdigest() + " alice staff,ops g"
    assert token("alice")[0] != made
    done = check(database, ACCESS, line + "\n")
    assert done.returncode == 0, done.stdout
    assert "todo: no rule for create, update; nobody may do that" in done.stdout


@pytest.mark.parametrize("arguments", [("a b",), ("",), ("alice", "--role", "a,b")])
def test_a_token_that_its_line_cannot_hold_is_refused(arguments):
    done = run("token", *arguments)
    assert done.returncode != 0 and "token:" not in done.stdout


@pytest.mark.parametrize("old, new, said", [
    ("owner eq", "ownr eq", "todo.delete: at 1: found 'ownr'"),
    ("tables:", "tabels:", "tabels: no key of that name"),
    ("tokens.txt", "none.txt", "none.txt: it cannot be read"),
    ("todo:", "todos:", "todos: no table 'todos' is served; did you mean 'todo'?"),
])
def test_what_is_wrong_with_an_access_file_is_said(database, old, new, said):
    done = check(database, ACCESS.replace(old, new, 1), token("alice")[1])
    assert done.returncode == 1
    assert said in done.stdout


WHY = """\
roles: { admin: [root] }
anonymous: {}
tables:
  todo:
    read: owner eq @principal.id or 'admin' in @principal.roles
    update: { before: owner eq @principal.id, after: owner eq @old.owner }
    delete: "'admin' in @principal.roles"
    hide: { list_id: "not ('admin' in @principal.roles)" }
"""


def why(database, principal, id, *arguments, table="todo", text=WHY):
    access = database.parent / "access.yml"
    access.write_text(text)
    return run(
        "access", "why", database, "--access", access, "--as", principal, *arguments, table, id)


def test_why_says_which_rule_allows_what(database):
    lines = lambda *arguments: why(database, *arguments).stdout.splitlines()
    reading = "'owner eq @principal.id or 'admin' in @principal.roles'"
    deleting = "''admin' in @principal.roles'"
    started = ["create of such a row: no: there is no rule"]
    assert lines("alice", "1") == [
        f"read: yes: the row fulfils {reading}", *started,
        "update of the row as it is: yes: the row fulfils 'owner eq @principal.id'",
        "update to the row as it is: yes: the row fulfils 'owner eq @old.owner'",
        f"delete: no: whatever the row, by {deleting}", "hidden: list_id",
    ]
    assert lines("bob", "1") == [
        f"read: no: the row does not fulfil {reading}", *started,
        "update of the row as it is: no: the row does not fulfil 'owner eq @principal.id'",
        "update to the row as it is: no: the row does not exist for who may not read it",
        f"delete: no: whatever the row, by {deleting}", "hidden: list_id",
    ]
    for arguments in [("root", "1"), ("bob", "1", "--role", "admin")]:
        answer = lines(*arguments)
        assert answer[0] == f"read: yes: whatever the row, by {reading}"
        assert answer[-1] == f"delete: yes: whatever the row, by {deleting}"
    missing = lines("alice", "2")
    assert missing[0].startswith("there is no row '2'; what other programs wrote")
    assert missing[1] == f"read: that depends on the row, by {reading}"


def test_why_says_what_is_wrong(database):
    done = why(database, "alice", "1", table="members")
    assert done.returncode == 0 and "members does not exist for this principal" in done.stdout
    done = why(database, "alice", "1", table="todos")
    assert done.returncode != 0 and "todo" in done.stderr
    done = why(database, "alice", "1", text=WHY.replace("read: owner", "read: nobody"))
    assert done.returncode != 0 and "todo.read: at 1" in done.stderr


SETS = """\
claims: { level: int64 }
memberships:
  lists: { table: members, value: list_id, where: "user_id eq @principal.id or 'all' in @principal.groups" }
tables:
  todo:
    read: list_id in @principal.lists
    delete: list_id in @principal.lists and @principal.claims.level ge 3
"""


def test_why_knows_memberships_groups_and_claims(database):
    lines = lambda *arguments: why(database, *arguments, text=SETS).stdout.splitlines()
    rule = "'list_id in @principal.lists'"
    deleting = "'list_id in @principal.lists and @principal.claims.level ge 3'"
    seen = lines("dora", "1", "--claim", "level=3")
    assert seen[0] == f"read: yes: the row fulfils {rule}; @principal.lists has 1 value"
    assert seen[-1] == f"delete: yes: the row fulfils {deleting}; @principal.lists has 1 value"
    assert lines("dora", "1")[-1] == f"delete: no: whatever the row, by {deleting}"
    assert lines("dora", "1", "--claim", "level=2")[-1].startswith("delete: no")
    assert lines("nobody", "1")[0] == (
        f"read: no: the row does not fulfil {rule}; @principal.lists has 0 values")
    assert lines("nobody", "1", "--group", "all")[0].startswith("read: yes: the row fulfils")
    for claim, said in [
        ("level=high", "to be int64"), ("level", "NAME=VALUE"), ("other=1", "no such claim"),
    ]:
        done = why(database, "dora", "1", "--claim", claim, text=SETS)
        assert done.returncode != 0 and said in done.stderr
