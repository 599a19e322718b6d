#!/usr/bin/env bash
# Shows that SQLite 3.40 cannot read a database at all, once the schema is not trusted, if a CHECK or
# a generated column of any table calls a JSON function.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: `PRAGMA trusted_schema=OFF`, which SQLite's page on security recommends to applications,
#   forbids a schema functions with side effects and those of the application; json_valid() and
#   json_extract() only compute, as length(), date() and lower() do, which stay allowed.
# Seen: JSON functions are forbidden. A file with such a table, as Django makes one for each
#   JSONField, is reported as a malformed schema, whichever table is asked for.
# Documentation: https://www.sqlite.org/pragma.html#pragma_trusted_schema (names no function).
set -euo pipefail

dpkg-query -W sqlite3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sqlite3 "$work/plain.db" <<'SQL'
CREATE TABLE other (id INTEGER PRIMARY KEY);
CREATE TABLE parcel (id INTEGER PRIMARY KEY, place TEXT CHECK (length(place) > 0 AND place = lower(place)),
  day TEXT CHECK (date(day) IS NOT NULL));
SQL
sqlite3 "$work/json.db" <<'SQL'
CREATE TABLE other (id INTEGER PRIMARY KEY);
CREATE TABLE parcel (id INTEGER PRIMARY KEY, data TEXT CHECK (json_valid(data)));
SQL
ask() { sqlite3 -cmd 'PRAGMA trusted_schema=OFF' "$1" "SELECT count(*) FROM other" 2>&1 || true; }
seen=$(echo "length, lower, date: $(ask "$work/plain.db")"; echo "json_valid: $(ask "$work/json.db")")
echo "$seen"

grep -q '^length, lower, date: 0$' <<<"$seen" && grep -q 'unsafe use of json_valid' <<<"${seen,,}" || {
  echo 'changed: JSON functions are allowed to a schema that is not trusted' >&2
  exit 1
}
echo 'as described'
