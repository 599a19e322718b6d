"""Values that other programs stored in forms of their own: a query and a subscription take them alike."""

import pytest

from session import Change, Session

TOKEN = "123e4567-e89b-12d3-a456-426614174abc"
SQL = """
CREATE TABLE loose (
  id TEXT NOT NULL PRIMARY KEY,
  token UUID, flag BOOLEAN, number INTEGER, at TIMESTAMP, clock TIME, price DECIMAL TEXT, weight DECIMAL,
  level TEXT, note TEXT
);
CREATE INDEX loose_by_token ON loose (token);
"""
# A column, what is stored in it (as SQL), how it reads, and filters that it fulfils.
FORMS = [
    ("token", f"'{TOKEN}'", TOKEN, [f"token eq {TOKEN}"]),
    ("token", f"'{TOKEN.upper()}'", TOKEN, [f"token eq {TOKEN}", f"token in ({TOKEN}, null)"]),
    ("token", "'123E4567-e89B-12d3-a456-426614174AbC'", TOKEN,
     [f"token eq {TOKEN}", f"token eq {TOKEN.upper()}", f"token in ({TOKEN})", f"token ge {TOKEN}",
      f"cast(token, Edm.String) eq '{TOKEN}'", f"not (token ne {TOKEN})"]),
    ("flag", "'1'", True, ["flag", "flag eq true", "flag ne false"]),
    ("flag", "'0'", False, ["not flag", "flag eq false"]),
    ("number", "'42'", 42, ["number eq 42", "number gt 41 and number lt 43"]),
    ("number", "42.0", 42, ["number eq 42", "number in (41, 42)"]),
    ("at", "'1970-01-01 00:00:01'", 1_000_000,
     ["at eq 1970-01-01T00:00:01Z", "at gt 1970-01-01", "second(at) eq 1"]),
    ("at", "'1970-01-01T02:00:01+02:00'", 1_000_000, ["at eq 1970-01-01T00:00:01Z", "hour(at) eq 0"]),
    ("clock", "'02:14'", "02:14:00", ["clock eq 02:14", "minute(clock) eq 14", "clock le 02:14:00"]),
    ("price", "1.5", "1.5", ["price eq 1.50", "price mul 2 eq 3"]),
    ("weight", "'1.50'", "1.5", ["weight eq 1.5", "weight lt 1.51"]),
]
# What fits no column of its type: not true of any comparison, and told of.
UNFIT = [
    ("token", "'123e4567e89b12d3a456426614174ab'", [f"token eq {TOKEN}", f"token ge {TOKEN}"]),
    ("flag", "2", ["flag", "not flag", "flag eq true", "flag eq false"]),
    ("flag", "'yes'", ["flag", "not flag"]),
    ("number", "'many'", ["number gt 0", "number le 0", "number add 1 gt 0"]),
    ("number", "1.5", ["number gt 1", "number lt 2", "number mul 2.0 eq 3"]),
    ("at", "'yesterday'", ["at gt 1970-01-01", "year(at) gt 0"]),
    ("at", "x'32303234'", ["at lt 2024-01-01", "at gt 1970-01-01"]),
    ("clock", "'noon'", ["clock gt 12:00", "hour(clock) eq 12"]),
    ("price", "'cheap'", ["price gt 0", "price lt 1"]),
    ("note", "x'61'", ["note gt 'a'", "note ge ''", "length(note) eq 1"]),
]


@pytest.fixture
def loose(loose_server):
    """With no rows but one that fits."""
    server, session = loose_server
    yield server, session
    server.foreign("DELETE FROM loose WHERE id <> 'other'")
    session.update("loose", id="other", note="alone")


@pytest.fixture(scope="module")
def loose_server(tmp_path_factory):
    import sqlite3

    from server import Server

    path = tmp_path_factory.mktemp("loose") / "loose.db"
    connection = sqlite3.connect(path)
    connection.executescript(SQL)
    connection.close()
    server = Server(path, "--attach").start()
    with Session(server, timeout=280) as session:
        session.create("loose", id="other", note="fits")
        yield server, session
    server.stop()


