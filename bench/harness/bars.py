"""What is to be reached, beside what was: each bar is a ratio within a round, or a figure, of one scenario."""

import dataclasses
import statistics

from . import foreign, table
from .contenders import BESIDE, OURS, WITHIN

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


def worst(ratios):
    """Of several lists of ratios, the one with the highest median."""
    return max((values for values in ratios if values), key=statistics.median, default=[])


def beside_over_within(runs):
    return table.ratios(runs.get(BESIDE, []), runs.get(WITHIN, []), "cpu_us")


def sizes_in(runs, name):
    """Sizes of which there are runs, ascending."""
    return [rows for rows in (10_000, 100_000, 1_000_000) if runs.get(name(rows))]


def attached_over_bare(unit):
    """Of all sizes and operations, the worst."""
    return lambda runs: worst(
        table.ratios(runs[foreign.writer(True, rows)], runs.get(foreign.writer(False, rows), []),
                     f"{operation}_{unit}")
        for rows in sizes_in(runs, lambda rows: foreign.writer(True, rows))
        for operation in foreign.OPERATIONS)


def largest_over_smallest(runs):
    """Time of a row where the tables are attached; of all operations, the worst."""
    sizes = sizes_in(runs, lambda rows: foreign.writer(True, rows))
    if len(sizes) < 2:
        return []
    least, most = (runs[foreign.writer(True, rows)] for rows in (sizes[0], sizes[-1]))
    return worst(table.ratios(most, least, f"{operation}_us") for operation in foreign.OPERATIONS)


def of_adoption(key):
    """Of all sizes, the worst."""
    return lambda runs: worst(
        [run[key] for run in runs[foreign.adopter(rows)] if run]
        for rows in sizes_in(runs, foreign.adopter))


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
    *[Bar(f"beside-{name}", f"CPU of a {unit} beside, of one within", most, False, beside_over_within)
      for name, unit, most in [
          ("create", "row", 1.3), ("get", "row", 1.2), ("query", "query", 1.25),
          ("filter", "query", 1.25), ("fanout", "delivery", 1.05), ("replay", "change", 1.05)]],
    *[bar for key in foreign.KEYS for bar in [
        Bar(f"foreign-{key}", "time of a row, of the bare statement's; the worst", 2.5, False,
            attached_over_bare("us")),
        Bar(f"foreign-{key}", "CPU of a row, of the bare statement's; the worst", 2.5, False,
            attached_over_bare("cpu_us")),
        Bar(f"foreign-{key}", "time of a row of the most, of that of 10,000; the worst", 1.5, False,
            largest_over_smallest)]],
    Bar("foreign-adoption", "commit to checkpoint, of the time to write", 2, False,
        of_adoption("over_write")),
    Bar("foreign-adoption", "growth of the server's memory", 96, False, of_adoption("growth_mib"),
        "MiB"),
    Bar("foreign-attach", "1,000 tables, of the time for 100", 12, False,
        lambda runs: table.ratios(runs.get("1,000 tables", []), runs.get("100 tables", []), "ms")),
]


def text(results):
    """The bars of what was run, as a Markdown table."""
    by_name = {result["name"]: result for result in results}
    rows = [row for bar in BARS if (row := bar.row(by_name))]
    if not rows:
        return ""
    head = ["scenario", "bar", "wanted", "median (least–most)", "reached"]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * 5, *rows])
