#!/usr/bin/env bash
# Shows that a dump made by SQLite 3.40 changes some reals, as read by SQLite or by another program.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2 on amd64.
# Expected: quote() gives a literal for the same value, whoever reads it, so reading a dump makes an
#   equal database.
# Seen: SQLite's own reading of decimal literals is off by the last bit at times. Around 1e-299 it
#   reads back another double than the one that quote() was given, with all its digits there. At
#   everyday sizes it now and then takes a short literal for the value though an exact reader
#   (Python here) gets the neighbouring one, so such a dump is right for SQLite alone.
# Documentation: https://www.sqlite.org/lang_corefunc.html#quote,
#   https://www.sqlite.org/floatingpoint.html (speaks of about 15 digits for text, not of quote()).
set -euo pipefail

dpkg-query -W sqlite3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 - "$work" <<'PY'
import random
import sqlite3
import subprocess
import sys

database = sqlite3.connect(":memory:")


def changed(values):
    """How many values differ once quote() is read by SQLite, and once it is read by Python."""
    by_sqlite = by_python = 0
    for value in values:
        literal = database.execute("SELECT quote(?)", (value,)).fetchone()[0]
        by_sqlite += database.execute(f"SELECT {literal}").fetchone()[0] != value
        by_python += float(literal) != value
    return by_sqlite, by_python


chance = random.Random(1)
everyday = changed(chance.uniform(-1000, 1000) for _ in range(20_000))
tiny = changed(chance.uniform(1, 9) * 1e-299 for _ in range(20_000))
print("of 20,000 values, changed as read by SQLite and by Python")
print(f"between -1000 and 1000: {everyday}\naround 1e-299: {tiny}")

source, copy = f"{sys.argv[1]}/source", f"{sys.argv[1]}/copy"
given = [-1.1585820978111065e-299, -81.74793509588051]
with sqlite3.connect(source) as file:
    file.execute("CREATE TABLE item (value REAL)")
    file.executemany("INSERT INTO item VALUES (?)", [(value,) for value in given])
dump = subprocess.run(["sqlite3", source, ".dump"], capture_output=True, check=True).stdout
subprocess.run(["sqlite3", copy], input=dump, check=True)
by_sqlite = [row[0] for row in sqlite3.connect(copy).execute("SELECT value FROM item")]
literals = [row[0] for row in database.execute("SELECT quote(?) UNION ALL SELECT quote(?)", given)]
by_python = [float(literal) for literal in literals]
for value, literal, first, second in zip(given, literals, by_sqlite, by_python):
    print(f"{value!r} as {literal}: SQLite reads {first!r}, Python {second!r}")

same = [[a == b for a, b in zip(given, read)] for read in (by_sqlite, by_python)]
if everyday[0] or not tiny[0] or same != [[False, True], [True, False]]:
    raise SystemExit("changed: other values come back")
print("as described")
PY
