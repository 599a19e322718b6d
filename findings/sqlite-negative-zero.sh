#!/usr/bin/env bash
# Shows that SQLite keeps or loses the sign of -0.0 depending on the column's declared type.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2 (through Debian's Python, which uses it).
# Expected: a REAL column, the one made for floating point, gives back the double that was stored.
# Seen: it does not: a whole number in a REAL column is kept as an integer in the file, and integers
#   have no negative zero. A column without a type, or a BLOB column, keeps the sign, and so does a
#   parameter that is selected without being stored. Two copies of one row in differently
#   declared tables then differ in their bytes, though SQLite calls them equal.
# Documentation: https://www.sqlite.org/datatype3.html (section 2: whole reals kept as integers).
set -euo pipefail

dpkg-query -W libsqlite3-0

/usr/bin/python3 - <<'PY'
import sqlite3
import struct

database = sqlite3.connect(":memory:")
columns = ["REAL", "NUMERIC", "INTEGER", "BLOB", ""]
declared = ", ".join(f"c{i} {name}" for i, name in enumerate(columns))
database.execute(f"CREATE TABLE item ({declared})")
database.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?)", (-0.0,) * 5)


def sign(value):
    """The value's type and, for a float, its sign bit."""
    if isinstance(value, int):
        return "integer 0"
    return "-0.0" if struct.pack(">d", value)[0] & 0x80 else "+0.0"


selected = sign(database.execute("SELECT ?", (-0.0,)).fetchone()[0])
print(f"selected: {selected}")
stored = [sign(value) for value in database.execute("SELECT * FROM item").fetchone()]
for name, value in zip(columns, stored):
    print(f"{name or '(no type)'}: {value}")
equal = database.execute("SELECT c0 = c4 FROM item").fetchone()[0]
print(f"REAL = (no type): {equal}")

if [selected, *stored, equal] != ["-0.0", "+0.0", "integer 0", "integer 0", "-0.0", "-0.0", 1]:
    raise SystemExit("changed: the sign is kept in other columns")
print("as described")
PY