def delete_by_other(session, server, id):
    """A row deleted by another program, and adopted: a read may share a snapshot that is a little older
    than what another program has just committed, never one that is older than a write of ours."""
    server.foreign(f"DELETE FROM loose WHERE id = '{id}'")
    session.update("loose", id="other", note=f"without {id}")


def ids_by_event(session, server, statement, filter):
    """What a subscription that was there before hears of."""
    events = session.subscribe("loose", filter=filter, heartbeat_interval=0.1)
    events.until_current()
    server.foreign(statement)
    mark = session.update("loose", id="other", note=f"after {statement}"[:60])
    found = {e.id for e in events.until_sequence(mark.sequence) if isinstance(e, Change)}
    events.cancel()
    return found - {"other"}


@pytest.mark.parametrize("column, stored, reads, filters", FORMS, ids=lambda v: str(v)[:40])
def test_a_value_in_another_form_is_found_as_what_it_reads(loose, column, stored, reads, filters):
    server, session = loose
    for index, filter in enumerate(filters):
        insert = f"INSERT INTO loose (id, {column}) VALUES ('r{index}', {stored})"
        assert ids_by_event(session, server, insert, filter) == {f"r{index}"}, filter
        page = session.page("loose", filter=filter, count=True)
        assert [row["id"] for row in page.rows if row["id"] != "other"] == [f"r{index}"], filter
        assert [row[column] for row in page.rows if row["id"] != "other"] == [reads]
        initial = session.subscribe("loose", filter=filter, once=True).until_current()
        assert f"r{index}" in {e.id for e in initial if isinstance(e, Change)}
        delete_by_other(session, server, f"r{index}")


@pytest.mark.parametrize("column, stored, filters", UNFIT, ids=lambda v: str(v)[:40])
def test_a_value_that_does_not_fit_fulfils_no_comparison(loose, column, stored, filters):
    server, session = loose
    for index, filter in enumerate(filters):
        insert = f"INSERT INTO loose (id, {column}) VALUES ('u{index}', {stored})"
        assert ids_by_event(session, server, insert, filter) == set(), filter
        page = session.page("loose", filter=filter, count=True)
        assert not [row for row in page.rows if row["id"] != "other"] and not page.errors, filter
        # It is told of where nothing leaves it out, and hides no other row.
        page = session.page("loose", order_by=f"{column} desc")
        assert [error.metadata["id"] for error in page.errors] == [f"u{index}"]
        assert page.errors[0].metadata["column"] == column
        assert "other" in {row["id"] for row in page.rows}
        delete_by_other(session, server, f"u{index}")


def test_pages_go_past_values_that_do_not_fit(loose):
    """In every order, with pages of one row, some of which hold only an error."""
    server, session = loose
    values = [(f"p{i}", column, stored) for i, (column, stored, _) in enumerate(UNFIT + FORMS_AS_UNFIT)]
    for id, column, stored in values:
        server.foreign(f"INSERT INTO loose (id, {column}) VALUES ('{id}', {stored})")
    expected = {id for id, _, _ in values} | {"other"}
    for column in ("token", "flag", "number", "at", "clock", "price", "weight", "note"):
        for order in (column, f"{column} desc"):
            found, token = [], ""
            for _ in range(len(expected) + 2):
                page = session.page("loose", order_by=order, page_size=1, page_token=token)
                found += [row["id"] for row in page.rows]
                found += [error.metadata["id"] for error in page.errors]
                token = page.next_page_token
                if not token:
                    break
            assert not token and sorted(found) == sorted(expected), order


# Bytes that are no UTF-8, twice each, so that a page ends between equal ones.
FORMS_AS_UNFIT = [("note", value, []) for value in ("CAST(x'ff' AS TEXT)", "CAST(x'61ff' AS TEXT)", "x'ff'")] * 2
