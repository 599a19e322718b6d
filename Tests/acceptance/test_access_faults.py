"""What a caller must not learn, and what an operator must be told."""

import pytest

from errors import Refused
from server import run
from test_access import Place

SQL = "CREATE TABLE t (id TEXT PRIMARY KEY, title TEXT NOT NULL, cost INTEGER NOT NULL CHECK (cost > 0));"
FILE = """
credentials: { tokens: tokens.txt }
roles: { admin: [root] }
tables:
  t:
    read:   'true'
    create: 'true'
    hide:   { cost: "not ('admin' in @principal.roles)" }
"""
NOBODY = "tables: { t: { read: 'true' } }\n"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path, FILE, sql=SQL)
    yield place
    place.server.stop()


def test_a_hidden_column_is_named_in_no_refusal(place):
    with place.session("alice") as alice:
        with pytest.raises(Refused) as found:
            alice.create("t", id="a", title="x")
    error = found.value
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "CONSTRAINT_VIOLATION")
    assert "cost" not in error.message and "cost" not in str(error.metadata)
    with place.session("root") as root:
        with pytest.raises(Refused) as named:
            root.create("t", id="a", title="x")
    assert "cost" in named.value.message


def test_an_access_file_that_admits_nobody_is_spoken_of(tmp_path):
    place = Place(tmp_path, NOBODY, sql=SQL)
    try:
        assert "admits nobody" in place.server.log()
    finally:
        place.server.stop()
    checked = run("access", "check", tmp_path / "access.db", "--access", tmp_path / "access.yml")
    assert "nobody is admitted" in checked.stdout
