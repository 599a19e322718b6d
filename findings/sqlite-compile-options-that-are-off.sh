#!/usr/bin/env bash
# Shows that SQLite lists DEFAULT_AUTOVACUUM and DEFAULT_RECURSIVE_TRIGGERS though both are off.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: a name in PRAGMA compile_options without "=value" says that the option is in force.
# Seen: both names are listed, bare, and sqlite_compileoption_used() answers 1 for them, while a new
#   database has auto_vacuum 0 and recursive_triggers 0: the options are defined as zero. Who reads
#   the list takes it that REPLACE fires DELETE triggers and that files shrink by themselves.
#   Options with a value other than on or off are listed with it (DEFAULT_SYNCHRONOUS=2).
# Documentation: https://www.sqlite.org/pragma.html#pragma_compile_options,
#   https://www.sqlite.org/compile.html
set -euo pipefail

dpkg-query -W sqlite3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seen=$(sqlite3 -separator ': ' "$work/new" <<'SQL'
CREATE TABLE item (id INTEGER PRIMARY KEY, name UNIQUE);
CREATE TABLE log (what);
CREATE TRIGGER gone AFTER DELETE ON item BEGIN INSERT INTO log VALUES ('deleted'); END;
SELECT 'listed', compile_options FROM pragma_compile_options
  WHERE compile_options LIKE 'DEFAULT_AUTOVACUUM%'
     OR compile_options LIKE 'DEFAULT_RECURSIVE_TRIGGERS%'
     OR compile_options LIKE 'DEFAULT_SYNCHRONOUS%' ORDER BY 2;
SELECT 'used DEFAULT_AUTOVACUUM', sqlite_compileoption_used('DEFAULT_AUTOVACUUM');
SELECT 'auto_vacuum', auto_vacuum FROM pragma_auto_vacuum;
SELECT 'used DEFAULT_RECURSIVE_TRIGGERS', sqlite_compileoption_used('DEFAULT_RECURSIVE_TRIGGERS');
SELECT 'recursive_triggers', recursive_triggers FROM pragma_recursive_triggers;
INSERT INTO item VALUES (1, 'a');
REPLACE INTO item VALUES (2, 'a');
SELECT 'DELETE triggers of a REPLACE', count(*) FROM log;
SQL
)
echo "$seen"

[ "$seen" = 'listed: DEFAULT_AUTOVACUUM
listed: DEFAULT_RECURSIVE_TRIGGERS
listed: DEFAULT_SYNCHRONOUS=2
used DEFAULT_AUTOVACUUM: 1
auto_vacuum: 0
used DEFAULT_RECURSIVE_TRIGGERS: 1
recursive_triggers: 0
DELETE triggers of a REPLACE: 0' ] || {
  echo 'changed: the list or the settings differ' >&2
  exit 1
}
echo 'as described'
