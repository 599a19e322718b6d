"""How long the machine kept this process waiting: server and clients share its processors."""

import threading
import time

STEP = 0.2


class Lateness:
    """Sleeps in small steps on a thread of its own, and notes how late it woke."""

    def __init__(self):
        self._found = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._is_over.is_set():
            began = time.monotonic()
            time.sleep(STEP)
            now = time.monotonic()
            self._found.append((now, now - began - STEP))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), f"a sleep of {STEP} s did not end within a minute"

    def between(self, earlier, later):
        """Seconds lost in that time."""
        return sum(late for at, late in self._found if earlier <= at <= later + STEP)
