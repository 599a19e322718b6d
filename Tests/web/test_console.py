"""The console, by roles, names and keys, as people use it who see it and who do not."""

import pathlib
import re
import shutil
import time

import axe_core_python
import pytest

from browser import Page
from pages import has, lacks, live, pages_of, quiet, shows, text_into
from server import run, until

AXE = (pathlib.Path(axe_core_python.__file__).parent / "axe.min.js").read_text()

GRID = "[role=grid]"
SQL = """
CREATE TABLE things (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, note TEXT, price DECIMAL TEXT, amount REAL, size INTEGER,
  kind TEXT CHECK (kind IN ('big', 'small')), sold BOOLEAN NOT NULL DEFAULT 0, day DATE, about JSON
);
CREATE TABLE papers (id TEXT PRIMARY KEY, title TEXT NOT NULL);
INSERT INTO things (id, name, price) VALUES ('a', 'Ambos', '12.50'), ('b', 'Becher', NULL);
INSERT INTO papers VALUES ('p', 'Kept');
"""


@pytest.fixture
def films(demo_template, serve, tmp_path):
    shutil.copy(demo_template, tmp_path / "demo.db")
    return serve("demo.db", "--attach", "--web", "127.0.0.1:0")


@pytest.fixture
def things(serve):
    return serve("things.db", "--attach", "--soft-delete", "papers", "--web", "127.0.0.1:0", sql=SQL)


@pytest.fixture
def console(window):
    """Opens the console of a server at an address."""
    pages = []

    def opened(server, address="", wait=True):
        page = window()
        pages.append(page)
        (live if wait else Page.goto)(page, f"{pages_of(server)}/{address}")
        return page

    yield opened
    for page in pages:
        quiet(page)


def cell(id, column):
    return f"[role=row][data-id='{id}'] [data-column='{column}']"


def column(page, name):
    """The texts of a column's cells, in the order of the rows, as far as they are elements."""
    return page.evaluate(f"""[...document.querySelectorAll("[role=gridcell][data-column='{name}']")]
      .filter(e => e.parentElement.dataset.id)
      .sort((a, b) => a.parentElement.ariaRowIndex - b.parentElement.ariaRowIndex).map(e => e.textContent)""")


def rows_are(page, count):
    page.wait_for(f"document.querySelector('{GRID}')?.ariaRowCount === '{count + 1}'",
                  what=f"a grid of {count} rows")


def focused(page):
    return page.evaluate("""(() => {
      const e = document.activeElement;
      return [e.closest('[role=row]')?.dataset.id ?? null, e.dataset.column || e.name || e.textContent];
    })()""")


def test_tables_are_found_sorted_and_filtered(films, console):
    page = console(films)
    page.role("navigation", "Tables")
    page.click_role("link", "movies")
    rows_are(page, 248)
    # Of 248 rows those in view are elements.
    assert page.evaluate("document.querySelectorAll('[role=row][data-id]').length") < 60
    page.click_role("button", "year")
    page.wait_for("location.hash === '#/tables/movies?order_by=year'", what="the order in the address")
    shows(page, "[aria-sort=ascending]", ["year"])
    (first, last), = films.foreign("SELECT min(year), max(year) FROM movies")
    until(lambda: column(page, "year")[:1] == [str(first)], message="the oldest film is not the first")
    page.click_role("button", "year")
    until(lambda: column(page, "year")[:1] == [str(last)], message="the newest film is not the first")
    text_into(page, "#filter", "year gt 2005 and rating eq 'R'")
    page.press("Enter")
    page.wait_for("location.hash.includes('filter=year%20gt%202005')", what="the filter in the address")
    page.wait_for("Number(document.querySelector('[role=grid]').ariaRowCount) < 60", what="fewer rows")
    assert set(column(page, "rating")) == {"R"}
    # What is wrong is told, with where; the rows stay.
    before = column(page, "id")
    text_into(page, "#filter", "year gt x")
    page.press("Enter")
    has(page, "#filter[aria-invalid=true]")
    assert "at 9" in page.role("alert")["name"] or "at 9" in page.text("[role=alert]:not(:empty)")
    shows(page, "mark", ["x"])
    assert column(page, "id") == before
    page.focus_role("textbox", "Filter")
    page.press("Escape")
    lacks(page, "#filter[aria-invalid]")
    rows_are(page, 248)


