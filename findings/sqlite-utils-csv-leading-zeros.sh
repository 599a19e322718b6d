#!/usr/bin/env bash
# Shows that sqlite-utils 4 strips the leading zeros of codes when it reads a CSV file.
#
# Written for: PyPI's sqlite-utils 4.2.1, on Debian's SQLite 3.40.1-2+deb12u2.
# Expected: a CSV column becomes INTEGER only when every value survives it, so that writing the
#   table out as CSV gives the file that was read.
# Seen: a column is INTEGER when Python's int() accepts all its values. Postal codes such as 00501
#   lose their zeros for good. int() also accepts 1_0 and digits of other scripts, which SQLite
#   keeps as text in a column that says INTEGER, and spaces, which are lost too. The option
#   --no-detect-types keeps all of them; before version 4 this was the default.
# Documentation: https://sqlite-utils.datasette.io/en/stable/cli.html (insert, --no-detect-types)
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sqlite-utils==4.2.1
export LC_ALL=C.UTF-8
tool="$work/venv/bin/sqlite-utils"

cat >"$work/given.csv" <<'CSV'
code,part,seat,row
00501,1_0,١٢, 5
01001,2_0,١٣,6
CSV

"$tool" insert "$work/by-default" item "$work/given.csv" --csv --silent
"$tool" insert "$work/as-text" item "$work/given.csv" --csv --silent --no-detect-types

# columns DATABASE: each column's declared type, and the first row's value with its own type.
columns() {
  sqlite3 -separator ' ' "$1" "
    SELECT group_concat(name || ' ' || type, ', ') FROM pragma_table_info('item');
    SELECT typeof(code), code, typeof(part), part, typeof(seat), seat, typeof(row), quote(row)
      FROM item LIMIT 1;"
}
seen=$(
  echo 'by default:'
  columns "$work/by-default"
  echo 'with --no-detect-types:'
  columns "$work/as-text"
)
echo "$seen"

[ "$seen" = "by default:
code INTEGER, part INTEGER, seat INTEGER, row INTEGER
integer 501 text 1_0 text ١٢ integer 5
with --no-detect-types:
code TEXT, part TEXT, seat TEXT, row TEXT
text 00501 text 1_0 text ١٢ text ' 5'" ] || {
  echo 'changed: other values are kept or lost' >&2
  exit 1
}
echo 'as described'
