#!/usr/bin/env bash
# Shows that making n triggers (or tables) in one transaction costs SQLite n times n steps.
#
# Written for: Debian's python3 3.11.2 with libsqlite3-0 3.40.1-2+deb12u2.
# Expected: a CREATE TRIGGER writes one row into sqlite_schema and reads that row back, so that twice as
#   many take twice as many steps of the virtual machine.
# Seen: four times as many. After each of them the schema's table is looked through as a whole, for it
#   has no index by which the one new row could be found. A thousand statements are two and a half million
#   steps, ten thousand are a quarter of a billion, whether in one transaction or in many.
# Documentation: https://www.sqlite.org/schematab.html (the table), https://www.sqlite.org/opcode.html
#   (ParseSchema: "read and parse all entries of the schema table that match the WHERE clause").
set -euo pipefail

dpkg-query -W libsqlite3-0

python3 - <<'PY'
import sqlite3
import sys

WAYS = {
    "triggers": "CREATE TRIGGER r{} AFTER INSERT ON t BEGIN SELECT 1; END",
    "tables": "CREATE TABLE r{} (a)",
}


def steps(statement, count):
    """Steps of SQLite's virtual machine."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (a)")
    seen = 0

    def tick():
        nonlocal seen
        seen += 1

    connection.set_progress_handler(tick, 1)
    connection.execute("BEGIN")
    for number in range(count):
        connection.execute(statement.format(number))
    connection.execute("COMMIT")
    return seen


print("SQLite", sqlite3.sqlite_version)
changed = False
for name, statement in WAYS.items():
    before = 0
    for count in (250, 500, 1000):
        now = steps(statement, count)
        ratio = now / before if before else 0
        print(f"{count} {name}: {now} steps" + (f", {ratio:.1f} times as many" if before else ""))
        changed |= bool(before) and ratio < 3.5
        before = now
if changed:
    sys.exit("changed: twice as many take less than 3.5 times the steps")
print("as described")
PY
