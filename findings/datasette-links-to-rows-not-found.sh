#!/usr/bin/env bash
# Shows that Datasette's table pages link to rows that its row pages do not find.
#
# Written for: PyPI's datasette 0.65.5, on Debian's SQLite 3.40.1-2+deb12u2.
# Expected: the link that a table page gives for a row leads to the row, whatever its key is.
# Seen: status 404 for a key that is a BLOB, such as a UUID kept in 16 bytes: the link holds
#   Python's way of writing bytes, which is then looked up as text. In a key column without a
#   declared type, integers and reals are looked up as text too, and not found. Text keys are, with
#   slashes, spaces and percent signs.
# Documentation: https://docs.datasette.io/en/stable/pages.html#row (binary keys are not named).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q datasette==0.65.5

"$work/venv/bin/python" - <<'PY'
import asyncio
import re
import uuid

from datasette.app import Datasette

KEYS = ["plain", "a/b c%d,e", 42, 2.5, uuid.UUID("550e8400-e29b-41d4-a716-446655440000").bytes]


async def follow_links():
    """The status of the row page behind each row's own link, in the order of KEYS."""
    datasette = Datasette(memory=True)
    database = datasette.add_memory_database("example")
    await database.execute_write("CREATE TABLE item (id PRIMARY KEY, position)")
    for position, key in enumerate(KEYS):
        await database.execute_write("INSERT INTO item VALUES (?, ?)", [key, position])
    page = await datasette.client.get("/example/item?_sort=position")
    links = re.findall(r'href="(/example/item/[^"]+)"', page.text)
    return [(link, (await datasette.client.get(link)).status_code) for link in links]


answers = asyncio.run(follow_links())
for key, (link, status) in zip(KEYS, answers):
    print(f"{key!r}: {link} -> {status}")
if [status for _, status in answers] != [200, 200, 404, 404, 404]:
    raise SystemExit("changed: other rows are found")
print("as described")
PY
