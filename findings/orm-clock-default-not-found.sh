#!/usr/bin/env bash
# Shows that Django and SQLAlchemy do not find a SQLite row by the time that the row itself shows.
#
# Written for: PyPI's Django 5.2.19 and SQLAlchemy 2.1.9, on Debian's SQLite 3.40.1-2+deb12u2.
# Expected: a row whose time the database filled in is found by `created == row.created`, and by >=.
# Seen: not found, by either. The text in the file and the text that the ORM compares it with have
#   different lengths: Django's Now() writes 3 digits of a second and Django's parameters have 6 (or
#   none); SQLAlchemy's func.now() writes none and its parameters always have 6. As text the shorter
#   one is less, so a reader that goes on from the last time it saw misses rows of that instant.
#   Times written by the ORM itself are found.
# Documentation: https://docs.djangoproject.com/en/5.2/ref/models/database-functions/#now,
#   https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#date-and-time-types
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q django==5.2.19 sqlalchemy==2.1.9

cat >"$work/show_django.py" <<'PY'
import datetime
import django
from django.conf import settings

database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(DATABASES={"default": database}, USE_TZ=True)
django.setup()
from django.db import connection, models
from django.db.models.functions import Now


class Visit(models.Model):
    created = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "example"


with connection.schema_editor() as editor:
    editor.create_model(Visit)
quarter = datetime.datetime(2024, 1, 1, 12, 0, 0, 250000, tzinfo=datetime.timezone.utc)
for title, values in [("database", {}), ("program", {"created": quarter})]:
    # On a full second Django's parameter is the shorter text: wait for a time that has a fraction.
    while True:
        visit = Visit.objects.get(pk=Visit.objects.create(**values).pk)
        if visit.created.microsecond:
            break
    same = Visit.objects.filter(pk=visit.pk, created=visit.created).count()
    later = Visit.objects.filter(pk=visit.pk, created__gte=visit.created).count()
    print(f"Django, time by the {title}: found by = {same}, by >= {later}")
PY
cat >"$work/show_sqlalchemy.py" <<'PY'
import datetime
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, create_engine, func, select

noon = datetime.datetime(2024, 1, 1, 12)
visit = Table("visit", MetaData(), Column("id", Integer, primary_key=True),
              Column("created", DateTime, server_default=func.now()))
with create_engine("sqlite://").begin() as link:
    visit.create(link)
    for title, values in [("database", {}), ("program", {"created": noon})]:
        key = link.execute(visit.insert().values(**values)).inserted_primary_key[0]
        rows = select(visit.c.created).where(visit.c.id == key)
        created = link.execute(rows).scalar_one()
        same = len(link.execute(rows.where(visit.c.created == created)).all())
        later = len(link.execute(rows.where(visit.c.created >= created)).all())
        print(f"SQLAlchemy, time by the {title}: found by = {same}, by >= {later}")
PY
seen=$(for name in django sqlalchemy; do "$work/venv/bin/python" "$work/show_$name.py"; done)
echo "$seen"
[ "$seen" = 'Django, time by the database: found by = 0, by >= 0
Django, time by the program: found by = 1, by >= 1
SQLAlchemy, time by the database: found by = 0, by >= 0
SQLAlchemy, time by the program: found by = 1, by >= 1' ] || { echo 'changed' >&2; exit 1; }
echo 'as described'
