#!/usr/bin/env bash
# Shows that SQLite's REPLACE deletes a parent's children, triggers and all, but hides the parent.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: the row that REPLACE removes either counts as deleted, for triggers, foreign keys and
#   the counters, or for none of them.
# Seen: ON DELETE CASCADE acts and the children's DELETE triggers fire, even though the parent comes
#   back under the same key; the parent's own DELETE trigger does not fire. changes() says 1, and
#   total_changes() counts the children and not the row that was replaced.
# Documentation: https://www.sqlite.org/lang_conflict.html (the trigger is documented to depend on
#   recursive_triggers; what foreign keys and total_changes() make of the row is not said there).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 -separator ': ' :memory: <<'SQL'
PRAGMA foreign_keys = ON;
CREATE TABLE list (id INTEGER PRIMARY KEY, title);
CREATE TABLE task (list REFERENCES list (id) ON DELETE CASCADE, name);
CREATE TEMP TABLE log (what);
CREATE TEMP TABLE before (total);
CREATE TEMP TRIGGER list_gone AFTER DELETE ON main.list BEGIN INSERT INTO log VALUES ('list'); END;
CREATE TEMP TRIGGER task_gone AFTER DELETE ON main.task BEGIN INSERT INTO log VALUES ('task'); END;
INSERT INTO list VALUES (1, 'old');
INSERT INTO task VALUES (1, 'a'), (1, 'b'), (1, 'c');

INSERT INTO before VALUES (total_changes() + 1);
REPLACE INTO list VALUES (1, 'new');
SELECT 'changes()', changes();
-- Three tasks, three lines in the log, one new list: 7. The old list would make it 8.
SELECT 'total_changes() since', total_changes() - total FROM before;
SELECT 'DELETE triggers', group_concat(what) FROM log;
SELECT 'lists', group_concat(title) FROM list;
SELECT 'tasks', count(*) FROM task;
SQL
)
echo "$seen"

[ "$seen" = 'changes(): 1
total_changes() since: 7
DELETE triggers: task,task,task
lists: new
tasks: 0' ] || {
  echo 'changed: the counters, the triggers or the cascade differ' >&2
  exit 1
}
echo 'as described'
