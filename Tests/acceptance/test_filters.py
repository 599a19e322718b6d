"""Filters and orders over the films, against the same conditions in Python."""

import datetime
import math

import pytest

from conftest import films
from errors import refused
from session import Session

RATINGS = ["Unrated", "G", "PG", "PG13", "R", "NC17"]


class Film:
    """A film with the columns' names, for conditions in Python."""

    def __init__(self, film):
        self.id, self.title, self.year = film["id"], film["title"], film["year"]
        self.duration, self.rating = film["duration"], film["rating"]
        self.release_date = film["releaseDate"]
        self.best_picture_winner = film["bestPictureWinner"]
        self.date = datetime.date.fromisoformat(film["releaseDate"])
        self.rank = RATINGS.index(film["rating"])


FILMS = [Film(film) for film in films()]

# Each filter, and the same condition over a film `f`.
CONDITIONS = [
    ("best_picture_winner", lambda f: f.best_picture_winner),
    ("best_picture_winner eq true", lambda f: f.best_picture_winner),
    ("not best_picture_winner", lambda f: not f.best_picture_winner),
    ("not(best_picture_winner)", lambda f: not f.best_picture_winner),
    ("best_picture_winner ne false", lambda f: f.best_picture_winner),
    ("true", lambda f: True),
    ("false", lambda f: False),
    ("year eq 1994", lambda f: f.year == 1994),
    ("1994 eq year", lambda f: f.year == 1994),
    ("year ne 1994", lambda f: f.year != 1994),
    ("year gt 2000", lambda f: f.year > 2000),
    ("year ge 2000", lambda f: f.year >= 2000),
    ("year lt 2000", lambda f: f.year < 2000),
    ("year le 2000", lambda f: f.year <= 2000),
    ("year ge 1930 and year le 1940", lambda f: 1930 <= f.year <= 1940),
    ("(year ge 1930 and year le 1940) or (year ge 1950 and year le 1960)",
     lambda f: 1930 <= f.year <= 1940 or 1950 <= f.year <= 1960),
    ("year lt 1930 or year gt 2005 and best_picture_winner",
     lambda f: f.year < 1930 or (f.year > 2005 and f.best_picture_winner)),
    ("not (year lt 1930 or year gt 2005)", lambda f: 1930 <= f.year <= 2005),
    ("year in (1993, 1994, 1995)", lambda f: f.year in (1993, 1994, 1995)),
    ("not (year in (1994))", lambda f: f.year != 1994),
    ("year add 1 eq 1995", lambda f: f.year + 1 == 1995),
    ("year sub 1900 ge 80", lambda f: f.year - 1900 >= 80),
    ("year mul 2 eq 3988", lambda f: f.year * 2 == 3988),
    ("year mul 1 sub 5 eq 1989", lambda f: f.year - 5 == 1989),
    ("year sub 5 sub 5 eq 1984", lambda f: f.year - 10 == 1984),
    ("2000 sub year mul 1 eq 6", lambda f: 2000 - f.year == 6),
    ("year mod 2 eq 1", lambda f: f.year % 2 == 1),
    ("-year mod 10 eq -4", lambda f: f.year % 10 == 4),
    ("year div 1000 eq 1", lambda f: f.year // 1000 == 1),
    ("year div 1000.0 ge 1.994 and year div 1000.0 lt 1.995", lambda f: f.year == 1994),
    ("duration div 60 eq 2", lambda f: f.duration // 60 == 2),
    ("duration div 60.5 gt 2", lambda f: f.duration / 60.5 > 2),
    ("duration divby 60 gt 2.5", lambda f: f.duration / 60 > 2.5),
    ("year sub 2000 div 10 gt 1790", lambda f: f.year - 200 > 1790),
    ("(year sub 2000) div 10 eq 0", lambda f: abs(f.year - 2000) < 10),
    ("-year lt -2000", lambda f: f.year > 2000),
    ("duration gt 119.5", lambda f: f.duration > 119.5),
    ("round(duration div 60.0) eq 2", lambda f: math.floor(f.duration / 60 + 0.5) == 2),
    ("ceiling(duration div 60.0) eq 2", lambda f: math.ceil(f.duration / 60) == 2),
    ("floor(duration div 60.0) eq 2", lambda f: math.floor(f.duration / 60) == 2),
    ("rating eq 'R'", lambda f: f.rating == "R"),
    ("rating ne 'R'", lambda f: f.rating != "R"),
    ("rating gt 'PG'", lambda f: f.rank > 2),
    ("rating le 'G'", lambda f: f.rank <= 1),
    ("rating in ('R', 'NC17')", lambda f: f.rating in ("R", "NC17")),
    ("'PG13' lt rating", lambda f: f.rank > 3),
    ("title eq 'The Godfather'", lambda f: f.title == "The Godfather"),
    ("title eq 'Schindler''s List'", lambda f: f.title == "Schindler's List"),
    ("title in ('Schindler''s List', 'Fight Club', 'no film')",
     lambda f: f.title in ("Schindler's List", "Fight Club")),
    ("title gt 'The'", lambda f: f.title > "The"),
    ("title lt 'a'", lambda f: f.title < "a"),
    ("contains(title, 'er')", lambda f: "er" in f.title),
    ("not contains(title, 'er')", lambda f: "er" not in f.title),
    ("contains(tolower(title), 'THE')", lambda f: False),
    ("contains(toupper(title), 'THE')", lambda f: "THE" in f.title.upper()),
    ("startswith(title, 'The ')", lambda f: f.title.startswith("The ")),
    ("startswith(title, 'the ')", lambda f: f.title.startswith("the ")),
    ("endswith(title, 'er')", lambda f: f.title.endswith("er")),
    ("endswith(tolower(title), 'er')", lambda f: f.title.lower().endswith("er")),
    ("contains(title, '')", lambda f: True),
    ("startswith(title, '')", lambda f: True),
    ("contains(title, '%')", lambda f: "%" in f.title),
    ("contains(title, '_')", lambda f: "_" in f.title),
    ("contains(title, '''')", lambda f: "'" in f.title),
    ("length(title) eq 10", lambda f: len(f.title) == 10),
    ("length(title) gt 30", lambda f: len(f.title) > 30),
    ("indexof(title, 'er') eq 2", lambda f: f.title.find("er") == 2),
    ("indexof(title, 'zzz') eq -1", lambda f: True),
    ("substring(title, 4) eq 'Godfather'", lambda f: f.title[4:] == "Godfather"),
    ("substring(title, 0, 3) eq 'The'", lambda f: f.title[:3] == "The"),
    ("substring(title, 500) eq ''", lambda f: True),
    ("concat(title, 'x') eq 'Fight Clubx'", lambda f: f.title == "Fight Club"),
    ("concat(concat(title, ' ('), ')') eq 'Fight Club ()'", lambda f: f.title == "Fight Club"),
    ("trim(concat('  ', title)) eq title", lambda f: f.title.strip() == f.title),
    ("tolower(title) eq 'fight club'", lambda f: f.title.lower() == "fight club"),
    ("toupper(title) eq 'FIGHT CLUB'", lambda f: f.title.upper() == "FIGHT CLUB"),
    ("release_date eq 1994-10-14", lambda f: f.release_date == "1994-10-14"),
    ("release_date gt 2000-01-01", lambda f: f.release_date > "2000-01-01"),
    ("release_date lt 1950-06-01 or release_date ge 2009-12-31",
     lambda f: f.release_date < "1950-06-01" or f.release_date >= "2009-12-31"),
    ("year(release_date) eq 1994", lambda f: f.date.year == 1994),
    ("month(release_date) eq 11", lambda f: f.date.month == 11),
    ("day(release_date) eq 1", lambda f: f.date.day == 1),
    ("day(release_date) sub month(release_date) gt 20", lambda f: f.date.day - f.date.month > 20),
    ("year(release_date) gt year", lambda f: f.date.year > f.year),
    ("year ne year(release_date)", lambda f: f.date.year != f.year),
    ("best_picture_winner and rating eq 'R' and year ge 1990",
     lambda f: f.best_picture_winner and f.rating == "R" and f.year >= 1990),
    ("title eq null", lambda f: False),
    ("title ne null", lambda f: True),
    ("null eq null", lambda f: True),
    ("year gt null", lambda f: False),
    ("not (year gt null)", lambda f: True),
    ("year add null eq 5", lambda f: False),
    ("year div 0 eq 1", lambda f: False),
    ("year div 0 eq null", lambda f: True),
    ("year mod 0 eq null", lambda f: True),
    ("id eq 'id-007'", lambda f: f.id == "id-007"),
    ("id in ('id-007', 'id-008')", lambda f: f.id in ("id-007", "id-008")),
    ("deleted eq false", lambda f: True),
    ("version gt 0", lambda f: True),
    ("created_at gt 2020-01-01T00:00:00Z", lambda f: True),
    ("created_at le now()", lambda f: True),
    ("year(created_at) lt 2020", lambda f: False),
    ("cast(year, Edm.String) eq '1994'", lambda f: f.year == 1994),
    ("cast(year, Edm.Double) div 4 eq 498.5", lambda f: f.year / 4 == 498.5),
    ("((((year))))  eq  1994", lambda f: f.year == 1994),
    ("year eq 1994.0", lambda f: f.year == 1994),
    ("year gt 1993.5 and year lt 1994.5", lambda f: f.year == 1994),
    ("duration mul 9223372036854775807 eq null", lambda f: f.duration > 1),
]


@pytest.mark.parametrize("text, condition", CONDITIONS, ids=[text for text, _ in CONDITIONS])
def test_a_filter_keeps_the_rows_for_which_it_is_true(films_session, text, condition):
    expected = sorted(f.id for f in FILMS if condition(f))
    page = films_session.page("movies", filter=text, count=True, page_size=1000)
    assert [row["id"] for row in page.rows] == expected and page.total == len(expected)


@pytest.mark.parametrize("index", range(0, len(CONDITIONS), 3))
def test_initial_rows_and_events_judge_by_the_same_filter(demo_pair, index):
    """The evaluator of events agrees with the query: each film is written, and must be seen."""
    text, condition = CONDITIONS[index]
    writer, watcher = demo_pair
    events = watcher.subscribe("movies", filter=text, heartbeat_interval=0.1)
    initial = [e for e in events.until_current() if hasattr(e, "row")]
    assert {e.id for e in initial} == {f.id for f in FILMS if condition(f)}
    sample = FILMS[index % 7::7]
    for film in sample:
        changed = writer.update("movies", id=film.id, title=film.title + " ")
        changed = writer.update("movies", id=film.id, title=film.title)
    rows = {e.id for e in initial}
    for event in events.until_sequence(changed.sequence):
        if getattr(event, "operation", "") == "ADD":
            rows.add(event.id)
        elif getattr(event, "operation", "") == "DELETE":
            rows.discard(event.id)
    assert rows == {f.id for f in FILMS if condition(f)}
    watcher.cancel(events.request_id)


@pytest.fixture(scope="module")
def demo_pair(tmp_path_factory, demo_template):
    import shutil

    from server import Server

    path = tmp_path_factory.mktemp("pair") / "demo.db"
    shutil.copy(demo_template, path)
    server = Server(path, "--attach").start()
    with Session(server) as writer, Session(server) as watcher:
        yield writer, watcher
    server.stop()


BAD = [
    # filter, position of the fault (None: anywhere)
    ("year eq", 8), ("eq 1994", None), ("year 1994", 6), ("year eq 1994 and", None),
    ("(year eq 1994", None), ("year eq 1994)", 13), ("year == 1994", 6), ("title eq 'open", None),
    ("title eq \"x\"", 10), ("nonsense eq 1", 1), ("year eq 1 and nonsense eq 2", 15),
    ("titel eq 'x'", 1), ("year eq 'text'", None), ("title eq 5", None), ("title", None),
    ("year", None), ("1", None), ("'text'", None), ("not year", None), ("year and true", None),
    ("unknown(title) eq 1", 1), ("contains(title)", None), ("contains(title, 'a', 'b')", None),
    ("contains(year, 'x')", None), ("length(year) eq 1", None), ("year(title) eq 1994", None),
    ("rating eq 'X'", None), ("rating eq 'r'", None), ("contains(rating, 'P')", None),
    ("tolower(rating) eq 'r'", None), ("rating in ('R', 'X')", None), ("year in ()", None),
    ("year in (1, 'a')", None), ("release_date eq 1994-13-01", None), ("year add 'x' eq 1", None),
    ("title add title eq 'x'", None),
    ("best_picture_winner gt 5", None), ("year eq 1994 or or year eq 1995", None), (";", 1),
    ("year eq 1994; DROP TABLE movies", 13), ("year eq 1 -- comment", None), ("\0", None),
    ("cast(year, Edm.Nothing) eq 1", None), ("year eq 0x10", None), ("$filter", 1), (" ", None),
    ("year eq 1994 ünd true", 14), ("contains(title, 'é') and nonsense", 26),
    ("contains(title, '😀') and nonsense", 26),
]


@pytest.mark.parametrize("text, position", BAD, ids=[repr(text) for text, _ in BAD])
def test_a_bad_filter_is_refused_with_its_position(films_session, text, position):
    if text == " ":
        # Blank is either empty or bad; it must not fail otherwise.
        try:
            films_session.page("movies", filter=text, page_size=1)
        except Exception as error:
            assert (error.code, error.reason) == ("INVALID_ARGUMENT", "BAD_FILTER")
        return
    for attempt in (
        lambda: films_session.page("movies", filter=text),
        lambda: films_session.subscribe("movies", filter=text, once=True).next(),
    ):
        with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
            attempt()
        at = int(error.metadata["position"])
        assert 1 <= at <= len(text) + 1
        assert position is None or at == position, error
        ((field, description),) = error.violations
        assert field == "filter" and description.startswith(f"at {at}: ")


def test_an_unknown_field_suggests_the_nearest_name(films_session):
    for text, name in (("titel eq 'x'", "title"), ("Year eq 1", "year"), ("ratng eq 'R'", "rating")):
        with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
            films_session.page("movies", filter=text)
        assert name in error.violations[0][1]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "true" + ")" * 10_000,
        "not " * 10_000 + "true",
        "-" * 20_000 + "year eq 1",
        " or ".join(["year eq 1994"] * 20_000),
        "title eq '" + "x" * 500_000 + "'",
        "year in (" + ",".join("1" * 1 for _ in range(100_000)) + ")",
        "tolower(" * 5000 + "title" + ")" * 5000 + " eq 'x'",
    ],
    ids=["parentheses", "nots", "minuses", "ors", "text", "list", "calls"],
)
def test_a_filter_of_monstrous_size_is_answered_or_refused_and_hurts_nobody(films_session, text):
    try:
        films_session.page("movies", filter=text, page_size=1)
    except Exception as error:
        assert error.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"), error
    assert films_session.page("movies", page_size=1).rows


