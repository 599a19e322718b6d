#!/usr/bin/env bash
# Shows that sqlite-utils' transform changes columns that it was not asked to change.
#
# Written for: PyPI's sqlite-utils 4.2.1, on Debian's SQLite 3.40.1-2+deb12u2.
# Expected: renaming one column leaves the others as they were declared.
# Seen: each declared type is replaced by one of a few, so UUID, DATETIME, DECIMAL(10,2) and
#   BOOLEAN columns become REAL (a true that was 1 is 1.0), and COLLATE NOCASE goes, by which 'A'
#   was found as 'a'. A DEFAULT and a CHECK stay. SQLite's own RENAME COLUMN leaves all of it alone.
# Documentation: https://sqlite-utils.datasette.io/en/stable/python-api.html (transform)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sqlite-utils==4.2.1

"$work/venv/bin/python" - <<'PY'
import sqlite_utils

database = sqlite_utils.Database(memory=True)
database.conn.executescript("""
CREATE TABLE item (
  id INTEGER PRIMARY KEY,
  old_name TEXT,
  tag TEXT COLLATE NOCASE,
  key UUID,
  made DATETIME,
  price DECIMAL(10,2) DEFAULT 1 CHECK (price > 0),
  label VARCHAR(20),
  active BOOLEAN
);
INSERT INTO item (tag, active) VALUES ('A', 1);
""")
show = "SELECT name, type FROM pragma_table_info('item') WHERE name NOT LIKE '%name'"
before = dict(database.conn.execute(show).fetchall())
rows = "SELECT (SELECT count(*) FROM item WHERE tag = 'a'), quote(active) FROM item"
rows_before = database.conn.execute(rows).fetchone()
database["item"].transform(rename={"old_name": "name"})
after = dict(database.conn.execute(show).fetchall())
rows_after = database.conn.execute(rows).fetchone()

for column in before:
    print(f"{column}: {before[column]} -> {after[column]}")
print(f"rows found by tag = 'a', and active: {rows_before} -> {rows_after}")

kept = [column for column in before if before[column] == after[column]]
real = [column for column in before if after[column] == "REAL"]
if kept != ["id", "tag"] or real != ["key", "made", "price", "active"]:
    raise SystemExit("changed: other declared types are kept")
if (rows_before, rows_after) != ((1, "1"), (0, "1.0")):
    raise SystemExit("changed: the rows are found, or the boolean stays as it was")
print("as described")
PY
