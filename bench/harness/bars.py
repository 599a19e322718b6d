"""What is to be reached, beside what was: each bar is a ratio within a round, or a figure, of one scenario."""

import dataclasses
import statistics

from . import table
from .contenders import OURS

# CPU of a unary call in grpc-swift-2, measured once on such a machine; it is not run here.
GRPC_SWIFT_2_US = 280


@dataclasses.dataclass
class Bar:
    scenario: str
    what: str
    # The least, or else the most, that is wanted.
    wanted: float
    is_least: bool
    # The runs of the scenario, by contender, to one value a round.
    values: object
    unit: str = "×"

    def row(self, results):
        """Cells of the table, or None where the scenario was not run with all that it takes."""
        result = results.get(self.scenario)
        values = self.values(result["runs"]) if result else []
        if not values:
            return None
        middle = statistics.median(values)
        is_met = middle >= self.wanted if self.is_least else middle <= self.wanted
        bound = f"{'at least' if self.is_least else 'at most'} {self.wanted:g} {self.unit}"
        return [self.scenario, self.what, bound,
                f"{table.number(middle)} {self.unit} "
                f"({table.number(min(values))}–{table.number(max(values))})",
                "yes" if is_met else "**no**"]


def ours_over(key, other):
    return lambda runs: table.ratios(runs.get(OURS, []), runs.get(other, []), key)


def over_ours(key, other):
    return lambda runs: table.ratios(runs.get(other, []), runs.get(OURS, []), key)


def own(key, name=OURS, scale=lambda value: value):
    return lambda runs: [scale(run[key]) for run in runs.get(name, []) if run and run.get(key)]


FANOUTS = ["fanout-100", "fanout-1000-10", "fanout-1000-1000"]
ASCENDING, ETCD_PUT = "SQLite in C, ascending keys", "etcd put, 256 in flight"
BARS = [
    Bar("unary", "CPU of a call, of the C limit's", 1.5, False, ours_over("cpu_us", "C limit")),
    Bar("unary", "gRPC C++'s CPU of a call, of ours", 5, True, over_ours("cpu_us", "gRPC C++")),
    Bar("unary", "grpc-swift-2's CPU of a call, of ours", 40, True,
        own("cpu_us", scale=lambda us: GRPC_SWIFT_2_US / us)),
    Bar("stream", "CPU of a message, of the C limit's", 2, False, ours_over("cpu_us", "C limit")),
    Bar("create", "rate, of SQLite in C's with ascending keys", 0.5, True,
        ours_over("rate", ASCENDING)),
    Bar("create", "rate, of etcd's puts", 1.5, True, ours_over("rate", ETCD_PUT)),
    Bar("create", "CPU of a row, of etcd's", 0.5, False, ours_over("cpu_us", ETCD_PUT)),
    Bar("create", "p99", 10_000, False, own("p99_us"), "µs"),
    Bar("get", "rate", 50_000, True, own("rate"), "/s"),
    Bar("query", "rate, of SQLite in C's", 0.6, True, ours_over("rate", "SQLite in C")),
    *[Bar(name, "CPU of a delivery, of the C limit's", 1.5, False, ours_over("cpu_us", "C limit"))
      for name in FANOUTS],
    *[Bar(name, "NATS' CPU of a delivery, of ours", 1, True, over_ours("cpu_us", "NATS"))
      for name in FANOUTS],
    *[Bar(name, "Redis' CPU of a delivery, of ours", 1, True, over_ours("cpu_us", "Redis"))
      for name in FANOUTS[:2]],
    *[Bar(name, "etcd's CPU of a delivery, of ours", 5, True, over_ours("cpu_us", "etcd"))
      for name in FANOUTS],
    Bar("latency", "p50 from write to event, of etcd's", 0.5, False, ours_over("p50_us", "etcd")),
    Bar("latency", "p50 with synchronous=NORMAL", 150, False, own("p50_us", "datasync, NORMAL"), "µs"),
    Bar("idle", "a session with one subscription", 40, False, own("session_kib"), "KiB"),
    Bar("idle", "a subscription more", 1, False, own("subscription_kib"), "KiB"),
    Bar("ready", "start to ready", 50, False, own("ready_ms"), "ms"),
    Bar("replay", "rate", 500_000, True, own("rate"), "/s"),
]


def text(results):
    """The bars of what was run, as a Markdown table."""
    by_name = {result["name"]: result for result in results}
    rows = [row for bar in BARS if (row := bar.row(by_name))]
    if not rows:
        return ""
    head = ["scenario", "bar", "wanted", "median (least–most)", "reached"]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * 5, *rows])