# -- null, on rows of our own


@pytest.mark.parametrize(
    "text, ids",
    [
        ("body eq 'a'", "a"), ("body ne 'a'", "bn"), ("body eq null", "n"), ("body ne null", "ab"),
        ("body gt 'a'", "b"), ("body ge 'a'", "ab"), ("body le null", "n"), ("body lt null", ""),
        ("not (body eq 'a')", "bn"), ("not (body gt 'a')", "an"),
        ("contains(body, 'a')", "a"), ("not contains(body, 'a')", "b"),
        ("contains(body, 'a') or true", "abn"), ("contains(body, 'a') and false", ""),
        ("contains(body, 'a') eq null", "n"), ("length(body) eq 1", "ab"),
        ("length(body) eq null", "n"), ("concat(body, 'x') eq null", "n"),
        ("body in ('a', null)", "an"), ("body in ('b')", "b"), ("not (body in ('b'))", "an"),
        ("tolower(body) ne 'a'", "bn"), ("stars add 1 eq null", "n"), ("stars ne 1", "bn"),
    ],
)
def test_null_counts_as_the_contract_says(null_rows, text, ids):
    rows = null_rows.rows("notes", filter=f"owner eq 'nulls' and ({text})")
    assert "".join(row["id"] for row in rows) == ids


