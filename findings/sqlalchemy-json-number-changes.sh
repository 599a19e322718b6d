#!/usr/bin/env bash
# Shows that SQLAlchemy's JSON column on SQLite changes numbers that stand alone in it.
#
# Written for: PyPI's SQLAlchemy 2.1.9, on Debian's SQLite 3.40.1-2+deb12u2.
# Expected: what Python's json module keeps (1.0 is a float, integers have any size) comes back
#   equal and of the same type.
# Seen: the column is declared JSON, which has NUMERIC affinity in SQLite, so the JSON text of a
#   number is stored as a number: 1.0 comes back as the integer 1, and an integer above 2**63 as a
#   rounded float. The same numbers inside a list are text and come back whole.
# Documentation: https://docs.sqlalchemy.org/en/20/core/type_basics.html#sqlalchemy.types.JSON,
#   https://www.sqlite.org/datatype3.html (affinity; JSON is not named).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sqlalchemy==2.1.9

"$work/venv/bin/python" - <<'PY'
from sqlalchemy import JSON, Column, Integer, MetaData, Table, create_engine, select

item = Table("item", MetaData(), Column("id", Integer, primary_key=True), Column("value", JSON))
seen = []
with create_engine("sqlite://").begin() as link:
    item.create(link)
    for value in [1.0, 100.0, 12345678901234567890, [1.0], [12345678901234567890], "1.0", 7]:
        key = link.execute(item.insert().values(value=value)).inserted_primary_key[0]
        back = link.execute(select(item.c.value).where(item.c.id == key)).scalar_one()
        stored = link.exec_driver_sql(f"SELECT typeof(value) FROM item WHERE id = {key}").scalar()
        same = back == value and type(back) is type(value)
        seen.append(same)
        print(f"{value!r} stored as {stored}, comes back as {back!r}{'' if same else '  CHANGED'}")

if seen != [False, False, False, True, True, True, True]:
    raise SystemExit("changed: other values come back whole")
print("as described")
PY
