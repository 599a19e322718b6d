#!/usr/bin/env bash
# Shows that Timestamps in protobuf's JSON do not sort as text in the order of time.
#
# Written for: PyPI's protobuf 7.36.2, and SQLite as Debian's Python has it, to sort.
# Expected: UTC times in one RFC 3339 form, ending in Z, sort as text: it is why that form is stored
#   in databases that have no type for time.
# Seen: a full second has no fraction, others have 3, 6 or 9 digits. Z comes after the period and
#   the digits, so 12:00:00Z sorts behind 12:00:00.500Z, and .500Z behind .500001Z. ORDER BY, MAX()
#   and "later than" are wrong within a second, and with it anyone who resumes from the last time.
# Documentation: https://protobuf.dev/programming-guides/json/ (0, 3, 6 or 9 fractional digits).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
"$work/venv/bin/pip" list 2>/dev/null | grep '^protobuf '

"$work/venv/bin/python" - <<'PY'
import sqlite3

from google.protobuf.timestamp_pb2 import Timestamp

noon = 1_704_110_400
nanoseconds = [0, 1_000, 500_000_000, 500_001_000, 500_001_001]
given = [Timestamp(seconds=noon, nanos=n).ToJsonString() for n in nanoseconds]
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE event (made TEXT)")
database.executemany("INSERT INTO event VALUES (?)", [(text,) for text in given])
sorted_by_text = [row[0] for row in database.execute("SELECT made FROM event ORDER BY made")]
latest = database.execute("SELECT max(made) FROM event").fetchone()[0]

print("in the order of time            in the order of text")
for time, text in zip(given, sorted_by_text):
    print(f"{time:31} {text}")
print(f"the latest by max(): {latest}, the earliest of all: {given[0]}")

positions = [given.index(text) for text in sorted_by_text]
if positions != [1, 4, 3, 2, 0] or latest != given[0]:
    raise SystemExit(f"changed: the text sorts in another way: {positions}")
print("as described")
PY