@pytest.fixture(scope="module")
def null_rows(tmp_path_factory):
    from conftest import SCHEMAS
    from server import Server

    path = tmp_path_factory.mktemp("nulls") / "shop.db"
    server = Server(path, "--schema", SCHEMAS / "shop.sql", "--attach").start()
    with Session(server) as session:
        session.create("notes", id="a", body="a", stars=1, owner="nulls")
        session.create("notes", id="b", body="b", stars=2, owner="nulls")
        session.create("notes", id="n", owner="nulls")
        session.update("notes", ["stars"], id="n")
        yield session
    server.stop()


# -- orders


@pytest.mark.parametrize(
    "order, key",
    [
        ("year", lambda f: f.year), ("year asc", lambda f: f.year),
        ("year desc", lambda f: -f.year), ("title", lambda f: f.title),
        ("rating", lambda f: f.rank), ("rating desc", lambda f: -f.rank),
        ("rating, year desc", lambda f: (f.rank, -f.year)),
        ("best_picture_winner desc, duration", lambda f: (not f.best_picture_winner, f.duration)),
        ("release_date", lambda f: f.release_date),
        ("year,duration,title", lambda f: (f.year, f.duration, f.title)),
        ("version", lambda f: 0),
    ],
)
@pytest.mark.parametrize("page_size", [1000, 7])
def test_rows_come_in_the_order_asked_for_ids_last(films_session, order, key, page_size):
    rows = films_session.rows("movies", order_by=order, page_size=page_size)
    expected = sorted(FILMS, key=lambda f: (key(f), f.id))
    if order == "version":
        expected = sorted(FILMS, key=lambda f: f.id)
        assert [r["version"] for r in rows] == sorted(r["version"] for r in rows)
    assert [row["id"] for row in rows] == [film.id for film in expected]


