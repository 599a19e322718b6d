"""screenshots.py FOLDER: pictures of the pages, for README and docs; tools/screenshots runs it."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "acceptance"))

from browser import Browser  # noqa: E402
from conftest import demo_database  # noqa: E402
from pages import has, lacks, live, pages_of, shows  # noqa: E402
from server import Server  # noqa: E402


def settle(page):
    """What is on its way has arrived."""
    page.run("await Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))")


def shoot(page, folder, name):
    settle(page)
    page.screenshot(folder / f"{name}.png")
    print(folder / f"{name}.png")


def console(page, url, server, folder):
    live(page, f"{url}/#/tables/movies?filter=year%20ge%201994&order_by=rating%2C%20title")
    page.wait_for("document.querySelectorAll('[role=row][data-id]').length > 20", what="the films")
    page.click("[role=row][data-id='id-074'] [data-column=title], [aria-rowindex='6'] [data-column=title]")
    has(page, ".editor")
    server.foreign("UPDATE movies SET duration = duration + 1 WHERE year >= 1994 AND id LIKE '%4'")
    page.wait_for("/^[1-9]/.test(document.querySelector('[aria-label=Changes]').textContent)", what="changes")
    shoot(page, folder, "console")
    page.scheme("dark")
    shoot(page, folder, "console-dark")
    page.scheme("light")


def conflict(page, url, server, folder):
    live(page, f"{url}/#/tables/movies")
    page.double_click("[role=row][data-id='id-003'] [data-column=title]")
    has(page, "[name=title]:focus")
    page.press("Control+a")
    page.type("Pulp Fiction (1994)")
    server.foreign("UPDATE movies SET title = 'Pulp Fiction, restored' WHERE id = 'id-003'")
    shows(page, "[data-id='id-003'] [data-column=title]", ["Pulp Fiction, restored"])
    page.click_role("button", "Save")
    page.role("dialog", "Conflict")
    shoot(page, folder, "conflict")
    page.click_role("button", "Take theirs")


def todos(page, url, folder):
    live(page, f"{url}/todo/")
    for title in ("Buy milk", "牛乳を買う", "Call the plumber"):
        page.click(".new-todo")
        page.type(title)
        page.press("Enter")
    page.wait_for("document.querySelectorAll('.todo-list li').length === 3", what="three todos")
    page.click(".todo-list li .toggle")
    has(page, "li.completed")
    lacks(page, "li.pending")
    shoot(page, folder, "todo")


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        database = pathlib.Path(work) / "demo.db"
        demo_database(database)
        server = Server(database, "--attach", "--web", "127.0.0.1:0").start()
        browser = Browser()
        try:
            with browser.context() as page:
                url = pages_of(server)
                console(page(width=1280, height=720), url, server, folder)
                conflict(page(width=1280, height=720), url, server, folder)
                todos(page(width=720, height=480), url, folder)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
