#!/usr/bin/env bash
# Shows that SQLite's time functions give one time two different seconds.
#
# Written for: Debian's sqlite3 3.40.1-2+deb12u2.
# Expected: datetime(), strftime('%s') and strftime('%f') agree on which second a time lies in, and
#   a modifier that adds nothing changes nothing.
# Seen: times are kept to the millisecond, rounded, wherever a day number or Unix time is needed,
#   and cut where the given text will do. For a time just before the full second, %s is
#   already the next second; datetime() is still this one until '+0 seconds' is added; %f says
#   01.000, beside a %S of 00, except in second 59, where it stops at 59.999. A client that sends
#   microseconds and sorts or groups by these functions meets all of them.
# Documentation: https://www.sqlite.org/lang_datefunc.html (formats; says nothing of rounding).
set -euo pipefail

dpkg-query -W sqlite3

seen=$(sqlite3 -separator ' | ' :memory: <<'SQL'
WITH given(t) AS (VALUES
  ('2024-01-01 00:00:00.999499'),
  ('2024-01-01 00:00:00.999600'),
  ('2024-01-01 00:00:59.999600'))
SELECT t,
  strftime('%s', t) - strftime('%s', '2024-01-01'),
  strftime('%s', datetime(t)) - strftime('%s', '2024-01-01'),
  strftime('%S', t),
  strftime('%f', t),
  strftime('%M:%f', t, '+0 seconds')
FROM given;
SQL
)
echo 'given | %s | %s of datetime() | %S | %f | %M:%f after +0 seconds'
echo "$seen"

[ "$seen" = '2024-01-01 00:00:00.999499 | 0 | 0 | 00 | 00.999 | 00:00.999
2024-01-01 00:00:00.999600 | 1 | 0 | 00 | 01.000 | 00:01.000
2024-01-01 00:00:59.999600 | 60 | 59 | 59 | 59.999 | 01:00.000' ] || {
  echo 'changed: the functions round in another way' >&2
  exit 1
}
echo 'as described'
