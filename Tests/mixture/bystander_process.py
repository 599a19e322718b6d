"""A well-behaved client in a process of its own: gets and replaces one row without pause.

    python bystander_process.py TABLE

Each line of its standard input is an order, answered with a line of JSON: `at HOST:PORT` connects and
begins, `take` gives what was measured since the last time, `rest` does nothing until the next `at`.
It ends with its input.
"""

import json
import select
import sys
import time

import paths

sys.path[:0] = paths.SHARED

from errors import Refused  # noqa: E402
from recording import RecordedSession  # noqa: E402
from server import Server  # noqa: E402
from session import Ended  # noqa: E402

PAUSE = 0.005
# More than this is no latency any more.
PATIENCE = 90


class Bystander:
    """One session and its row; measures how long each request takes."""

    def __init__(self, table):
        self.table = table
        self.session = None
        self.count = 0
        # The number of the last write that was answered.
        self.written = 0
        self.forget()

    def forget(self):
        # (when it was asked, seconds), by kind.
        self.calls = {"get": [], "replace": []}
        self.refusals = []
        # How late it woke from each pause: what the machine adds.
        self.late = []

    def connect(self, address):
        self.rest()
        server = Server("elsewhere")
        server.address = address
        self.session = RecordedSession(server, "bystander")

    def rest(self):
        if self.session is not None:
            self.session.close()
            self.session = None

    def work(self):
        """Both requests once."""
        self.count += 1
        entity = self.session.contract.entity(self.table, id="b", mark=f"b{self.count}")
        if self.ask("replace", entity=entity, allow_missing=True):
            self.written = self.count
        self.ask("get", table=self.table, id="b")

    def ask(self, kind, **fields):
        began = time.monotonic()
        try:
            self.session.answer(self.session.send(kind, **fields), PATIENCE)
        except Refused as error:
            self.refusals.append((began, kind, error.reason or error.code, str(error)))
            return False
        except Ended as error:
            self.refusals.append((began, kind, "ENDED", str(error)))
            self.rest()
            raise
        self.calls[kind].append((began, time.monotonic() - began))
        return True

    def obey(self, order):
        word, *rest = order.split()
        if word == "at":
            self.connect(*rest)
            self.work()
        elif word == "rest":
            self.rest()
        taken = {
            "calls": self.calls, "refusals": self.refusals, "late": self.late, "written": self.written,
        }
        self.forget()
        return taken


def main(table):
    bystander = Bystander(table)
    while True:
        resting, began = bystander.session is None, time.monotonic()
        if select.select([sys.stdin], [], [], None if resting else PAUSE)[0]:
            order = sys.stdin.readline()
            if not order:
                return
            try:
                answer = bystander.obey(order)
            except Exception as error:
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)
        elif not resting:
            bystander.late.append(time.monotonic() - began - PAUSE)
            try:
                bystander.work()
            except Ended:
                pass


if __name__ == "__main__":
    main(sys.argv[1])
