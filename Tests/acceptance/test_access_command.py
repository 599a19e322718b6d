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