def test_the_whole_head_sorts(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    # Not the text: a place beside it.
    for way in ("ascending", "descending"):
        x, y = page.evaluate("""(({ left, right, top, bottom }) => [right - 3, bottom - 4])(
          document.querySelector("[role=columnheader][data-column=name]").getBoundingClientRect())""")
        page._click_at((x, y), 1)
        shows(page, f"[aria-sort={way}]", ["name"])


def test_an_address_leads_to_its_rows(films, console):
    page = console(films, "#/tables/movies?filter=year%20eq%201994&order_by=title%20desc")
    page.wait_for("document.querySelectorAll('[role=row][data-id]').length > 0", what="rows")
    years, titles = column(page, "year"), column(page, "title")
    assert set(years) == {"1994"} and titles == sorted(titles, reverse=True)
    assert page.role("textbox", "Filter")["value"] == "year eq 1994"
    page.evaluate("location.hash = '#/tables/nothing'")
    page.wait_for("/no table nothing/.test(document.querySelector('main [role=alert]')?.textContent)",
                  what="an alert about the table")


ALERTS = ".page .alert:not(:empty)"


def test_one_box_says_what_is_wrong_with_a_filter(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    text_into(page, "#filter", "day lt date(now()) or name eq 'Ambos'")
    page.press("Enter")
    rows_are(page, 1)
    page.wait_for(f"/do not change live/.test(document.querySelector('{ALERTS}')?.textContent)", what="the notice")
    text_into(page, "#filter", "nix eq 1")
    page.press("Enter")
    page.wait_for(f"/nix.*still the rows where day lt/.test(document.querySelector('{ALERTS}')?.textContent)",
                  what="the newest complaint")
    assert len(page.texts(ALERTS)) == 1
    has(page, ".grid-place.former")
    page.focus_role("textbox", "Filter")
    page.press("Escape")
    rows_are(page, 2)
    lacks(page, ALERTS)
    lacks(page, ".former")
    # At an address of which nothing was good there is nothing.
    page = console(things, "#/tables/things?filter=nix")
    has(page, "#filter[aria-invalid=true]")
    rows_are(page, 0)


def test_an_address_that_is_wrong_can_be_left(things, console):
    page = console(things, "#/tables/things?order_by=nix")
    page.click_role("button", "Clear the order")
    rows_are(page, 2)
    lacks(page, ALERTS)
    assert page.evaluate("location.hash") == "#/tables/things"
    page.evaluate("location.hash = '#/tables/nothing'")
    page.wait_for("document.title === 'Not found – Datasync'", what="another title")
    shows(page, "h1", ["Not found"])
    page.click(".page a")
    page.wait_for("document.title === 'Tables – Datasync'", what="the tables")


def test_rows_change_live_and_the_focus_stays(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    page.click(cell("b", "name"))
    assert focused(page) == ["b", "name"]
    page.press("Escape")
    things.foreign("UPDATE things SET name = '器' WHERE id = 'b'")
    shows(page, cell("b", "name"), ["器"])
    things.foreign("INSERT INTO things (id, name) VALUES ('aa', 'Anker')")
    rows_are(page, 3)
    shows(page, cell("aa", "name"), ["Anker"])
    assert column(page, "id") == ["a", "aa", "b"]
    things.foreign("DELETE FROM things WHERE id = 'a'")
    rows_are(page, 2)
    assert focused(page) == ["b", "name"]
    page.wait_for("/3 changes.*DELETE a/.test(document.querySelector('[role=status][aria-label=Changes]').textContent)",
                  what="the status to tell of three changes")
    # The row with the focus goes: its neighbour has it.
    things.foreign("DELETE FROM things WHERE id = 'b'")
    rows_are(page, 1)
    until(lambda: focused(page) == ["aa", "name"], message="the focus on the row that is left")


def test_nothing_is_missed_between_reading_and_following(things, console):
    page = console(things)
    assert page.run("""
      const { Rows } = await import('/console/rows.js');
      const order = [];
      const table = {
        query: () => ({ page: async () => {
          order.push('read');
          await new Promise((resolve) => setTimeout(resolve, 100));
          return { rows: [{ id: 'a', version: 1 }], nextPageToken: '', total: 1 };
        } }),
        async *subscribe() {
          await new Promise((resolve) => setTimeout(resolve, 100));
          order.push('followed');
          yield { type: 'checkpoint', current: true };
          // While it is read; what is older than what comes does not count.
          for (const version of [0, 2]) {
            yield { type: 'update', id: 'a', row: { id: 'a', version }, changedFields: [], sequence: version };
          }
          await new Promise(() => {});
        },
      };
      const rows = new Rows(table, { key: 'id', version: 'version' });
      rows.start();
      await new Promise((resolve) => rows.addEventListener('rows', resolve));
      return [order, rows.row(0).version];""") == [["followed", "read"], 2]


def test_rows_that_cannot_be_read_are_told_of(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    things.foreign("UPDATE things SET size = 'large' WHERE id = 'a'")
    page.wait_for("/1 row here cannot be read.*size/.test(document.querySelector('main > section > [role=alert]').textContent)",
                  what="an alert about the row")
    until(lambda: column(page, "id") == ["b"], message="the row is still in sight")
    things.foreign("UPDATE things SET size = 3 WHERE id = 'a'")
    until(lambda: column(page, "id") == ["a", "b"], message="the row is not back")
    page.wait_for("document.querySelector('main > section > [role=alert]').textContent === ''", what="the end of the alert")


def test_a_table_that_comes_is_listed(things, console):
    page = console(things)
    has(page, "[data-table=things]")
    things.foreign("CREATE TABLE late (id TEXT PRIMARY KEY)")
    things.foreign("INSERT INTO late VALUES ('x')")

    def listed():
        # The table is attached once the schema was at rest; changes from then on are seen.
        things.foreign("INSERT INTO late VALUES (hex(randomblob(8)))")
        return page.evaluate("!!document.querySelector('[data-table=late]')")

    until(listed, 30, "the new table is not listed")


def test_rows_above_push_nothing_away(films, console):
    page = console(films, "#/tables/movies")
    rows_are(page, 248)
    page.evaluate("document.querySelector('[role=grid]').scrollTop = 3000")
    page.wait_for("!!document.querySelector('[aria-rowindex=\"110\"][data-id]')", what="rows further down")
    place = "Math.round(document.querySelector(\"[data-id='id-106']\").getBoundingClientRect().y)"
    page.wait_for("!!document.querySelector(\"[data-id='id-106']\")", what="film 106")
    before = page.evaluate(place)
    films.foreign("INSERT INTO movies (id, title, year, duration) VALUES ('a1', 'x', 2000, 1), ('a2', 'y', 2000, 1)")
    rows_are(page, 250)
    page.wait_for("document.querySelector(\"[data-id='id-106']\")?.ariaRowIndex === '110'", what="film 106 two rows on")
    assert page.evaluate(place) == before


def test_rows_are_made_changed_and_deleted(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    page.click_role("button", "New row")
    page.focus_role("textbox", "id")
    page.type("c")
    page.focus_role("textbox", "name")
    page.type("ちゃわん")
    # The Enter that ends a composition saves nothing.
    page.evaluate("""document.activeElement.dispatchEvent(
      new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))""")
    # A comma is neither a point nor nothing.
    page.focus_role("textbox", "price")
    page.type("1,50")
    page.click_role("button", "Save")
    has(page, "[name=price][aria-invalid=true]")
    assert "1.50" in page.text("#field-price-complaint")
    assert things.foreign("SELECT count(*) FROM things") == [(2,)]
    text_into(page, "[name=price]", "1.50")
    page.press("Enter")
    rows_are(page, 3)
    shows(page, cell("c", "name"), ["ちゃわん"])
    assert things.foreign("SELECT name, price, note FROM things WHERE id = 'c'") == [("ちゃわん", "1.50", None)]
    # One field, and only that; then NULL.
    page.double_click(cell("a", "note"))
    has(page, "[name=note]:focus")
    page.type("Grüße")
    things.foreign("UPDATE things SET sold = 1 WHERE id = 'b'")
    page.press("Enter")
    shows(page, cell("a", "note"), ["Grüße"])
    page.click_role("button", "note is NULL")
    page.click_role("button", "Save")
    shows(page, cell("a", "note"), ["NULL"])
    assert things.foreign("SELECT note FROM things WHERE id = 'a'") == [(None,)]
    # What the server refuses stands at its field.
    text_into(page, "[name=day]", "2024-02-30")
    page.press("Enter")
    has(page, "[name=day][aria-invalid=true]")
    page.click_role("button", "Cancel")
    page.click(cell("c", "name"))
    page.click_role("button", "Delete")
    rows_are(page, 2)
    page.click_role("button", "Undo")
    rows_are(page, 3)
    until(lambda: focused(page)[0] == "c", message="the focus on the row that came back")
    assert things.foreign("SELECT name, price FROM things WHERE id = 'c'") == [("ちゃわん", "1.50")]


def test_what_is_no_number_is_told_at_once(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    page.double_click(cell("a", "size"))
    has(page, "[name=size]:focus")
    page.type("19,9")
    shows(page, "#field-size-complaint", ["A whole number is needed, such as 42."])
    has(page, "[name=size][aria-invalid=true]")
    text_into(page, "[name=price]", "19,99")
    shows(page, "#field-price-complaint", ["Decimals take a point: 19.99"])
    # What may become a number is let be until the field is left.
    text_into(page, "[name=size]", "-")
    lacks(page, "[name=size][aria-invalid]")
    page.press("Tab")
    has(page, "[name=size][aria-invalid=true]")
    text_into(page, "[name=size]", "-4")
    lacks(page, "[name=size][aria-invalid]")


def test_each_field_that_lacks_a_value_says_so(serve, console):
    server = serve("needs.db", "--attach", "--web", "127.0.0.1:0", sql="""CREATE TABLE needs (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, note TEXT, day DATE NOT NULL)""")
    page = console(server, "#/tables/needs")
    rows_are(page, 0)
    page.click_role("button", "New row")
    shows(page, ".field .type", ["string", "string, required", "int64, required", "string", "date, required"])
    assert "required" in page.role("textbox", "size")["description"]
    page.click_role("button", "Save")
    shows(page, ".complaint:not(:empty)", ["It must have a value"] * 3)
    assert page.evaluate("[...document.querySelectorAll('.editor [aria-invalid]')].map(e => e.name)") == ["name", "size", "day"]
    assert focused(page)[1] == "name"
    assert page.text(".editor .alert") == ""
    for name, text in {"name": "x", "size": "1", "day": "2024-02-29"}.items():
        text_into(page, f"[name={name}]", text)
    lacks(page, ".editor [aria-invalid]")
    page.click_role("button", "Save")
    rows_are(page, 1)


@pytest.mark.parametrize("choice, stored, shown", [
    ("Keep mine", "mine", "mine"), ("Take theirs", "theirs", "theirs")])
def test_who_wins_a_conflict_is_asked(things, console, choice, stored, shown):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    page.double_click(cell("a", "name"))
    has(page, "[name=name]:focus")
    page.press("Control+a")
    page.type("mine")
    things.foreign("UPDATE things SET name = 'theirs' WHERE id = 'a'")
    shows(page, cell("a", "name"), ["theirs"])
    # What is being written is not written over.
    assert page.role("textbox", "name")["value"] == "mine"
    page.click_role("button", "Save")
    page.role("dialog", "Conflict")
    assert {"mine", "theirs", "Ambos"} <= set(page.texts("dialog td"))
    page.click_role("button", choice)
    lacks(page, "dialog.conflict")
    shows(page, cell("a", "name"), [shown])
    until(lambda: things.foreign("SELECT name FROM things WHERE id = 'a'") == [(stored,)],
          message=f"{stored} is not stored")
    page.wait_for(f"document.querySelector('[name=name]').value === '{shown}'", what="the field to agree")


def test_unsaved_edits_are_kept(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    page.double_click(cell("a", "name"))
    has(page, "[name=name]:focus")
    page.type("X")
    # Another row, a new one, another table.
    page.click(cell("b", "name"))
    page.wait_for("document.querySelector('[name=name]').value === 'Becher'", what="the other row")
    has(page, ".grid-row.draft[data-id=a]")
    page.click_role("button", "New row")
    page.focus_role("textbox", "name")
    page.type("Krug")
    page.click("[data-table=papers]")
    rows_are(page, 1)
    has(page, "nav a.draft[data-table=things]")
    assert page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))") is False
    # Meanwhile somebody writes the row: the edit is still for the version that it began from.
    things.foreign("UPDATE things SET note = 'theirs' WHERE id = 'a'")
    page.click("[data-table=things]")
    has(page, ".grid-row.draft[data-id=a]")
    page.click(cell("a", "name"))
    page.wait_for("document.querySelector('[name=name]')?.value.includes('X')", what="the edit")
    page.wait_for("/note/.test(document.querySelector('.news').textContent)", what="what changed meanwhile")
    page.click_role("button", "Cancel")
    lacks(page, ".grid-row.draft")
    page.click_role("button", "1 unsaved")
    page.wait_for("document.querySelector('[name=name]')?.value === 'Krug'", what="the new row")
    page.click_role("button", "Save")
    rows_are(page, 3)
    lacks(page, "nav a.draft")
    assert page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))") is True


def test_after_a_conflict_one_can_go_on_editing(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    page.double_click(cell("a", "name"))
    has(page, "[name=name]:focus")
    page.press("Control+a")
    page.type("mine")
    things.foreign("UPDATE things SET name = 'theirs', note = 'new' WHERE id = 'a'")
    shows(page, cell("a", "name"), ["theirs"])
    page.press("Enter")
    page.click_role("button", "Go on editing")
    lacks(page, "dialog.conflict")
    has(page, "[name=name]:focus")
    assert page.evaluate("['name', 'note'].map(n => document.querySelector(`[name=${n}]`).value)") == ["mine", "new"]
    page.press("End")
    page.type("!")
    page.press("Enter")
    shows(page, cell("a", "name"), ["mine!"])
    assert things.foreign("SELECT name, note FROM things WHERE id = 'a'") == [("mine!", "new")]


def test_what_is_deleted_softly_comes_back(things, console):
    page = console(things, "#/tables/papers")
    rows_are(page, 1)
    page.click(cell("p", "title"))
    page.click_role("button", "Delete")
    rows_are(page, 0)
    page.click_role("button", "Undelete")
    rows_are(page, 1)
    page.click_role("button", "Delete")
    rows_are(page, 0)
    page.click_role("checkbox", "Deleted rows")
    rows_are(page, 1)
    has(page, ".grid-row.deleted[data-id=p]")
    page.click(cell("p", "title"))
    page.click_role("button", "Undelete")
    lacks(page, ".grid-row.deleted")


def test_a_keyboard_is_enough(things, console):
    page = console(things)
    page.press("Tab")
    assert focused(page)[1] == "To the content"

    def tab_to(name, most=30):
        for _ in range(most):
            if name in focused(page):
                return
            page.press("Tab")
        raise AssertionError(f"{most} tabs did not lead to {name!r}, but to {focused(page)}")

    page.evaluate("document.querySelector('[data-table=things]').focus()")
    page.press("Enter")
    rows_are(page, 2)
    tab_to("filter")
    tab_to("id")
    assert focused(page) == ["a", "id"]
    for key in ("ArrowRight", "ArrowDown"):
        page.press(key)
    assert focused(page) == ["b", "name"]
    page.press("End")
    assert focused(page) == ["b", "about"]
    page.press("Home")
    page.press("ArrowRight")
    page.press("Enter")
    has(page, "[name=name]:focus")
    page.press("Control+a")
    page.type("Krug")
    page.press("Enter")
    shows(page, cell("b", "name"), ["Krug"])
    until(lambda: focused(page) == ["b", "name"], message="the focus back at the cell")
    page.press("ArrowUp")
    page.press("ArrowUp")
    assert focused(page) == [None, "name"]
    page.press("Enter")
    page.wait_for("location.hash.endsWith('order_by=name')", what="the order by keyboard")
    page.press("ArrowDown")
    assert focused(page) == ["a", "name"]
    page.press("=")
    page.wait_for("document.querySelector('#filter').value === \"name eq 'Ambos'\"", what="the cell as a filter")
    rows_are(page, 1)


def test_columns_have_their_names_in_the_database(serve, console):
    server = serve("lengths.db", "--attach", "--web", "127.0.0.1:0", sql="""
      CREATE TABLE lengths (id TEXT PRIMARY KEY, "Länge" INTEGER); INSERT INTO lengths VALUES ('a', 12)""")
    page = console(server, "#/tables/lengths")
    rows_are(page, 1)
    head = "[role=columnheader]:nth-child(2)"
    field = page.evaluate(f"document.querySelector('{head}').dataset.column")
    assert field != "Länge"
    shows(page, head, ["Länge"])
    assert f"in filters {field}" in page.evaluate(f"document.querySelector('{head}').title")
    assert page.evaluate("document.querySelector('#filter').placeholder") == f"{field} gt 10 – {field} is Länge"
    page.click(cell("a", field))
    assert f"in filters {field}" in page.role("textbox", "Länge")["description"]
    text_into(page, "#filter", f"{field} gt 12")
    page.press("Enter")
    rows_are(page, 0)


def test_escape_closes_what_is_open(things, console):
    page = console(things, "#/tables/things")
    rows_are(page, 2)
    text_into(page, "#filter", "name")
    page.click_role("button", "Filter language")
    page.press("Escape")
    has(page, "#filter-help[hidden]")
    assert page.evaluate("document.querySelector('#filter').value") == "name"
    page.click(cell("b", "name"))
    has(page, ".editor")
    page.press("Escape")
    lacks(page, ".editor")
    assert focused(page) == ["b", "name"]


def test_a_narrow_window_hides_nothing(things, console):
    page = console(things, "#/tables/things")
    page.size(380, 700)
    rows_are(page, 2)
    for name in ("Log", "Session", "TodoMVC", "New row", "Sign in"):
        node = page.role("button" if name in ("New row", "Sign in") else "link", name)
        box = page.send("DOM.getBoxModel", backendNodeId=node["backend"])["model"]["content"]
        assert min(box[0::2]) >= 0 and max(box[0::2]) <= 380, (name, box)
    beside = """(() => {
      const [title, button] = ['h1', '.page-head .primary'].map(s => document.querySelector(s).getBoundingClientRect());
      return button.top < title.bottom && title.top < button.bottom;
    })()"""
    assert page.evaluate(beside)


def test_times_have_their_zone(serve, console):
    server = serve("times.db", "--attach", "--web", "127.0.0.1:0", sql="""CREATE TABLE times (
      id TEXT PRIMARY KEY, seen TIMESTAMP); INSERT INTO times VALUES ('a', '2024-02-29T12:00:00Z')""")
    page = console(server, "#/tables/times")
    shows(page, cell("a", "seen"), ["2024-02-29 12:00:00 UTC"])
    server.foreign("UPDATE times SET seen = '2024-02-29T13:00:00Z'")
    page.wait_for("/last at [0-9:]{8} UTC/.test(document.querySelector('[aria-label=Changes]').textContent)",
                  what="the change's time")


def test_the_log_grows(things, console):
    page = console(things, "#/log")
    page.wait_for("document.querySelector('.empty')?.offsetHeight > 0", what="an empty log")
    # What follows is followed: the subscription tells when it has begun by telling of something.
    until(lambda: (things.foreign("UPDATE things SET amount = coalesce(amount, 0) + 0.5 WHERE id = 'a'"),
                   page.texts("[data-column=operation][role=gridcell]"))[1], message="the log shows a change")
    things.foreign("DELETE FROM things WHERE id = 'b'")
    page.wait_for("document.querySelector('[aria-rowindex=\"2\"] [data-column=operation]')?.textContent === 'DELETE'",
                  what="the newest change on top")
    page.click("[aria-rowindex='2'] [data-column=operation]")
    assert "Becher" in page.texts(".panel td")
    page.wait_for("Number(document.querySelector('[data-table=things] .badge').textContent) > 1",
                  what="the number beside the table")


def test_a_session_by_hand(things, console):
    page = console(things, "#/session")
    text_into(page, "#request", '{"get": {"table": "things", "id": "a"}}')
    page.click_role("button", "Send")
    page.wait_for("/Ambos/.test(document.querySelector('.transcript .from')?.textContent)", what="the answer")
    text_into(page, "#request", "{")
    page.click_role("button", "Send")
    page.wait_for("!!document.querySelector('.request [role=alert]').textContent", what="an alert about the JSON")


def test_connections_are_shown(things, console):
    page = console(things, "#/connections")
    page.wait_for("/connection/.test(document.querySelector('.summary').textContent)", what="connections")
    page.wait_for("document.querySelectorAll('table.wide')[1].tBodies[0].rows.length > 0", what="a connection")


def test_a_token_signs_in(serve, console, tmp_path):
    made = run("token", "alice").stdout
    token = re.search("^token: (.*)", made)[1]
    (tmp_path / "tokens.txt").write_text(re.search("line for the token file: (.*)", made)[1] + "\n")
    access = tmp_path / "access.yml"
    access.write_text("credentials: { tokens: tokens.txt }\ntables: { things: { read: 'true' } }\n")
    server = serve("things.db", "--attach", "--access", access, "--web", "127.0.0.1:0", sql=SQL)
    page = console(server, wait=False)
    page.role("dialog", "Sign in")
    # Nothing was tried, and nothing failed.
    shows(page, "#state", ["Sign in"])
    assert page.evaluate("document.body.dataset.state") == "signed-out"
    assert page.text("#sign-in-error") == ""
    page.focus_role("textbox", "Token")
    page.type("wrong")
    page.press("Enter")
    page.wait_for("/CREDENTIALS/.test(document.querySelector('#sign-in-error').textContent)", what="a refusal")
    page.press("Control+a")
    page.type(token)
    page.press("Enter")
    has(page, "[data-table=things]")
    # It is kept for this tab; what no rule allows is not offered.
    page.reload()
    has(page, "[data-table=things]")
    page.click("[data-table=things]")
    rows_are(page, 2)
    assert page.evaluate("[...document.querySelectorAll('button')].find(b => b.textContent === 'New row').disabled")
    page.click(cell("a", "name"))
    page.role("textbox", "name")
    assert not page.roles("button", "Delete")
    page.type("x")
    page.click("[name=name]")
    page.type("x")
    assert page.evaluate("document.querySelector('.editor [type=submit]').disabled")
    assert page.text("#principal") == "alice"
    # Connections are for operators: no empty tables.
    page.evaluate("location.hash = '#/connections'")
    page.wait_for("/operators only/.test(document.querySelector('.page .alert')?.textContent)", what="why not")
    assert page.evaluate("!document.querySelector('.page table').checkVisibility()")
    page.click_role("button", "Sign out")
    page.role("dialog", "Sign in")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_grid_of_any_length(films, console):
    """Ten million rows, more than a browser can lay out one under the other."""
    page = console(films, "#/session")
    page.run("""
      const { Grid } = await import('/console/grid.js');
      class Numbers extends EventTarget {
        total = 10_000_000; known = true;
        row(index) { return { index }; }
        id(index) { return String(index); }
        indexOf(id) { return Number(id); }
      }
      const grid = new Grid({
        label: 'Numbers', columns: [{ name: 'n', title: 'n', width: 100, text: (row) => String(row.index) }],
        source: new Numbers(),
      });
      grid.element.style.height = '600px';
      document.body.prepend(grid.element);
      grid.focus();""")
    for key, expected in [("Control+End", "9999999"), ("ArrowUp", "9999998"), ("PageUp", None),
                          ("Control+Home", "0"), ("ArrowDown", "1")]:
        page.press(key)
        until(lambda: focused(page)[0] is not None, message="the focus in the grid")
        id, name = focused(page)
        assert name == "n" and (expected is None or id == expected), (key, id)
        # What has the focus is in sight, under the head.
        assert page.evaluate("""(() => {
          const cell = document.activeElement.getBoundingClientRect();
          const grid = document.querySelector('[aria-label=Numbers]').getBoundingClientRect();
          return cell.top >= grid.top + 30 && cell.bottom <= grid.bottom + 1;
        })()"""), key
    # The wheel moves by the row also where a pixel stands for many.
    box = page.evaluate("(({x, y}) => [x, y])(document.querySelector('[aria-label=Numbers]').getBoundingClientRect())")
    page.send("Input.dispatchMouseEvent", type="mouseWheel", x=box[0] + 20, y=box[1] + 200, deltaX=0, deltaY=300)
    first = """Math.min(...[...document.querySelectorAll('[aria-label=Numbers] [data-id]')]
      .filter(e => e.getBoundingClientRect().bottom > 60).map(e => Number(e.dataset.id)))"""
    page.wait_for(f"{first} > 0", what="the wheel to move")
    assert page.evaluate(first) < 30
    assert page.evaluate("document.querySelectorAll('[aria-label=Numbers] [data-id]').length") < 60


def test_a_hundred_changes_a_second_block_nothing(films, console):
    page = console(films, "#/tables/movies?order_by=title")
    rows_are(page, 248)
    page.evaluate("""window.blocked = []; window.seen = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) blocked.push(entry.duration);
      }).observe({ entryTypes: ['longtask'] })""")
    connection = films.sqlite()
    for number in range(200):
        # One of four moves to the top.
        title = f"{number:03} " if number % 4 == 0 else ""
        connection.execute("UPDATE movies SET duration = ?, title = ? || title WHERE id = ?",
                           (number, title, f"id-{number:03}"))
        time.sleep(0.01)
    connection.close()
    page.wait_for("/^200 changes/.test(document.querySelector('[aria-label=Changes]').textContent)",
                  what="all changes to be counted")
    until(lambda: column(page, "duration")[:4] == ["0", "4", "8", "12"], message="the rows in their order")
    # On a machine that others use as well a task is longer than its work: not all, but most.
    blocked = sorted(page.evaluate("blocked"))
    assert len(blocked) < 10, blocked


def test_what_the_console_loads_is_small(films, console):
    page = console(films, "#/tables/movies")
    rows_are(page, 248)
    loaded = page.run("""
      const names = performance.getEntriesByType('resource').map(e => e.name)
        .filter(name => /\\.(js|css)$/.test(name));
      const sizes = await Promise.all([location.origin + '/', ...new Set(names)].map(
        async (name) => (await (await fetch(name)).arrayBuffer()).byteLength));
      return [sizes.length, sizes.reduce((a, b) => a + b)];""")
    assert loaded[0] > 10 and loaded[1] <= 200 * 1024, loaded


def test_axe_finds_nothing(films, console):
    page = console(films, "#/tables/movies")
    rows_are(page, 248)
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        for address in ("/todo/", "/#/", "/#/tables/movies", "/#/log", "/#/session", "/#/connections"):
            live(page, pages_of(films) + address)
            page.wait_for("!!document.querySelector('#page-title, .todo-list')", what="the page")
            if "movies" in address:
                rows_are(page, 248)
                page.click("[role=gridcell][data-column=title]")
                has(page, ".editor")
            # Colours that are on their way are neither this nor that.
            page.run("await Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))")
            page.evaluate(f"{AXE}; 0")
            found = page.run("return (await axe.run()).violations"
                             ".map(v => `${v.id}: ${v.nodes.map(n => n.target + ' ' + n.failureSummary).slice(0, 3)}`)")
            assert not found, f"{scheme} {address}: {found}"
