"""TodoMVC, after its specification, in two windows on one server."""

import shutil
import socket

import pytest

from pages import has, lacks, live, pages_of, quiet, shows
from server import until

LABELS = ".todo-list label"


@pytest.fixture
def server(demo_template, serve, tmp_path):
    shutil.copy(demo_template, tmp_path / "todo.db")
    # It is killed and comes back, at the same address.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = "%s:%d" % probe.getsockname()
    return serve("todo.db", "--attach", "--web", address)


@pytest.fixture
def windows(server, chromium):
    """Two windows of two people: what one does, the other sees."""
    url = f"{pages_of(server)}/todo/"
    with chromium.context() as one, chromium.context() as other:
        pages = [live(one(), url), live(other(), url)]
        yield pages
        for page in pages:
            quiet(page)


def add(page, *titles):
    for title in titles:
        page.click(".new-todo")
        page.type(title)
        page.press("Enter")


def both(pages, titles):
    for page in pages:
        shows(page, LABELS, titles)


def counter(page, text):
    shows(page, ".todo-count", [text])


def test_todos_are_made_and_counted(windows):
    one, other = windows
    # Nothing is there: neither list nor footer; what is new has the focus.
    for page in windows:
        assert page.evaluate(
            "['.main', '.footer'].map(s => getComputedStyle(document.querySelector(s)).display)"
        ) == ["none", "none"]
    assert one.evaluate("document.activeElement.className") == "new-todo"
    add(one, "  Buy milk  ")
    both(windows, ["Buy milk"])
    counter(other, "1 item left")
    assert one.evaluate("document.querySelector('.new-todo').value") == ""
    # What is empty makes nothing.
    add(one, "   ")
    add(other, "牛乳を買う")
    both(windows, ["Buy milk", "牛乳を買う"])
    counter(one, "2 items left")
    # The Enter that confirms an input method's text belongs to it.
    one.click(".new-todo")
    one.evaluate("""document.querySelector('.new-todo').dispatchEvent(
      new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))""")
    one.type("たまご")
    one.evaluate("""document.querySelector('.new-todo').dispatchEvent(
      new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))""")
    assert one.evaluate("document.querySelector('.new-todo').value.trim()") == "たまご"
    one.press("Enter")
    both(windows, ["Buy milk", "牛乳を買う", "たまご"])


def test_todos_are_done_and_cleared(windows):
    one, other = windows
    add(one, "a", "b", "c")
    both(windows, ["a", "b", "c"])
    one.click(".todo-list li:nth-child(2) .toggle")
    shows(other, "li.completed label", ["b"])
    counter(other, "2 items left")
    # All at once; the box follows when one is no longer done.
    other.click(".toggle-all")
    for page in windows:
        shows(page, "li.completed label", ["a", "b", "c"])
        counter(page, "0 items left")
        page.wait_for("document.querySelector('.toggle-all').checked", what="the box for all")
    one.click(".todo-list li:nth-child(1) .toggle")
    other.wait_for("!document.querySelector('.toggle-all').checked", what="the box to be empty")
    counter(other, "1 item left")
    one.click(".clear-completed")
    both(windows, ["a"])
    assert other.evaluate("document.querySelector('.clear-completed').hidden")
    one.hover(".todo-list li")
    one.click(".destroy")
    both(windows, [])
    has(other, ".footer[hidden]")


