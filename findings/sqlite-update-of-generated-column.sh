#!/usr/bin/env bash
# Shows that SQLite's `UPDATE OF` trigger on a generated column never fires, and is accepted.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: CREATE TRIGGER refuses a column that no statement can set; or the trigger fires when the
#   column's value changes because one that it is computed from was set.
# Seen: it is accepted and silent, for VIRTUAL and for STORED columns, while old and new show two
#   values. A foreign key's ON UPDATE CASCADE, which no statement names either, does fire the
#   trigger on the child's column.
# Documentation: https://www.sqlite.org/gencol.html, https://www.sqlite.org/lang_createtrigger.html
#   (neither speaks of the two together).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 :memory: <<'SQL'
PRAGMA foreign_keys = ON;
CREATE TABLE log (what);
CREATE TABLE line (
  price INTEGER,
  amount INTEGER,
  total INTEGER AS (price * amount) STORED,
  half REAL AS (price / 2.0) VIRTUAL
);
CREATE TRIGGER on_total AFTER UPDATE OF total ON line BEGIN
  INSERT INTO log VALUES ('OF total');
END;
CREATE TRIGGER on_half AFTER UPDATE OF half ON line BEGIN
  INSERT INTO log VALUES ('OF half');
END;
CREATE TRIGGER on_price AFTER UPDATE OF price ON line BEGIN
  INSERT INTO log VALUES ('OF price, total ' || old.total || ' to ' || new.total
    || ', half ' || old.half || ' to ' || new.half);
END;
INSERT INTO line (price, amount) VALUES (3, 4);
UPDATE line SET price = 5;

CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (parent REFERENCES parent (id) ON UPDATE CASCADE);
CREATE TRIGGER on_child AFTER UPDATE OF parent ON child BEGIN
  INSERT INTO log VALUES ('OF parent, by the cascade');
END;
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1);
UPDATE parent SET id = 2;
SELECT what FROM log;
SQL
)
echo "$seen"

[ "$seen" = 'OF price, total 12 to 20, half 1.5 to 2.5
OF parent, by the cascade' ] || {
  echo 'changed: other triggers fire' >&2
  exit 1
}
echo 'as described'
