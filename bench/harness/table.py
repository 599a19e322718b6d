"""From runs to one table: medians, ratios of what ran side by side, and how far they spread."""

import statistics


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def number(value, digits=3):
    if value is None:
        return ""
    if value >= 10000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"


def ratios(ours, theirs, key):
    """Ours over theirs, round by round."""
    pairs = [
        (a.get(key), b.get(key)) for a, b in zip(ours, theirs) if a is not None and b is not None]
    return [a / b for a, b in pairs if a and b]


def spread(values):
    if not values:
        return ""
    middle = statistics.median(values)
    return f"{middle:.2f}× ({min(values):.2f}–{max(values):.2f})"


def summary(contender, runs, ours, values=None):
    good = [run for run in runs if run is not None]
    row = {
        "name": contender.name,
        "keeps": contender.keeps,
        "rounds": len(good),
        "failed_rounds": len(runs) - len(good),
        "driver_bound": sum(bool(run.get("driver_bound")) for run in good),
        "failures": sum(run.get("failures", 0) for run in good),
    }
    for key in ("rate", "cpu_us", "p50_us", "p99_us", "rss_kib", "server_busy", "driver_busy"):
        row[key] = median([run.get(key) for run in good])
    for key, _ in values or []:
        row[key] = median([run.get(key) for run in good])
        row["range_" + key] = [min(run[key] for run in good), max(run[key] for run in good)] \
            if good else None
    if ours is not None and ours is not runs:
        row["cpu_ratio"] = ratios(ours, runs, "cpu_us")
        row["rate_ratio"] = ratios(ours, runs, "rate")
        row["p50_ratio"] = ratios(ours, runs, "p50_us")
    return row


HEADINGS = ["who", "keeps", "rate/s", "CPU µs/op", "p50 µs", "p99 µs", "MiB",
            "our CPU / its CPU", "our rate / its rate", "notes"]


def cells(row):
    notes = []
    if row["driver_bound"]:
        notes.append(f"driver-bound in {row['driver_bound']} of {row['rounds']}")
    if row["failures"]:
        notes.append(f"{row['failures']} FAILURES")
    memory = row["rss_kib"] and row["rss_kib"] / 1024
    return [row["name"], row["keeps"], number(row["rate"]), number(row["cpu_us"]),
            number(row["p50_us"]), number(row["p99_us"]), number(memory),
            spread(row.get("cpu_ratio")), spread(row.get("rate_ratio")), ", ".join(notes)]


def value_cells(row, values):
    texts = []
    for key, _ in values:
        low, high = row["range_" + key] or (None, None)
        texts.append(number(row[key]) + (f" ({number(low)}–{number(high)})" if low != high else ""))
    return [row["name"], row["keeps"], *texts]


def text(result):
    """One scenario as a Markdown table."""
    values = result["values"]
    if values:
        rows = [["who", "keeps", *[heading for _, heading in values]],
                *[value_cells(row, values) for row in result["rows"]]]
    else:
        rows = [HEADINGS, *[cells(row) for row in result["rows"]]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"

    load = result["load"]
    lines = [
        f"### {result['name']}: {result['title']} (operation: one {result['unit']})",
        "",
        line(rows[0]),
        "|" + "|".join("-" * (width + 2) for width in widths) + "|",
        *[line(row) for row in rows[1:]],
        "",
        f"{result['rounds']} interleaved rounds; load average {load[0]:.1f} before, "
        f"{load[1]:.1f} after.",
        *[f"{name} left out: {why}" for name, why in result["left_out"].items()],
        "",
    ]
    return "\n".join(lines)
