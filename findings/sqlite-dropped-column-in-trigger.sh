#!/usr/bin/env bash
# Shows that SQLite drops a column that a trigger names in `UPDATE OF`, and leaves the name there.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: DROP COLUMN refuses, as it does for a column that the trigger's body uses; or takes the
#   name out of the list, as RENAME COLUMN writes the new one into it.
# Seen: it drops the column and keeps the list. The trigger now waits for a column that is not
#   there; one whose list was that column alone never fires again, and nothing says so. A column
#   added later under the old name wakes it up.
# Documentation: https://www.sqlite.org/lang_altertable.html (among what makes DROP COLUMN
#   fail: a column used in a trigger).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 :memory: 2>&1 <<'SQL'
CREATE TABLE note (id INTEGER PRIMARY KEY, title, body, mood);
CREATE TABLE log (what);
CREATE TRIGGER by_list AFTER UPDATE OF title, mood ON note BEGIN
  INSERT INTO log VALUES ('fired');
END;
INSERT INTO note VALUES (1, 'a', 'b', 'c');

ALTER TABLE note RENAME COLUMN title TO heading;
ALTER TABLE note DROP COLUMN mood;
SELECT substr(sql, 1, instr(sql, ' ON ')) FROM sqlite_schema WHERE name = 'by_list';

ALTER TABLE note DROP COLUMN heading;
SELECT substr(sql, 1, instr(sql, ' ON ')) FROM sqlite_schema WHERE name = 'by_list';
UPDATE note SET body = 'new';
SELECT 'fired without its columns: ' || count(*) FROM log;

ALTER TABLE note ADD COLUMN mood;
UPDATE note SET mood = 'new';
SELECT 'fired for a new column of the old name: ' || count(*) FROM log;

-- The same column in the body is found.
CREATE TRIGGER by_body AFTER UPDATE OF body ON note BEGIN INSERT INTO log VALUES (new.mood); END;
ALTER TABLE note DROP COLUMN mood;
SQL
) || true
echo "$seen"

changed() { echo "changed: $1" >&2; exit 1; }
grep -q 'UPDATE OF heading, mood' <<<"$seen" || changed 'the list is treated in another way'
grep -q 'without its columns: 0' <<<"$seen" || changed 'the trigger fires without its columns'
grep -q 'of the old name: 1' <<<"$seen" || changed 'a new column does not wake the trigger'
grep -q 'error in trigger by_body' <<<"$seen" || changed 'a column in the body is not found'
echo 'as described'