def test_todos_are_edited(windows):
    one, other = windows
    add(one, "a", "b")
    both(windows, ["a", "b"])
    one.double_click(".todo-list li:nth-child(1) label")
    has(one, "li.editing .edit:focus")
    assert one.evaluate("document.activeElement.value") == "a"
    # What changes elsewhere takes nothing away from who is writing.
    one.type("1")
    other.click(".todo-list li:nth-child(2) .toggle")
    shows(one, "li.completed label", ["b"])
    assert one.evaluate("document.activeElement.value") == "a1"
    one.press("Enter")
    both(windows, ["a1", "b"])
    lacks(one, "li.editing")
    # Escape gives up; leaving the line keeps, trimmed.
    one.double_click(".todo-list li:nth-child(1) label")
    one.type("2")
    one.press("Escape")
    lacks(one, "li.editing")
    # Writes go in order: with the next one in sight, none of before is on its way.
    add(one, "z")
    both(windows, ["a1", "b", "z"])
    one.double_click(".todo-list li:nth-child(1) label")
    one.press("Control+a")
    one.type("  c  ")
    one.click(".new-todo")
    both(windows, ["c", "b", "z"])
    # By keyboard, and empty: it is gone.
    one.evaluate("document.querySelector('.todo-list .toggle').focus()")
    one.press("Enter")
    one.press("Control+a")
    one.press("Backspace")
    one.press("Enter")
    both(windows, ["b", "z"])


def test_a_row_is_two_stops_of_tab(windows):
    one, other = windows
    add(one, "a", "b")
    both(windows, ["a", "b"])
    one.click(".new-todo")
    stops = []
    for _ in range(5):
        one.press("Tab")
        stops.append(one.evaluate("document.activeElement.className"))
    assert stops == ["toggle-all", "toggle", "destroy", "toggle", "destroy"]
    one.press("Enter")
    both(windows, ["a"])


def test_addresses_filter(windows):
    one, other = windows
    add(one, "a", "b")
    both(windows, ["a", "b"])
    one.click(".todo-list li:nth-child(1) .toggle")
    shows(other, "li.completed label", ["a"])
    other.click("a[href='#/completed']")
    shows(other, LABELS, ["a"])
    shows(other, ".filters .selected", ["Completed"])
    one.click("a[href='#/active']")
    shows(one, LABELS, ["b"])
    counter(one, "1 item left")
    # What no longer fits leaves; a page that is opened anew stands where it stood.
    one.click(".toggle")
    shows(one, LABELS, [])
    shows(other, LABELS, ["a", "b"])
    other.reload()
    shows(other, LABELS, ["a", "b"])
    shows(other, ".filters .selected", ["Completed"])
    other.evaluate("history.back()")
    shows(other, ".filters .selected", ["All"])


def test_what_is_written_offline_waits_and_is_sent(server, windows):
    one, other = windows
    add(one, "before")
    both(windows, ["before"])
    server.kill()
    for page in windows:
        page.wait_for("document.body.dataset.state !== 'live'", what="the page to notice")
    other.wait_for("/^(Offline. What you change is kept here|Connecting)/.test(document.querySelector('.sync').textContent)",
                   what="the status to say what being offline means")
    add(one, "meanwhile")
    one.click(".todo-list li:nth-child(1) .toggle")
    shows(one, LABELS, ["before", "meanwhile"])
    shows(one, "li.completed label", ["before"])
    one.wait_for("/2 changes wait/.test(document.querySelector('.sync').textContent)",
                 what="the status to tell what waits")
    assert other.texts(LABELS) == ["before"]
    server.start()
    both(windows, ["before", "meanwhile"])
    shows(other, "li.completed label", ["before"])
    shows(one, ".sync", [""])
    assert sorted(server.foreign("SELECT title, completed FROM todo_items")) == [
        ("before", 1), ("meanwhile", 0)]


def test_without_its_table_the_page_says_how_to_make_it(serve, window):
    server = serve("empty.db", "--attach", "--web", "127.0.0.1:0",
                   sql="CREATE TABLE other (id TEXT PRIMARY KEY)")
    page = live(window(), f"{pages_of(server)}/todo/")
    has(page, ".missing:not([hidden])")
    sql = page.text(".missing pre")
    server.foreign(sql)
    page.wait_for("document.querySelector('.missing').hidden", 30, "the table to be found")
    add(page, "first")
    shows(page, LABELS, ["first"])
    until(lambda: server.foreign("SELECT title FROM todo_items") == [("first",)],
          message="the todo is not in the table that the page had asked for")
    quiet(page)
