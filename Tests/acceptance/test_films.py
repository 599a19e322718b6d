"""Paging through the 248 films."""

import random

from conftest import SEED, films
from session import Session


def test_248_rows_in_pages_of_25_give_248_distinct_ids(films_session):
    token, pages = "", []
    while True:
        page = films_session.page("movies", page_size=25, page_token=token)
        pages.append([row["id"] for row in page.rows])
        assert not page.errors
        token = page.next_page_token
        if not token:
            break
        assert len(page.rows) == 25
    ids = [id for page in pages for id in page]
    assert [len(page) for page in pages] == [25] * 9 + [23]
    assert len(ids) == len(set(ids)) == 248
    assert ids == sorted(film["id"] for film in films())


def test_the_rows_are_the_films(films_session):
    rows = {row["id"]: row for row in films_session.rows("movies")}
    for film in films():
        row = rows[film["id"]]
        assert (row["title"], row["year"], row["duration"]) == (
            film["title"], film["year"], film["duration"],
        )
        assert (row["rating"], row["release_date"], row["best_picture_winner"]) == (
            film["rating"], film["releaseDate"], film["bestPictureWinner"],
        )


def test_rows_written_while_paging_are_neither_skipped_nor_doubled(demo):
    """Each row that was there throughout comes exactly once, under every order."""
    random.seed(SEED)
    with Session(demo) as reader, Session(demo) as writer:
        for order in ("", "year desc", "rating asc, duration desc", "title"):
            throughout = {row["id"] for row in reader.rows("movies") if row["id"] < "w"}
            seen, token, added = [], "", []
            while True:
                page = reader.page("movies", page_size=25, page_token=token, order_by=order)
                seen += [row["id"] for row in page.rows]
                token = page.next_page_token
                if not token:
                    break
                # A row before and one after the place where the page ended, and a row that goes.
                for prefix in ("id-0", "id-2"):
                    id = f"{prefix}{random.randrange(10**9)}x"
                    writer.create(
                        "movies", id=id, title=id, year=random.randrange(1900, 2030),
                        duration=random.randrange(300), rating="PG",
                    )
                    added.append(id)
                if len(added) > 4:
                    writer.delete("movies", added.pop(0))
            assert len(seen) == len(set(seen)), f"doubled under {order!r}"
            missing = {id for id in throughout if not id.endswith("x")} - set(seen)
            assert not missing, f"skipped under {order!r}: {missing}"


def test_a_query_with_top_ends_after_so_many_rows_over_all_pages(films_session):
    first = films_session.page("movies", top=30, page_size=25, count=True)
    assert len(first.rows) == 25 and first.total == 248 and first.next_page_token
    second = films_session.page(
        "movies", top=30, page_size=25, count=True, page_token=first.next_page_token
    )
    assert len(second.rows) == 5 and not second.next_page_token
    exact = films_session.page("movies", top=25, page_size=25)
    assert len(exact.rows) == 25 and not exact.next_page_token


def test_skip_applies_once_before_the_first_page(films_session):
    ids = sorted(film["id"] for film in films())
    rows = films_session.rows("movies", skip=200, page_size=25)
    assert [row["id"] for row in rows] == ids[200:]
    rows = films_session.rows("movies", skip=10, top=40, page_size=25)
    assert [row["id"] for row in rows] == ids[10:50]
    page = films_session.page("movies", skip=1000, count=True)
    assert page.rows == [] and page.total == 248 and not page.next_page_token


def test_a_page_above_the_maximum_is_a_page_of_the_maximum(films_server, films_session):
    described = films_session.call("describe", table="movies").tables[0]
    assert films_session.page("movies", page_size=4_000_000_000).rows
    expected = min(248, described.max_page_size)
    assert len(films_session.page("movies", page_size=described.max_page_size + 1).rows) == expected
    default = min(248, described.default_page_size)
    assert len(films_session.page("movies").rows) == default
