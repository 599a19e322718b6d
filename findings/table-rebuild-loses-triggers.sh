#!/usr/bin/env bash
# Shows that three libraries which rebuild a SQLite table to change a column lose its triggers.
#
# Written for: PyPI's sqlite-utils 4.2.1, Django 5.2.19 and Alembic 1.20.1 (SQLAlchemy 2.1.9), on
#   Debian's SQLite 3.40.1-2+deb12u2.
# Expected: a change of one column's type keeps the table's triggers, as SQLite's own recipe does
#   (remember the indexes, triggers and views; make them again), or warns that they go.
# Seen: DROP TABLE takes the triggers along and nobody makes them again or says so, in sqlite-utils'
#   transform, Django's AlterField and Alembic's batch_alter_table. Indexes are carried over.
# Documentation: https://www.sqlite.org/lang_altertable.html (section 7, steps 3 and 8);
#   https://sqlite-utils.datasette.io/en/stable/python-api.html (transform),
#   https://alembic.sqlalchemy.org/en/latest/batch.html
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-query -W libsqlite3-0
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q sqlite-utils==4.2.1 django==5.2.19 alembic==1.20.1 sqlalchemy==2.1.9

cat >"$work/show.py" <<'PY'
import sqlite3
import sys

SCHEMA = """
CREATE TABLE note (id INTEGER PRIMARY KEY, body VARCHAR(10) NOT NULL);
CREATE TABLE log (note);
CREATE INDEX note_body ON note (body);
CREATE TRIGGER note_added AFTER INSERT ON note BEGIN INSERT INTO log VALUES (new.id); END;
"""


def by_sqlite_utils(path):
    import sqlite_utils
    database = sqlite_utils.Database(path)
    database["note"].transform(types={"body": int})
    database.close()


def by_django(path):
    import django
    from django.conf import settings
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    settings.configure(DATABASES={"default": database})
    django.setup()
    from django.db import connection, migrations, models
    from django.db.migrations.state import ModelState, ProjectState
    before = ProjectState()
    fields = [("id", models.AutoField(primary_key=True)), ("body", models.CharField(max_length=10))]
    index = models.Index(fields=["body"], name="note_body")
    options = {"db_table": "note", "indexes": [index]}
    before.add_model(ModelState("example", "Note", fields, options))
    change = migrations.AlterField("Note", "body", models.TextField())
    after = before.clone()
    change.state_forwards("example", after)
    with connection.schema_editor() as editor:
        change.database_forwards("example", editor, before, after)


def by_alembic(path):
    import sqlalchemy
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    with sqlalchemy.create_engine(f"sqlite:///{path}").begin() as link:
        with Operations(MigrationContext.configure(link)).batch_alter_table("note") as batch:
            batch.alter_column("body", type_=sqlalchemy.Text())


for change in (by_sqlite_utils, by_django, by_alembic):
    path = f"{sys.argv[1]}/{change.__name__}"
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
    change(path)
    rows = sqlite3.connect(path).execute(
        "SELECT type || ' ' || name FROM sqlite_schema WHERE name LIKE 'note!_%' ESCAPE '!'")
    print(f"{change.__name__}: {[row[0] for row in rows]}")
PY
seen=$("$work/venv/bin/python" "$work/show.py" "$work")
echo "$seen"
[ "$(grep -c ": \['index note_body'\]" <<<"$seen")" = 3 ] || { echo 'changed' >&2; exit 1; }
echo 'as described'
