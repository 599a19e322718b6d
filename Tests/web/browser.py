"""A real Chromium, driven by its DevTools protocol. Every wait has a deadline and says what for."""

import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

START_SECONDS = 60
SECONDS = 20
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    # The tests run as root, in containers, on machines without a graphics card.
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", "--no-first-run", "--no-default-browser-check",
    # Nothing but the page asks for anything.
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--metrics-recording-only",
    # A page behind another is as quick as one in front.
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding", "--mute-audio", "--hide-scrollbars", "--lang=en-US",
]
# Names of keys as `press` takes them: (key, code, virtual key code, text).
KEYS = {
    "Enter": ("Enter", "Enter", 13, "\r"), "Escape": ("Escape", "Escape", 27, ""),
    "Tab": ("Tab", "Tab", 9, ""), "Backspace": ("Backspace", "Backspace", 8, ""),
    "Delete": ("Delete", "Delete", 46, ""), "Space": (" ", "Space", 32, " "),
    "ArrowLeft": ("ArrowLeft", "ArrowLeft", 37, ""), "ArrowUp": ("ArrowUp", "ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", "ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", "ArrowDown", 40, ""), "Home": ("Home", "Home", 36, ""),
    "End": ("End", "End", 35, ""), "PageUp": ("PageUp", "PageUp", 33, ""),
    "PageDown": ("PageDown", "PageDown", 34, ""), "F2": ("F2", "F2", 113, ""),
}
MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


class PageError(Exception):
    """What an expression in a page threw."""


