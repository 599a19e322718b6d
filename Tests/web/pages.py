"""The pages that the server has inside: where they are, and what tests wait for on them."""

import json
import re

from server import until

WEB_READY = re.compile(r"^datasync web listening on (\S+:\d+)$")


def site(server):
    """The address of the server's pages, which `--web 127.0.0.1:0` chose."""

    def found():
        return next((m[1] for m in map(WEB_READY.match, server.output) if m), None)

    return f"http://{until(found, message=f'no line for the web: {server.output}')}"


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
