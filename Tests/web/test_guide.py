"""docs/browser.md: each piece of its code is run in a page, in its order, and does what it says.

An HTML comment before a piece says how to see that it has.
"""

import re

import pytest

from server import ROOT, run

# Everybody may do everything, signed in or not.
ACCESS = """
credentials: { tokens: tokens.txt }
anonymous: { roles: [] }
tables:
  todo_items: { read: 'true', create: 'true', update: 'true', delete: 'true' }
"""
GUIDE = ROOT / "docs" / "browser.md"
PIECE = re.compile(r"^(?:<!-- until: ([^\n]+) -->\n)?```js\n(.*?)^```$", re.M | re.S)
SCHEMA = re.compile(r"^<!-- schema -->\n```sql\n(.*?)^```$", re.M | re.S)


def pieces():
    text = GUIDE.read_text()
    found = PIECE.findall(text)
    assert len(found) == text.count("```js") > 5
    return found


def in_page(code):
    """The same where each piece is a function: what it declares is the page's."""
    code = re.sub(
        r"^import (\{[^}]*\}) from ('[^']*')$", r"Object.assign(window, await import(\2))", code,
        flags=re.M)
    code = re.sub(r"^async function (\w+)", r"window.\1 = async function \1", code, flags=re.M)
    code = re.sub(r"^(?:const|let) (\w+)$", r"window.\1 = undefined", code, flags=re.M)
    code = re.sub(r"^(?:const|let) \[(\w+)\] = ", r";[window.\1] = ", code, flags=re.M)
    return re.sub(r"^(?:const|let) (\w+) = ", r"window.\1 = ", code, flags=re.M)


@pytest.fixture
def page(site, window, tmp_path):
    token, line = run("token", "alice").stdout.splitlines()
    (tmp_path / "tokens.txt").write_text(line.split(": ", 1)[1] + "\n")
    (tmp_path / "access.yml").write_text(ACCESS)
    (tmp_path / "schema.sql").write_text(SCHEMA.search(GUIDE.read_text())[1])
    served = site(tmp_path / "schema.sql", "--access", tmp_path / "access.yml")
    page = window(f"{served.url}/datasync.js")
    page.evaluate(f"window.fetchToken = () => '{token.split(': ', 1)[1]}'")
    return page


def test_every_piece_does_what_it_says(page):
    for until, code in pieces():
        assert until, f"nothing says what comes of\n{code}"
        code = in_page(code)
        # What it declares is not there yet.
        for name in re.findall(r"^;?\[?window\.(\w+)", code, re.M):
            page.evaluate(f"window.{name} ??= undefined")
        page.run(code)
        page.wait_for(until, what=f"{until} after\n{code}")
        assert page.errors == [], code
