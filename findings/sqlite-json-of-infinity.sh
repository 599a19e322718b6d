#!/usr/bin/env bash
# Shows that SQLite 3.40 makes JSON that it does not accept itself, out of an infinite real.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: json_object(), json_array() and json_quote() return well-formed JSON for every value
#   that they accept; they refuse a BLOB, which has no JSON form, with an error.
# Seen: an infinite real is written as Inf, which json_valid() rejects, as does json_extract() from
#   the text just made. A column with CHECK (json_valid(...)) refuses the row.
# Documentation: https://www.sqlite.org/json1.html (the functions; infinity is not named for 3.40).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 :memory: 2>&1 <<'SQL' || true
SELECT 'object', json_object('limit', 9e999), json_valid(json_object('limit', 9e999));
SELECT 'array', json_array(-9e999), json_valid(json_array(-9e999));
SELECT 'quote', json_quote(9e999), json_valid(json_quote(9e999));
SELECT 'large but finite', json_quote(1e308), json_valid(json_quote(1e308));
CREATE TABLE reading (value REAL);
INSERT INTO reading VALUES (1.5), (9e999);
SELECT 'group', json_group_array(value), json_valid(json_group_array(value)) FROM reading;
SELECT json_extract(json_object('limit', 9e999), '$.limit');
SELECT json_quote(x'00');
SQL
)
echo "$seen"

[ "$(sed 's/ near line [0-9]*//' <<<"$seen")" = 'object|{"limit":Inf}|0
array|[-Inf]|0
quote|Inf|0
large but finite|1.0e+308|1
group|[1.5,Inf]|0
Runtime error: malformed JSON
Runtime error: JSON cannot hold BLOB values' ] || {
  echo 'changed: infinity is written in another way' >&2
  exit 1
}
echo 'as described'
