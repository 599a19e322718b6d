#!/usr/bin/env bash
# Shows that SQLite changes some UUIDs written without hyphens when the column is declared UUID.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: a column declared UUID gives back the 32 characters that were put into it.
# Seen: "UUID" holds none of the words SQLite looks for, so the column has NUMERIC affinity, and
#   text that reads as a number is stored as one: an integer, a rounded real, or infinity. Only
#   UUIDs of digits alone, or of digits and one `e`, are hit: rare at random, certain for made-up
#   ones such as ...0001. Hyphens, or the declared types TEXT and BLOB, keep the value.
# Documentation: https://www.sqlite.org/datatype3.html (section 3.1; UUID is not named).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 -separator ' -> ' :memory: <<'SQL'
CREATE TABLE item (plain TEXT, id UUID);
WITH given(value) AS (VALUES
  ('00000000000000000000000000000001'),
  ('12345678901234567890123456789012'),
  ('123e4567123412341234123456789012'),
  ('0000000000000000000000000000e123'),
  ('00000000000000000000000000001e10'),
  ('550e8400e29b41d4a716446655440000'),
  ('00000000-0000-0000-0000-000000000001'))
INSERT INTO item SELECT value, value FROM given;
SELECT plain, typeof(id), id FROM item;
-- Two UUIDs that are not the same are one key now.
SELECT 'rows equal to the UUID ...0e124', count(*) FROM item
  WHERE id = '0000000000000000000000000000e124';
SQL
)
echo "$seen"

[ "$seen" = '00000000000000000000000000000001 -> integer -> 1
12345678901234567890123456789012 -> real -> 1.23456789012346e+31
123e4567123412341234123456789012 -> real -> Inf
0000000000000000000000000000e123 -> integer -> 0
00000000000000000000000000001e10 -> integer -> 10000000000
550e8400e29b41d4a716446655440000 -> text -> 550e8400e29b41d4a716446655440000
00000000-0000-0000-0000-000000000001 -> text -> 00000000-0000-0000-0000-000000000001
rows equal to the UUID ...0e124 -> 1' ] || {
  echo 'changed: SQLite no longer stores these as written above' >&2
  exit 1
}
echo 'as described'