def program():
    """The browser to drive, or None where there is none."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process with a profile of its own; `page` and `context` make what tests use."""

    def __init__(self, *flags):
        self._profile = tempfile.mkdtemp(prefix="datasync-browser-")
        self._log = open(pathlib.Path(self._profile) / "stderr", "wb")
        self._process = subprocess.Popen(
            [program(), *FLAGS, *flags, f"--user-data-dir={self._profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log,
        )
        self._replied = threading.Condition()
        self._replies, self._listeners, self._ids = {}, {}, 0
        self._socket = None
        self._open = contextlib.ExitStack()
        try:
            self._socket = self._open.enter_context(
                connect(self._endpoint(), max_size=None, compression=None))
        except BaseException:
            self.close()
            raise
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _endpoint(self):
        """The address that the browser writes into its profile once it listens."""
        path = pathlib.Path(self._profile) / "DevToolsActivePort"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            lines = path.read_text().split("\n") if path.exists() else []
            if len(lines) == 2 and lines[1]:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            assert self._process.poll() is None, f"the browser ended: {self._stderr()}"
            time.sleep(0.02)
        raise AssertionError(f"the browser did not start in {START_SECONDS} s: {self._stderr()}")

    def _stderr(self):
        return (pathlib.Path(self._profile) / "stderr").read_text(errors="replace")[-2000:]

    def _read(self):
        try:
            for text in self._socket:
                message = json.loads(text)
                if "id" in message:
                    with self._replied:
                        self._replies[message["id"]] = message
                        self._replied.notify_all()
                else:
                    listener = self._listeners.get(message.get("sessionId"))
                    if listener:
                        listener(message["method"], message["params"])
        except ConnectionClosed:
            pass
        with self._replied:
            self._replies = None
            self._replied.notify_all()

    def send(self, method, session=None, seconds=SECONDS, **parameters):
        """One command of the protocol; its result."""
        with self._replied:
            self._ids += 1
            number = self._ids
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        deadline = time.monotonic() + seconds
        with self._replied:
            while self._replies is not None and number not in self._replies:
                left = deadline - time.monotonic()
                assert left > 0, f"the browser did not answer {method} in {seconds} s"
                self._replied.wait(left)
            assert self._replies is not None, f"the browser ended: {self._stderr()}"
            reply = self._replies.pop(number)
        if "error" in reply:
            raise PageError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    @contextlib.contextmanager
    def context(self):
        """Storage of its own, as a private window has; gives a function that makes pages in it."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        pages = []

        def page(url=None, **options):
            pages.append(Page(self, context, **options))
            if url:
                pages[-1].goto(url)
            return pages[-1]

        try:
            yield page
        finally:
            self.send("Target.disposeBrowserContext", browserContextId=context)

    def close(self):
        if self._socket:
            with contextlib.suppress(Exception):
                self.send("Browser.close", seconds=5)
            self._open.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait(10)
        self._log.close()
        shutil.rmtree(self._profile, ignore_errors=True)


class Page:
    """One tab. `console` and `errors` keep what it said and what it did not catch."""

    def __init__(self, browser, context, width=1280, height=800):
        self.browser = browser
        self.console, self.errors = [], []
        self._target = browser.send(
            "Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self._session = browser.send(
            "Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        browser._listeners[self._session] = self._heard
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.send(f"{domain}.enable")
        self.size(width, height)

    def send(self, method, seconds=SECONDS, **parameters):
        return self.browser.send(method, self._session, seconds, **parameters)

    def _heard(self, method, parameters):
        if method == "Runtime.consoleAPICalled":
            values = [a.get("value", a.get("description", "")) for a in parameters["args"]]
            self.console.append(f"{parameters['type']}: {' '.join(map(str, values))}")
        elif method == "Runtime.exceptionThrown":
            self.errors.append(thrown(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            entry = parameters["entry"]
            self.console.append(f"log: {entry['text']} {entry.get('url', '')}")

    # -- going and looking

    def goto(self, url, seconds=SECONDS):
        """Goes there and waits until the page has loaded."""
        answer = self.send("Page.navigate", url=url, seconds=seconds)
        assert not answer.get("errorText"), f"{url}: {answer['errorText']}"
        self.wait_for("document.readyState === 'complete'", seconds, f"{url} to load")

    def reload(self):
        self.evaluate("window.__before_reload = true")
        self.send("Page.reload")
        self.wait_for(
            "!window.__before_reload && document.readyState === 'complete'", what="the reload")

    def evaluate(self, expression, seconds=SECONDS):
        """The value of an expression, awaited where it is a promise."""
        answer = self.send(
            "Runtime.evaluate", seconds=seconds, expression=expression, awaitPromise=True,
            returnByValue=True, userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise PageError(thrown(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def run(self, body, seconds=SECONDS):
        """The result of the body of an async function."""
        return self.evaluate(f"(async () => {{ {body} }})()", seconds)

    def wait_for(self, expression, seconds=SECONDS, what=None):
        """Waits until an expression is true in some way; its value."""
        deadline = time.monotonic() + seconds
        last = None
        while True:
            try:
                last = self.evaluate(expression, max(0.1, deadline - time.monotonic()))
                if last:
                    return last
            except PageError as error:  # The page may be between two documents.
                last = error
            assert time.monotonic() < deadline, (
                f"no {what or expression} in {seconds} s; last {last!r}; errors {self.errors};"
                f" console {self.console[-5:]}")
            time.sleep(0.02)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector):
        """The text of each element that matches."""
        return self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent)")

    # -- hands

    def click(self, selector, count=1, seconds=SECONDS):
        """A click of the mouse where the element is once it is shown and stands still."""
        place = f"""(() => {{
          const element = document.querySelector({json.dumps(selector)});
          if (!element) return null;
          element.scrollIntoView({{block: 'nearest', inline: 'nearest'}});
          const box = element.getBoundingClientRect();
          if (!box.width || !box.height) return null;
          return [box.x + box.width / 2, box.y + box.height / 2];
        }})()"""
        self._click_at(self.wait_for(place, seconds, f"element {selector}"), count)

    def double_click(self, selector):
        self.click(selector, count=2)

    def hover(self, selector):
        x, y = self.wait_for(f"""(() => {{
          const box = document.querySelector({json.dumps(selector)})?.getBoundingClientRect();
          return box && [box.x + box.width / 2, box.y + box.height / 2];
        }})()""", what=f"element {selector}")
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def _click_at(self, place, count):
        x, y = place
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for number in range(1, count + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.send(
                    "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                    clickCount=number)

    def type(self, text):
        """Text into what has the focus, as if pasted letter by letter."""
        for letter in text:
            self.send("Input.insertText", text=letter)

    def compose(self, text):
        """Text as an input method shows it before it is confirmed."""
        self.send(
            "Input.imeSetComposition", text=text, selectionStart=len(text), selectionEnd=len(text))

    def press(self, keys):
        """A key, or several held together: "Enter", "Control+a", "Shift+Tab"."""
        *held, name = keys.split("+") if keys != "+" else ["+"]
        modifiers = sum(MODIFIERS[one] for one in held)
        upper = name.upper()
        key, code, number, text = KEYS.get(
            name, (name, f"Key{upper}", ord(upper[0]), name))
        down = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        if text and not modifiers & ~MODIFIERS["Shift"]:
            down["text"] = text
        # Control+a selects all only where the browser is told the command.
        if keys == "Control+a":
            down["commands"] = ["selectAll"]
        self.send("Input.dispatchKeyEvent", type="keyDown", **down)
        down.pop("text", None), down.pop("commands", None)
        self.send("Input.dispatchKeyEvent", type="keyUp", **down)

    # -- as a screen reader sees it

    def roles(self, role, name=None):
        """The nodes with a role, and a name (a string, or a pattern), as the accessibility tree has
        them: each with `name`, `value`, `description` and `properties`."""
        root = self.send("DOM.getDocument", depth=0)["root"]["nodeId"]
        query = {"nodeId": root, "role": role}
        if isinstance(name, str):
            query["accessibleName"] = name
        nodes = []
        for found in self.send("Accessibility.queryAXTree", **query)["nodes"]:
            if found.get("ignored"):
                continue
            node = {
                key: found.get(key, {}).get("value") for key in ("name", "value", "description")}
            if isinstance(name, re.Pattern) and not name.search(node["name"] or ""):
                continue
            node["properties"] = {
                one["name"]: one["value"].get("value") for one in found.get("properties", [])}
            node["backend"] = found["backendDOMNodeId"]
            nodes.append(node)
        return nodes

    def role(self, role, name=None, seconds=SECONDS):
        """The one node with that role and name; waits for it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.roles(role, name)
            if len(found) == 1:
                return found[0]
            assert time.monotonic() < deadline, (
                f"{len(found)} of role {role} named {name!r} after {seconds} s, expected one;"
                f" there are {[node['name'] for node in self.roles(role)]}")
            time.sleep(0.02)

    def click_role(self, role, name=None, count=1):
        """Clicks the node with that role and name."""
        node = self.role(role, name)
        self.send("DOM.scrollIntoViewIfNeeded", backendNodeId=node["backend"])
        box = self.send("DOM.getBoxModel", backendNodeId=node["backend"])["model"]["content"]
        self._click_at((sum(box[0::2]) / 4, sum(box[1::2]) / 4), count)

    def focus_role(self, role, name=None):
        self.send("DOM.focus", backendNodeId=self.role(role, name)["backend"])

    # -- the world around it

    def offline(self, is_offline=True):
        """Cuts the page off the network, its workers and sockets too, or lets it back."""
        self.send(
            "Network.emulateNetworkConditions", offline=is_offline, latency=0,
            downloadThroughput=-1, uploadThroughput=-1)

    def size(self, width, height, mobile=False):
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=mobile)

    def scheme(self, scheme):
        """"light" or "dark"."""
        self.send("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        data = self.send("Page.captureScreenshot", format="png", seconds=30)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self.browser._listeners.pop(self._session, None)
        self.browser.send("Target.closeTarget", targetId=self._target)


def thrown(details):
    exception = details.get("exception", {})
    return exception.get("description") or str(exception.get("value", details["text"]))
