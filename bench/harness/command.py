"""tools/bench: reads the options, runs the scenarios, prints the table."""

import argparse
import json
import os
import platform
import signal
import sys
import time

from . import bars, build, document, instructions, profile, scale, scenarios, table

HARD_LIMIT_SECONDS = 3600


def parse():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 short rounds: 3 minutes in all")
    parser.add_argument("--only", default="", help="scenarios, by name, with commas between")
    parser.add_argument("--without", default="", help="peers to leave out")
    parser.add_argument("--json", help="write everything, also every single run, to this file")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (5; quick: 3)")
    parser.add_argument("--ms", type=int, help="length of one run (3000; quick: 500)")
    parser.add_argument("--rows", type=int, help="rows that reads choose among (100,000)")
    parser.add_argument("--loops", type=int, help="event loops of our servers; their own default")
    parser.add_argument("--list", action="store_true", help="print the scenarios and end")
    parser.add_argument("--instructions", action="store_true",
                        help="count the instructions of one operation instead")
    parser.add_argument("--profile", action="store_true",
                        help="say where our server's time goes instead, by perf")
    parser.add_argument("--top", type=int, default=30, help="symbols that --profile prints")
    parser.add_argument("--scale", action="store_true",
                        help="measure how costs go with rows, sessions and subscriptions instead")
    parser.add_argument("--full", action="store_true",
                        help="--scale to ten million rows, 10,000 sessions, 100,000 subscriptions; "
                        "foreign transactions to a million rows")
    parser.add_argument("--check", action="store_true",
                        help="fail where instructions grew by over 5 %%, or have no threshold")
    parser.add_argument("--update", action="store_true",
                        help="write the thresholds, or the figures and plots of docs/performance.md")
    options = parser.parse_args()
    is_short = options.quick or options.scale
    options.rounds = options.rounds or (3 if is_short else 5)
    options.ms = options.ms or (500 if options.quick else 1500 if options.scale else 3000)
    options.rows = options.rows or (20_000 if options.quick else 100_000)
    options.warmup = 150 if options.quick else 500
    remember_products()
    if options.update and options.only and not (options.instructions or options.scale):
        parser.error("--update writes the whole table: not with --only")
    if not 1 <= options.rounds <= 100 or not 50 <= options.ms <= 60_000:
        parser.error("--rounds is 1 to 100, --ms 50 to 60000")
    return options


def run_scenario(scenario, options):
    """Every contender once a round, in turn, so that what disturbs one disturbs its neighbour."""
    left_out, started, runs = {}, [], []
    load_before = os.getloadavg()[0]
    try:
        for contender in scenario.contenders:
            if contender.peer in build.missing:
                left_out[contender.name] = build.missing[contender.peer]
                continue
            try:
                started.append((contender, contender.start()))
                runs.append([])
            except (RuntimeError, OSError) as error:
                left_out[contender.name] = str(error).strip()[-300:]
        for round_number in range(options.rounds):
            order = range(len(started))
            for i in order if round_number % 2 == 0 else reversed(order):
                contender, server = started[i]
                if round_number >= contender.rounds:
                    continue
                try:
                    runs[i].append(contender.run(server, options.ms, options.warmup))
                except (RuntimeError, OSError) as error:
                    build.say(f"{scenario.name}: {contender.name}: {str(error).strip()[-300:]}")
                    runs[i].append(None)
    finally:
        for _, server in started:
            if server:
                server.stop()
    ours = next((runs[i] for i, (who, _) in enumerate(started) if who.is_ours), None)
    return {
        "name": scenario.name,
        "title": scenario.title,
        "unit": scenario.unit,
        "rounds": options.rounds,
        "load": [load_before, os.getloadavg()[0]],
        "left_out": left_out,
        "values": scenario.values,
        "rows": [table.summary(who, runs[i], ours, scenario.values)
                 for i, (who, _) in enumerate(started)],
        "runs": {who.name: runs[i] for i, (who, _) in enumerate(started)},
    }


def machine():
    model = "unknown"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{os.cpu_count()} cores, {model}, {platform.system()} {platform.release()}"


def remember_products():
    """A product is built once in a run."""
    built, swift_product = {}, build.swift_product
    build.swift_product = lambda name: built.get(name) or built.setdefault(name, swift_product(name))


def stop(*_):
    raise SystemExit("bench: ended")


def main():
    options = parse()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(HARD_LIMIT_SECONDS)
    if options.instructions:
        return instructions.main(options)
    if options.profile:
        build.build_c()
        return profile.main(options)
    if options.scale:
        return scale.main(options)
    wanted = {name for name in options.only.split(",") if name}
    build.missing.update({name: "not wanted" for name in options.without.split(",") if name})
    if options.list:
        build.swift_product = lambda name: name
        print("\n".join(f"{s.name:18} {s.title}" for s in scenarios.all_scenarios(options)))
        return 0
    build.install([peer for peer in build.PEERS if peer not in build.missing])
    build.build_c()
    build.build_grpc()
    chosen = [
        s for s in scenarios.all_scenarios(options) if not wanted or wanted & {s.name, s.group}]
    if unknown := wanted - {name for s in chosen for name in (s.name, s.group)}:
        print(f"bench: no such scenario: {', '.join(unknown)}", file=sys.stderr)
        return 2
    began = time.monotonic()
    results = []
    heading = f"{machine()}; {time.strftime('%Y-%m-%d %H:%M')} UTC"
    print(f"{heading}\n", flush=True)
    for scenario in chosen:
        results.append(run_scenario(scenario, options))
        print(table.text(results[-1]), flush=True)
    reached = bars.text(results)
    print(reached, flush=True)
    build.say(f"took {time.monotonic() - began:.0f} s")
    if options.update:
        tables = "\n".join(table.text(result) for result in results)
        document.replace("figures", "tools/bench", f"{heading}\n\n{reached}\n\n{tables}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": machine(), "scenarios": results}, file, indent=1)
    failed = any(row["failures"] or row["failed_rounds"]
                 for result in results for row in result["rows"])
    return 1 if failed else 0
