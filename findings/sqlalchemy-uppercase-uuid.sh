#!/usr/bin/env bash
# Shows that SQLAlchemy's UUID type on SQLite cannot read back some UUIDs that it has written.
#
# Written for: PyPI's SQLAlchemy 2.1.9, on Debian's SQLite 3.40.1-2+deb12u2.
# Expected: as with SQLAlchemy's other spelling, Uuid, the value comes back; or the table is
#   refused, since UUID in capitals is for databases that have such a type.
# Seen: the table is made, with a column declared UUID, which has NUMERIC affinity in SQLite. The
#   type writes 32 digits without hyphens, so a UUID of decimal digits becomes a number. Reading
#   the row raises AttributeError, and two such UUIDs may collide. Of random ones it is one in some
#   700,000.
# Documentation: https://docs.sqlalchemy.org/en/20/core/type_basics.html#sqlalchemy.types.UUID
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sqlalchemy==2.1.9

"$work/venv/bin/python" - <<'PY'
import uuid

from sqlalchemy import UUID, Column, Integer, MetaData, Table, Uuid, create_engine, select

item = Table("item", MetaData(), Column("id", Integer, primary_key=True),
             Column("capitals", UUID), Column("plain", Uuid))
seen = []
with create_engine("sqlite://").begin() as link:
    item.create(link)
    print(link.exec_driver_sql("SELECT sql FROM sqlite_schema").scalar())
    for text in ["550e8400-e29b-41d4-a716-446655440000",
                 "00000000-0000-0000-0000-000000000001",
                 "11111111-2222-3333-4444-555555555555"]:
        value = uuid.UUID(text)
        added = link.execute(item.insert().values(capitals=value, plain=value))
        key = added.inserted_primary_key[0]
        for column in (item.c.capitals, item.c.plain):
            stored = link.exec_driver_sql(
                f"SELECT typeof({column.name}) FROM item WHERE id = {key}").scalar()
            try:
                back = link.execute(select(column).where(item.c.id == key)).scalar_one()
                outcome = "comes back" if back == value else f"comes back as {back}"
            except AttributeError as error:
                outcome = f"raises AttributeError: {error}"
            seen.append((stored, outcome.split(":")[0]))
            print(f"{column.name} {text} stored as {stored}, {outcome}")

whole, lost = ("text", "comes back"), "raises AttributeError"
if seen != [whole, whole, ("integer", lost), whole, ("real", lost), whole]:
    raise SystemExit("changed: other values come back")
print("as described")
PY
