"""The bystander as tests see it, and what its latencies come to."""

import json
import pathlib
import subprocess
import sys

from attack import line_of

PROCESS = pathlib.Path(__file__).with_name("bystander_process.py")
# A request that takes longer kept others from being made at all: one for each such time.
EXPECTED_INTERVAL = 0.01
# Longer than a request of the bystander may take.
PATIENCE = 120


class Bystander:
    """A process that gets and replaces a row of a table."""

    def __init__(self, table):
        self.process = subprocess.Popen(
            [sys.executable, str(PROCESS), table], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, words):
        """Gives an order; returns what was measured before it."""
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer = json.loads(line_of(self.process, f"the bystander's answer to {words}", PATIENCE))
        assert "error" not in answer, f"the bystander at {words}: {answer['error']}"
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)
        self.process.stdout.close()


class Figures:
    """Percentiles of the seconds that requests of one kind took."""

    def __init__(self, seconds):
        self.count = len(seconds)
        self.seconds = sorted(all_kept_waiting(seconds))

    def at(self, share):
        """The latency that this share of requests is within."""
        assert self.seconds, "no request was made"
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * share))]

    @property
    def p99(self):
        return self.at(0.99)

    @property
    def worst(self):
        return self.seconds[-1]

    def __str__(self):
        if not self.seconds:
            return "none"
        return (
            f"{self.at(0.5) * 1000:.1f}/{self.p99 * 1000:.1f}/{self.worst * 1000:.1f} ms"
            f" ({self.count})"
        )


def all_kept_waiting(seconds):
    """The requests that were made, and those that would have been: a closed loop that waits for ten
    seconds makes one request where it would have made a thousand."""
    for each in seconds:
        while each > 0:
            yield each
            each -= EXPECTED_INTERVAL


def figures(taken, kind, since=0.0, until=float("inf")):
    """Of the requests of a kind that were asked between two moments."""
    return Figures([took for at, took in taken["calls"][kind] if since <= at <= until])
