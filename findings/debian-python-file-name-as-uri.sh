#!/usr/bin/env bash
# Shows that Debian's Python opens another file than the one named when a name begins with `file:`.
#
# Written for: Debian's python3 3.11.2-1+b1 on libsqlite3-0 3.40.1-2+deb12u2.
# Expected: sqlite3.connect(name, uri=False), the default, takes the name as it is, as open() does.
# Seen: Debian builds SQLite with SQLITE_USE_URI, so names that begin with "file:" are URIs in every
#   program that uses the library, whatever it asks for: the prefix goes, %41 becomes A, and what
#   follows a question mark is cut off. "FILE:" in capitals stays a name. An absolute path, or "./"
#   in front, keeps a name a name.
# Documentation: https://docs.python.org/3.11/library/sqlite3.html#sqlite3.connect (uri),
#   https://www.sqlite.org/uri.html (names the compile-time option)
set -euo pipefail

dpkg-query -W python3 libsqlite3-0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 - "$work" <<'PY'
import os
import sqlite3
import sys

os.chdir(sys.argv[1])
given = ["file:plain.data", "file:%41.data", "file:year?2024.data", "FILE:capitals.data",
         "./file:dotted.data"]
made = []
for name in given:
    before = set(os.listdir())
    database = sqlite3.connect(name, uri=False)
    database.execute("CREATE TABLE item (id)")
    database.commit()
    database.close()
    made += set(os.listdir()) - before
    print(f"connect({name!r}, uri=False) makes {made[-1]!r}")

used = sqlite3.connect(":memory:").execute("SELECT sqlite_compileoption_used('USE_URI')")
print(f"USE_URI: {used.fetchone()[0]}")
if made != ["plain.data", "A.data", "year", "FILE:capitals.data", "file:dotted.data"]:
    raise SystemExit("changed: other files are made")
print("as described")
PY
