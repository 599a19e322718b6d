#!/usr/bin/env bash
# Shows that Python's commit() fails after an INSERT ... RETURNING of which a row is still unread.
#
# Written for: Debian's python3 3.11.2-1+b1 on libsqlite3-0 3.40.1-2+deb12u2.
# Expected: the rows of an INSERT are all written once execute() returns (so SQLite says of
#   RETURNING), and commit() commits them, as it does while a SELECT is being read.
# Seen: "cannot commit transaction - SQL statements in progress", while a cursor that someone holds
#   has rows left: after fetchone() on an INSERT of two rows, or when the answer is not read at all.
#   Reading to the end, closing the cursor or dropping it helps. rollback() works at any time.
# Documentation: https://docs.python.org/3.11/library/sqlite3.html#sqlite3.Cursor.rowcount (says
#   that rows must be fetched for rowcount), https://www.sqlite.org/lang_returning.html
set -euo pipefail

dpkg-query -W python3 libsqlite3-0

/usr/bin/python3 - <<'PY'
import sqlite3

insert_one = "INSERT INTO item (name) VALUES ('a') RETURNING id"
insert_two = "INSERT INTO item (name) VALUES ('a'), ('b') RETURNING id"
cases = [
    ("a SELECT, one row of two read", "SELECT 1 UNION ALL SELECT 2", lambda c: c.fetchone()),
    ("two rows, none read", insert_two, lambda c: None),
    ("two rows, one read", insert_two, lambda c: c.fetchone()),
    ("two rows, all read", insert_two, lambda c: c.fetchall()),
    ("two rows, cursor closed", insert_two, lambda c: c.close()),
    ("one row, none read", insert_one, lambda c: None),
    ("one row, one read", insert_one, lambda c: c.fetchone()),
]
seen = []
for name, statement, read in cases:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name)")
    database.execute("INSERT INTO item (name) VALUES ('first')")
    cursor = database.execute(statement)
    read(cursor)
    try:
        database.commit()
        seen.append(True)
        print(f"{name}: committed")
    except sqlite3.OperationalError as error:
        seen.append(False)
        print(f"{name}: {error}")

if seen != [True, False, False, True, True, False, True]:
    raise SystemExit("changed: other answers let commit() through")
print("as described")
PY
