#!/usr/bin/env bash
# Shows that SQLite's `UPDATE OF id` trigger misses an UPDATE that sets the same column as `rowid`.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: id INTEGER PRIMARY KEY is the rowid under another name, so a trigger on changes of id
#   fires however the statement spells it.
# Seen: the lists are compared by name. `SET id` fires `OF id` only, `SET rowid` fires `OF rowid`
#   only, and `SET _rowid_` or `SET oid` fires neither, though all four change the one value. A
#   trigger without a list sees all of them.
# Documentation: https://www.sqlite.org/lang_createtable.html#rowid (the aliases),
#   https://www.sqlite.org/lang_createtrigger.html (UPDATE OF).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 :memory: <<'SQL'
CREATE TABLE item (id INTEGER PRIMARY KEY, name);
CREATE TABLE log (statement, trigger_name);
CREATE TABLE step (statement);
CREATE TRIGGER of_id AFTER UPDATE OF id ON item BEGIN
  INSERT INTO log SELECT statement, 'OF id' FROM step;
END;
CREATE TRIGGER of_rowid AFTER UPDATE OF rowid ON item BEGIN
  INSERT INTO log SELECT statement, 'OF rowid' FROM step;
END;
CREATE TRIGGER of_any AFTER UPDATE ON item BEGIN
  INSERT INTO log SELECT statement, 'any' FROM step;
END;
INSERT INTO item VALUES (1, 'a');

INSERT INTO step VALUES ('SET id');
UPDATE item SET id = id + 1;
UPDATE step SET statement = 'SET rowid';
UPDATE item SET rowid = id + 1;
UPDATE step SET statement = 'SET _rowid_';
UPDATE item SET _rowid_ = id + 1;
UPDATE step SET statement = 'SET oid';
UPDATE item SET oid = id + 1;

SELECT statement, 'fires ' || group_concat(trigger_name, ', ') FROM
  (SELECT * FROM log ORDER BY statement, trigger_name) GROUP BY statement;
SELECT 'id after four changes', id FROM item;
SQL
)
echo "$seen"

[ "$seen" = 'SET _rowid_|fires any
SET id|fires OF id, any
SET oid|fires any
SET rowid|fires OF rowid, any
id after four changes|5' ] || {
  echo 'changed: other triggers fire' >&2
  exit 1
}
echo 'as described'
