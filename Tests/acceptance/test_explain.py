"""`datasync explain`: SQLite's plan of a query, and the index that would help. Issue 4, point 6."""

import re
import sqlite3

import pytest

from server import run

INDEX = re.compile(r'^  (CREATE INDEX .*;)$', re.MULTILINE)


@pytest.fixture(scope="module")
def database(demo_template, tmp_path_factory):
    import shutil

    path = tmp_path_factory.mktemp("explain") / "demo.db"
    shutil.copy(demo_template, path)
    assert run("attach", path).returncode == 0
    return path


def explain(path, filter="", order="", table="movies"):
    done = run("explain", path, table, "--filter", filter, "--order-by", order)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("filter, order", [
    ("", ""), ("", "id desc"), ("id eq 'id-007'", ""),
])
def test_a_query_that_an_index_serves_is_said_to_be_so(database, filter, order):
    text = explain(database, filter, order)
    assert "An index serves this query." in text and not INDEX.search(text)
    assert text.startswith("SELECT ") and "\nplan:\n  " in text


@pytest.mark.parametrize("filter, order, columns", [
    ("rating eq 'R'", "", ["rating"]),
    ("rating eq 'R'", "duration", ["rating", "duration"]),
    ("rating eq 'R' and duration eq 120", "", ["rating", "duration"]),
    ("year eq 1994", "", ["year", "id"]),
    ("duration gt 120 and rating eq 'R'", "", ["rating"]),
    ("", "duration", ["duration"]), ("", "duration desc", ["duration"]),
    ("", "duration desc, title", ["duration", "title"]),
    ("best_picture_winner", "", ["best_picture_winner"]),
    ("not best_picture_winner", "year", ["best_picture_winner", "year"]),
    ("best_picture_winner eq true and rating eq 'R'", "", ["best_picture_winner", "rating"]),
])
def test_the_index_that_it_names_is_one_that_helps(database, tmp_path, filter, order, columns):
    """Made as it says, on a copy, it turns the plan into one that an index serves."""
    import shutil

    text = explain(database, filter, order)
    (statement,) = INDEX.findall(text)
    named = re.findall(r'"([^"]+)"', statement)[2:]
    assert named[: len(columns)] == columns, statement
    copy = tmp_path / "copy.db"
    shutil.copy(database, copy)
    connection = sqlite3.connect(copy)
    connection.execute(statement)
    connection.commit()
    connection.close()
    after = explain(copy, filter, order)
    assert not INDEX.search(after), after
    assert statement.split('"')[1] in after, "the plan uses it"


@pytest.mark.parametrize("filter", ["contains(title, 'er')", "year add duration lt 2100", "duration lt 100"])
def test_where_no_index_helps_none_is_named(database, filter):
    text = explain(database, filter)
    assert "SCAN" in text and "no index on columns changes that" in text and not INDEX.search(text)


def test_no_value_stands_in_the_statement(database):
    text = explain(database, "title eq 'a very special title' and duration gt 12345")
    assert "special" not in text and "12345" not in text and "?" in text


def test_what_cannot_be_explained_is_said(database, tmp_path):
    for arguments, words in (
        ((database, "nothing"), ["nothing", "movies"]),
        ((database, "movies", "--filter", "yaer eq 1"), ["at 1", "year"]),
        ((database, "movies", "--order-by", "year, nonsense"), ["at 7"]),
        ((tmp_path / "absent.db", "movies"), ["absent.db"]),
    ):
        done = run("explain", *arguments)
        assert done.returncode != 0 and all(word in done.stderr for word in words), done.stderr
    assert not (tmp_path / "absent.db").exists()


def test_it_changes_nothing_also_while_the_database_is_served(demo):
    before = demo.foreign("SELECT type, name, sql FROM sqlite_schema ORDER BY name")
    assert INDEX.search(explain(demo.database, "rating eq 'R'", "duration"))
    assert demo.foreign("SELECT type, name, sql FROM sqlite_schema ORDER BY name") == before