def test_the_id_can_be_ordered_downwards(films_session):
    rows = films_session.rows("movies", order_by="id desc", page_size=50)
    assert [row["id"] for row in rows] == sorted((f.id for f in FILMS), reverse=True)


def test_titles_downwards(films_session):
    rows = films_session.rows("movies", order_by="title desc", page_size=50)
    titles = [row["title"] for row in rows]
    assert titles == sorted(titles, reverse=True) and len(rows) == 248


def test_nulls_come_first_ascending_and_last_descending(null_rows):
    order = lambda text, size: "".join(
        row["id"]
        for row in null_rows.rows(
            "notes", filter="owner eq 'nulls'", order_by=text, page_size=size
        )
    )
    for size in (100, 1):
        assert order("stars", size) == "nab" and order("stars desc", size) == "ban"
        assert order("body desc, id", size) == "ban"


@pytest.mark.parametrize(
    "order, position",
    [("nonsense", 1), ("year, nonsense", 7), ("year up", 6), ("year,", None), ("year year", 6),
     (",", 1), ("year desc desc", 11), ("'x'", None), ("year; DROP TABLE movies", 5)],
)
def test_a_bad_order_is_refused_with_its_position(films_session, order, position):
    with refused("INVALID_ARGUMENT", "BAD_ORDER_BY") as error:
        films_session.page("movies", order_by=order)
    at = int(error.metadata["position"])
    assert position is None or at == position, error
    ((field, description),) = error.violations
    assert field == "order_by" and description.startswith(f"at {at}: ")


@pytest.mark.parametrize(
    "hostile",
    ["' OR '1'='1", "x'; DROP TABLE movies; --", "\" OR 1=1 --", "%", "\\", "''", "?1", ":a", "@p",
     "x') UNION SELECT sql FROM sqlite_master --", "\u2019", "${1}", "{{7*7}}"],
)
def test_hostile_text_is_only_text(films_session, hostile):
    quoted = hostile.replace("'", "''")
    assert films_session.page("movies", filter=f"title eq '{quoted}'", count=True).total == 0
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        films_session.get("movies", hostile)
    for attempt in (
        lambda: films_session.page(hostile),
        lambda: films_session.page("movies", order_by=hostile),
        lambda: films_session.page("movies", select=[hostile]),
    ):
        with refused(("INVALID_ARGUMENT", "NOT_FOUND")):
            attempt()
    created = films_session.create("todo_items", title=hostile)
    found = films_session.rows("todo_items", filter=f"title eq '{quoted}'")
    assert [row["id"] for row in found] == [created.id]
    assert films_session.page("movies", count=True).total == 248
