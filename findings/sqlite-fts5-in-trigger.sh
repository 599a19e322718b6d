#!/usr/bin/env bash
# Shows that SQLite 3.40 refuses triggers that keep an FTS5 index when trusted_schema is off.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: `PRAGMA trusted_schema=OFF`, which the manual recommends to every application, leaves
#   the manual's own recipe for FTS5 working: triggers that write to the index.
# Seen: a write to the table with the triggers fails with "unsafe use of virtual table", while the
#   same write straight into the index passes. FTS4 and R-Tree answer the same.
# Documentation: https://www.sqlite.org/pragma.html#pragma_trusted_schema,
#   https://www.sqlite.org/fts5.html#external_content_tables (the triggers).
set -euo pipefail

dpkg-query -W sqlite3

# attempt STATEMENT: runs it in a fresh database whose triggers feed three indexes.
attempt() {
  printf '%s\n  ' "$1"
  sqlite3 -bail :memory: 2>&1 <<SQL || true
CREATE TABLE note (id INTEGER PRIMARY KEY, body);
CREATE TABLE old_note (id INTEGER PRIMARY KEY, body);
CREATE TABLE place (id INTEGER PRIMARY KEY, x REAL);
CREATE VIRTUAL TABLE note_index USING fts5(body, content='note', content_rowid='id');
CREATE VIRTUAL TABLE old_index USING fts4(body);
CREATE VIRTUAL TABLE place_index USING rtree(id, low, high);
CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
  INSERT INTO note_index (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER old_added AFTER INSERT ON old_note BEGIN
  INSERT INTO old_index (docid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER place_added AFTER INSERT ON place BEGIN
  INSERT INTO place_index VALUES (new.id, new.x, new.x);
END;
$1
SELECT 'accepted';
SQL
}

seen=$(
  attempt "PRAGMA trusted_schema=ON; INSERT INTO note VALUES (1, 'hello');"
  attempt "PRAGMA trusted_schema=OFF; INSERT INTO note_index (rowid, body) VALUES (1, 'hello');"
  attempt "PRAGMA trusted_schema=OFF; INSERT INTO note VALUES (1, 'hello');"
  attempt "PRAGMA trusted_schema=OFF; INSERT INTO old_note VALUES (1, 'hello');"
  attempt "PRAGMA trusted_schema=OFF; INSERT INTO place VALUES (1, 2.5);"
)
echo "$seen"

[ "$(grep -c '^  accepted' <<<"$seen")" = 2 ] &&
  [ "$(grep -c 'unsafe use of virtual table' <<<"$seen")" = 3 ] || {
  echo 'changed: another set of writes is refused' >&2
  exit 1
}
echo 'as described'
