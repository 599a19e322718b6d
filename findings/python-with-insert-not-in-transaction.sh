#!/usr/bin/env bash
# Shows that Python's sqlite3 commits an INSERT at once, past rollback(), if it begins with WITH.
#
# Written for: Debian's python3 3.11.2-1+b1 on libsqlite3-0 3.40.1-2+deb12u2.
# Expected: in the default mode, an INSERT, UPDATE, DELETE or REPLACE opens a transaction, which
#   commit() or rollback() ends; what stands before the word INSERT in the statement is no matter.
# Seen: only the first word counts. WITH ... INSERT opens none, so it is in the file at once, and
#   rollback() or leaving a `with connection:` block by an exception does not undo it. Its rowcount
#   is -1 and lastrowid stays. A comment before INSERT does no harm, nor does WITH inside it. After
#   another INSERT the transaction is open and the same statement is undone.
# Documentation: https://docs.python.org/3.11/library/sqlite3.html#transaction-control
set -euo pipefail

dpkg-query -W python3 libsqlite3-0

/usr/bin/python3 - <<'PY'
import sqlite3

statements = {
    "INSERT": "INSERT INTO item VALUES (1)",
    "comment, INSERT": "/* new */ INSERT INTO item VALUES (1)",
    "INSERT ... WITH": "INSERT INTO item WITH given(v) AS (VALUES (1)) SELECT v FROM given",
    "WITH ... INSERT": "WITH given(v) AS (VALUES (1)) INSERT INTO item SELECT v FROM given",
    "WITH ... UPDATE": "WITH given(v) AS (VALUES (9)) UPDATE item SET id = (SELECT v FROM given)",
    "WITH ... DELETE": "WITH given(v) AS (VALUES (5)) DELETE FROM item WHERE id IN given",
}
seen = {}
for name, statement in statements.items():
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE item (id)")
    database.execute("INSERT INTO item VALUES (5)")
    database.commit()
    before = database.execute("SELECT id FROM item").fetchall()
    cursor = database.execute(statement)
    rowcount = cursor.rowcount
    database.rollback()
    undone = database.execute("SELECT id FROM item").fetchall() == before
    seen[name] = (undone, rowcount)
    print(f"{name}: {'undone' if undone else 'NOT undone'} by rollback(), rowcount {rowcount}")

database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE item (id)")
try:
    with database:
        database.execute(statements["WITH ... INSERT"])
        raise LookupError("something else went wrong")
except LookupError:
    left = database.execute("SELECT count(*) FROM item").fetchone()[0]
print(f"rows left by a `with` block that failed: {left}")

whole, kept = (True, 1), (False, -1)
if list(seen.values()) != [whole, whole, whole, kept, kept, kept] or left != 1:
    raise SystemExit("changed: other statements open a transaction")
print("as described")
PY
