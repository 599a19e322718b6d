"""The oracle: random histories, and whether what subscribers saw of them is true.

    tools/oracle --minutes 60 --seed 7          rounds until the time is up
    tools/oracle --seed 7 --round 12            one round of that run again

Each round has a database, a server and clients of its own. What failed is kept, and shown.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "acceptance"))

from round import Round  # noqa: E402
from validators import SHOWN, validate  # noqa: E402

ROUND_SECONDS = 12


class Outcome:
    """What the rounds of a run have found: violations by validator."""

    def __init__(self):
        self.found = {}
        self.rounds = 0
        self.counts = {}

    def take(self, round, found):
        self.rounds += 1
        for name, count in round.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, violations in found.items():
            self.found.setdefault(name, []).extend(violations)

    def report(self):
        lines = []
        for name, violations in self.found.items():
            lines.append(f"{name}: {len(violations)} violations")
            lines += [f"  {violation}" for violation in violations[:SHOWN]]
        return "\n".join(lines)


def run_round(seed, number, seconds, directory, fault="", say=print):
    round = Round(seed, number, seconds, pathlib.Path(directory), fault)
    round.run()
    found = validate(round)
    say(f"{round.summary}; {round.limits}; found: {', '.join(found) or 'nothing'}")
    return round, found


def run(
    seed, minutes, directory, fault="", until=None, say=print, round_seconds=ROUND_SECONDS
):
    """Rounds until the time is up, or one has found what was looked for."""
    outcome = Outcome()
    deadline = time.monotonic() + minutes * 60
    while outcome.rounds == 0 or time.monotonic() < deadline:
        seconds = min(round_seconds, max(3, deadline - time.monotonic()))
        round, found = run_round(seed, outcome.rounds, seconds, directory, fault, say)
        outcome.take(round, found)
        if outcome.found and (until is None or until in outcome.found):
            break
    return outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", default=str(random.randrange(2**32)))
    parser.add_argument("--round", type=int, help="this round of the run alone")
    parser.add_argument("--fault", default="", help="see Sources/DatasyncServer/Fault")
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="datasync-oracle-")
    print(f"oracle: seed {arguments.seed}, files in {directory}", flush=True)

    def say(line):
        print(line, flush=True)

    if arguments.round is not None:
        outcome = Outcome()
        outcome.take(
            *run_round(
                arguments.seed, arguments.round, ROUND_SECONDS, directory, arguments.fault, say
            )
        )
    else:
        outcome = run(arguments.seed, arguments.minutes, directory, arguments.fault, say=say)
    print(f"oracle: {outcome.rounds} rounds, {outcome.counts}")
    if outcome.found:
        print(outcome.report())
        print(f"oracle: FAILED, seed {arguments.seed}; the databases and logs are in {directory}")
        return 1
    print("oracle: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
