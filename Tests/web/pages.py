"""The pages that the server has inside: where they are, and what tests wait for on them."""

import json

from served import web_port


def pages_of(server):
    """The address of the server's pages, whose port `--web 127.0.0.1:0` chose."""
    return f"http://127.0.0.1:{web_port(server)}"


def live(page, url):
    """The page there, once it has a connection."""
    page.goto(url)
    page.wait_for("document.body.dataset.state === 'live'", what="the page to be live")
    return page


def shows(page, selector, texts, seconds=20):
    """Waits until the elements that match have these texts."""
    page.wait_for(
        f"JSON.stringify([...document.querySelectorAll({json.dumps(selector)})]"
        f".map(e => e.textContent)) === JSON.stringify({json.dumps(texts)})",
        seconds, f"{selector} with {texts}",
    )


def has(page, selector, seconds=20):
    page.wait_for(f"!!document.querySelector({json.dumps(selector)})", seconds, f"element {selector}")


def lacks(page, selector, seconds=20):
    page.wait_for(f"!document.querySelector({json.dumps(selector)})", seconds, f"end of {selector}")


def quiet(page):
    """Nothing went wrong in the page that nobody saw, and its policy stopped nothing."""
    assert not page.errors, page.errors
    stopped = [line for line in page.console if "Content Security Policy" in line or "Trusted" in line]
    assert not stopped, stopped


def text_into(page, selector, text):
    """Writes a text where another stood."""
    page.click(selector)
    page.press("Control+a")
    page.press("Backspace")
    page.type(text)
