"""The harness itself: what it says of a page is so, and what goes wrong in a page is told."""

import pytest

from browser import PageError

PAGE = (
    "data:text/html,<title>x</title><input aria-label=Name>"
    "<button onclick='this.textContent = String(1 + Number(this.textContent))'>1</button>"
)


def test_hands_and_eyes(window):
    page = window(PAGE)
    page.click("button")
    page.double_click("button")
    page.click_role("button", "4")
    assert page.texts("button") == ["5"]
    page.focus_role("textbox", "Name")
    page.type("gone")
    page.press("Control+a")
    page.press("Backspace")
    page.type("日本")
    page.press("Space")
    page.press("x")
    assert page.role("textbox", "Name")["value"] == "日本 x"


def test_what_a_page_throws_is_told(window):
    page = window(PAGE)
    with pytest.raises(PageError, match="Error: no"):
        page.run("throw new Error('no')")
    page.evaluate("setTimeout(() => { throw new Error('late') })")
    page.wait_for("true")
    page.run("await new Promise(resolve => setTimeout(resolve))")
    assert any("late" in error for error in page.errors)
    with pytest.raises(AssertionError, match="no the moon"):
        page.wait_for("false", 0.2, "the moon")
