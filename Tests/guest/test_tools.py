"""The owners' own programs: each goes on with its tables before, while and after they are served."""

import json
import shutil

import pytest
import sqlite_utils

import owner
from owner import attach, detach, execute
from phases import python

SECOND = 1_000_000
AT = 1_320_091_200 * SECOND  # 2011-10-31T20:00:00Z

# -- Django

DJANGO_SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "blog"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %r, "OPTIONS": {"timeout": 20}}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
DJANGO_MODELS = """
from django.db import models
import uuid

class Author(models.Model):
    name = models.CharField(max_length=50, unique=True)

class Post(models.Model):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=1)
    deleted = models.BooleanField(default=False)
    token = models.UUIDField(default=uuid.uuid4)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    day = models.DateField(null=True)
    data = models.JSONField(default=dict)
    %s
"""
DJANGO_PROGRAM = """
import os, sys, datetime, decimal, json
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
import django
django.setup()
from django.core.management import call_command
from blog.models import Author, Post
what = sys.argv[1]
if what == "manage":
    call_command(*sys.argv[2:])
elif what == "write":
    author = Author.objects.get_or_create(name="django")[0]
    post = Post.objects.create(title=sys.argv[2], author=author, day=datetime.date(2011, 10, 31),
                               price=decimal.Decimal("12.50"), data={"a": [1]})
    post.title += "!"
    post.save()
    Post.objects.filter(pk=post.pk).update(version=post.version + 1)
    Post.objects.bulk_create([Post(title=f"bulk {n}", author=author) for n in range(3)])
    Post.objects.filter(title__startswith="bulk").delete()
    print(post.pk)
elif what == "read":
    rows = {}
    for post in Post.objects.order_by("pk"):
        assert isinstance(post.created_at, datetime.datetime) and isinstance(post.updated_at, datetime.datetime)
        assert post.deleted in (True, False) and isinstance(post.data, dict)
        rows[post.pk] = [post.title, post.version, post.deleted, str(post.token), str(post.price), str(post.day),
                         post.created_at.isoformat()]
    print(json.dumps(rows))
"""


def django(folder, *arguments):
    return python(folder, DJANGO_PROGRAM, *arguments)


def test_django(phases, tmp_path):
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog" / "__init__.py").write_text("")
    (tmp_path / "settings.py").write_text(DJANGO_SETTINGS % str(phases.path))
    models = tmp_path / "blog" / "models.py"
    models.write_text(DJANGO_MODELS % "")
    django(tmp_path, "manage", "makemigrations", "blog")
    django(tmp_path, "manage", "migrate")
    first = django(tmp_path, "write", "before").strip()
    served = phases.serve()
    watch = served.watch("blog_post")
    # The reverse: what Django wrote is read by clients, as it is.
    row = watch.picture.of("blog_post")[first]
    assert (row["title"], row["version"], row["deleted"], row["day"]) == ("before!", 2, False, "2011-10-31")
    assert float(row["price"]) == 12.5 and row["data"] == '{"a": [1]}'
    second = django(tmp_path, "write", "while").strip()
    served.exact()
    assert watch.picture.of("blog_post")[second]["title"] == "while!"
    # What a client writes is read by Django.
    created = served.session.create(
        "blog_post", title="client's", created_at=AT + 5, updated_at=AT, version=7, deleted=True, price="3.5",
        day="2012-02-29", data='{"b": 2}', token=row["token"],
    )
    served.session.update("blog_post", id=int(first), title="changed", updated_at=AT)
    rows = json.loads(django(tmp_path, "read"))
    assert rows[first][:2] == ["changed", 2]
    mine = rows[str(created.row["id"])]
    token = rows[first][3]
    assert mine[:3] == ["client's", 7, True] and mine[3] == token and mine[5] == "2012-02-29"
    assert float(mine[4]) == 3.5 and mine[6].startswith("2011-10-31T20:00:00")
    # A migration while it is served: Django builds the table anew.
    django(tmp_path, "manage", "makemigrations", "--check", "blog")
    django(tmp_path, "manage", "check")
    models.write_text(DJANGO_MODELS % 'subtitle = models.CharField(max_length=20, default="none")')
    number = served.fields("blog_post")["title"].number
    django(tmp_path, "manage", "makemigrations", "blog")
    django(tmp_path, "manage", "migrate")
    served.until_fields("blog_post", lambda fields: "subtitle" in fields, "the migration is not served")
    served.anew()
    assert served.fields("blog_post")["title"].number == number
    assert served.answers("blog_post")[0][first]["subtitle"] == "none"
    models.write_text(DJANGO_MODELS.replace("max_length=100", "max_length=200, db_index=True")
                      % 'subheading = models.TextField(null=True)')
    (tmp_path / "blog" / "migrations" / "0003_more.py").write_text(
        "from django.db import migrations, models\n"
        "class Migration(migrations.Migration):\n"
        "    dependencies = [('blog', '%s')]\n"
        "    operations = [migrations.RenameField('post', 'subtitle', 'subheading'),\n"
        "      migrations.AlterField('post', 'subheading', models.TextField(null=True)),\n"
        "      migrations.AlterField('post', 'title', models.CharField(max_length=200, db_index=True))]\n"
        % sorted(p.stem for p in (tmp_path / "blog" / "migrations").glob("0002*.py"))[0]
    )
    django(tmp_path, "manage", "migrate")
    django(tmp_path, "manage", "makemigrations", "--check", "blog")
    third = django(tmp_path, "write", "migrated").strip()
    served.settle()
    served.until_fields("blog_post", lambda fields: "subheading" in fields, "the second one is not served")
    served.anew()
    assert served.answers("blog_post")[0][third]["title"] == "migrated!"
    phases.leave()
    django(tmp_path, "manage", "makemigrations", "--check", "blog")
    django(tmp_path, "write", "after")
    assert json.loads(django(tmp_path, "read"))[third][0] == "migrated!"
    django(tmp_path, "manage", "migrate", "blog", "zero")


# -- SQLAlchemy with Alembic

ALCHEMY = """
import datetime, decimal, json, sys, uuid
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
class Base(DeclarativeBase): pass
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[datetime.datetime] = mapped_column(default=lambda: datetime.datetime(2011, 10, 31, 20))
    updated_at: Mapped[datetime.datetime | None] = mapped_column(onupdate=lambda: datetime.datetime(2012, 10, 31, 20))
    version: Mapped[int] = mapped_column(default=1)
    flag: Mapped[bool] = mapped_column(default=True)
    day: Mapped[datetime.date | None]
    token: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)
    kind: Mapped[str] = mapped_column(sa.Enum("small", "large", name="kinds", create_constraint=True), default="small")
    __mapper_args__ = {"version_id_col": version}
engine = sa.create_engine("sqlite:///" + sys.argv[2], connect_args={"timeout": 20})
what = sys.argv[1]
if what == "create":
    Base.metadata.create_all(engine)
with Session(engine) as session:
    if what == "write":
        item = Item(name=sys.argv[3], day=datetime.date(2011, 10, 31))
        session.add(item); session.commit()
        item.name += "!"; session.commit()
        assert item.version == 2, item.version
        print(item.id)
    elif what == "read":
        rows = {}
        for item in session.scalars(sa.select(Item)):
            assert isinstance(item.created_at, datetime.datetime), item.created_at
            assert item.updated_at is None or isinstance(item.updated_at, datetime.datetime)
            rows[item.id] = [item.name, item.version, item.flag, str(item.created_at), str(item.token), item.kind]
        print(json.dumps(rows))
"""
ALEMBIC = """
import sys
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.autogenerate import compare_metadata
engine = sa.create_engine("sqlite:///" + sys.argv[2], connect_args={"timeout": 20})
with engine.begin() as connection:
    op = Operations(MigrationContext.configure(connection))
    if sys.argv[1] == "add":
        op.add_column("items", sa.Column("note", sa.String(20), nullable=True))
    elif sys.argv[1] == "batch":
        with op.batch_alter_table("items", recreate="always") as batch:
            batch.alter_column("name", type_=sa.Text(), nullable=False)
            batch.add_column(sa.Column("rank", sa.Integer(), server_default="5"))
            batch.create_index("by_name", ["name"])
    elif sys.argv[1] == "drop":
        with op.batch_alter_table("items") as batch:
            batch.drop_column("note")
            batch.drop_column("rank")
"""


def test_sqlalchemy_and_alembic(phases, tmp_path):
    path = phases.path
    python(tmp_path, ALCHEMY, "create", path)
    first = python(tmp_path, ALCHEMY, "write", path, "before").strip()
    served = phases.serve()
    watch = served.watch("items")
    row = watch.picture.of("items")[first]
    assert (row["name"], row["version"], row["flag"], row["day"]) == ("before!", 2, True, "2011-10-31")
    assert row["created_at"] == AT and row["kind"] == "small"
    second = python(tmp_path, ALCHEMY, "write", path, "while").strip()
    served.exact()
    assert watch.picture.of("items")[second]["version"] == 2
    created = served.session.create("items", name="client's", created_at=AT + 123_456, version=1, flag=False,
                                    token=row["token"], kind="large")
    served.session.update("items", id=int(first), name="changed")
    rows = json.loads(python(tmp_path, ALCHEMY, "read", path))
    assert rows[first][:2] == ["changed", 2]
    assert rows[str(created.row["id"])][:3] == ["client's", 1, False]
    assert rows[str(created.row["id"])][3] == "2011-10-31 20:00:00.123456"
    assert rows[str(created.row["id"])][4] == rows[first][4]
    number = served.fields("items")["name"].number
    for step, there in (("add", {"note"}), ("batch", {"note", "rank"}), ("drop", set())):
        python(tmp_path, ALEMBIC, step, path)
        served.until_fields(
            "items", lambda fields: {"note", "rank"} & set(fields) == there, f"after {step}: not served"
        )
        served.anew()
        assert served.fields("items")["name"].number == number
        assert served.answers("items")[0][first]["name"] == "changed"
    third = python(tmp_path, ALCHEMY, "write", path, "migrated").strip()
    phases.leave()
    python(tmp_path, ALCHEMY, "write", path, "after")
    assert json.loads(python(tmp_path, ALCHEMY, "read", path))[third][0] == "migrated!"
    assert "datasync" not in owner.dump(path).decode()


# -- Peewee

PEEWEE = """
import datetime, json, sys
import peewee as pw
from playhouse.migrate import SqliteMigrator, migrate
db = pw.SqliteDatabase(sys.argv[2], timeout=20)
class Note(pw.Model):
    title = pw.CharField()
    created_at = pw.DateTimeField(default=lambda: datetime.datetime(2011, 10, 31, 20, 0, 0, 250000))
    stamp = pw.TimestampField(default=1320091200)
    done = pw.BooleanField(default=False)
    key = pw.UUIDField(null=True)
    class Meta:
        database = db
what = sys.argv[1]
if what == "create":
    db.create_tables([Note])
elif what == "write":
    note = Note.create(title=sys.argv[3]); note.done = True; note.save()
    again = Note.insert(id=note.id, title="x")
    again.on_conflict(conflict_target=[Note.id], update={Note.title: note.title + "!"}).execute()
    Note.replace(id=note.id + 50, title="replaced").execute()
    print(note.id)
elif what == "read":
    rows = {}
    for note in Note.select():
        assert isinstance(note.created_at, datetime.datetime), note.created_at
        rows[note.id] = [note.title, note.done, str(note.created_at)]
    print(json.dumps(rows))
elif what == "migrate":
    migrator = SqliteMigrator(db)
    migrate(migrator.add_column("note", "tag", pw.CharField(default="none")),
            migrator.rename_column("note", "tag", "label"), migrator.add_not_null("note", "label"),
            migrator.add_index("note", ("label",), False))
"""


def test_peewee(phases, tmp_path):
    path = phases.path
    python(tmp_path, PEEWEE, "create", path)
    first = python(tmp_path, PEEWEE, "write", path, "before").strip()
    served = phases.serve()
    watch = served.watch("note")
    row = watch.picture.of("note")[first]
    # Peewee declares what is true or false an INTEGER.
    assert (row["title"], row["done"], row["created_at"]) == ("before!", 1, AT + 250_000)
    python(tmp_path, PEEWEE, "write", path, "while")
    served.exact()
    created = served.session.create("note", title="client's", created_at=AT + 1, stamp=row["stamp"], done=1)
    rows = json.loads(python(tmp_path, PEEWEE, "read", path))
    assert rows[str(created.row["id"])] == ["client's", True, "2011-10-31 20:00:00.000001"]
    number = served.fields("note")["title"].number
    python(tmp_path, PEEWEE, "migrate", path)
    served.until_fields("note", lambda fields: "label" in fields, "the migrated table is not served")
    served.anew()
    assert served.fields("note")["title"].number == number
    assert served.answers("note")[0][first]["label"] == "none"
    phases.leave()
    assert json.loads(python(tmp_path, PEEWEE, "read", path))[first][0] == "before!"


# -- sqlite-utils


def test_sqlite_utils(phases):
    def database():
        made = sqlite_utils.Database(phases.path)
        made.conn.execute("PRAGMA busy_timeout = 20000")
        return made

    db = database()
    db["dogs"].insert_all([{"id": n, "name": f"dog {n}", "age": n} for n in range(1, 6)], pk="id")
    served = phases.serve()
    watch = served.watch("dogs")
    number = served.fields("dogs")["name"].number
    db["dogs"].upsert({"id": 3, "name": "upserted"}, pk="id")
    db["dogs"].insert({"id": 4, "name": "replaced", "age": 1}, replace=True)
    db["dogs"].update(5, {"age": 50})
    db["dogs"].delete(1)
    served.exact()
    assert {id: (r["name"], r["age"]) for id, r in watch.picture.of("dogs").items()} == {
        "2": ("dog 2", 2), "3": ("upserted", 3), "4": ("replaced", 1), "5": ("dog 5", 50)}
    # Each of these builds the table anew.
    for change, there in (
        (lambda: db["dogs"].transform(rename={"age": "years"}), "years"),
        (lambda: db["dogs"].transform(types={"years": float}), "years"),
        (lambda: db["dogs"].transform(defaults={"years": 1}, column_order=("years", "name")), "years"),
        (lambda: db["dogs"].transform(drop={"years"}, not_null={"name"}), None),
        (lambda: db["dogs"].insert({"id": 9, "name": "altered", "size": 3}, alter=True), "size"),
        (lambda: db["dogs"].extract("name", table="names"), "names_id"),
    ):
        token = served.token("dogs")
        change()
        # An added column is no new history; whatever sqlite-utils builds anew has one.
        if there == "size":
            served.until_fields("dogs", lambda fields: "size" in fields, "the added column is not served")
            served.anew()
        else:
            served.until_begun_anew("dogs", token)
        if there is not None:
            assert there in served.fields("dogs"), there
        if "name" in served.fields("dogs"):
            assert served.fields("dogs")["name"].number == number
        assert len(served.answers("dogs")[0]) == db["dogs"].count
    served.until_served("dogs", "names")
    served.session.create("names", name="client's")
    assert db["names"].count == 5 + 1
    db.conn.close()
    phases.leave()
    db = database()
    assert set(db.table_names()) == {"dogs", "names"} and db["names"].count == 6
    db.conn.close()


# -- Datasette

DATASETTE = """
import asyncio, json, sys
from datasette.app import Datasette
async def main():
    datasette = Datasette([sys.argv[1]])
    found = {}
    for path in sys.argv[2:]:
        answer = await datasette.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        found[path] = answer.json()
    print(json.dumps(found))
asyncio.run(main())
"""


def test_datasette_reads_what_is_served(phases, tmp_path):
    owner.create(phases.path, """
        CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
        CREATE VIEW titles AS SELECT * FROM books; INSERT INTO books (title) VALUES ('one');""")
    paths = ["/tool/books.json?_shape=objects", "/tool/titles.json?_shape=objects", "/tool.json"]
    before = json.loads(python(tmp_path, DATASETTE, phases.path, *paths))
    served = phases.serve()
    while_ = json.loads(python(tmp_path, DATASETTE, phases.path, *paths))
    assert while_[paths[0]]["rows"] == before[paths[0]]["rows"]
    assert while_[paths[1]]["rows"] == before[paths[1]]["rows"]
    served.session.create("books", title="client's")
    after = json.loads(python(tmp_path, DATASETTE, phases.path, *paths))
    assert [row["title"] for row in after[paths[0]]["rows"]] == ["one", "client's"]
    assert set(after[paths[0]]["rows"][0]) == {"id", "title", "created_at"}


# -- the sqlite3 shell


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 shell")
def test_the_shell_and_its_dot_commands(phases, tmp_path):
    owner.create(phases.path, "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, n INTEGER);")
    served = phases.serve()
    watch = served.watch("t")
    (tmp_path / "rows.csv").write_text("1,one,1\n2,two,2\n3,three,3\n")
    served.shell(".mode csv", f".import {tmp_path / 'rows.csv'} t")
    served.exact()
    assert watch.picture.of("t").keys() == {"1", "2", "3"}
    assert served.shell("SELECT * FROM t WHERE id = 1").strip() == "1|one|1"
    assert "datasync" not in served.shell(".schema t").split("CREATE TRIGGER")[0]
    dumped = served.shell(".dump t --data-only")
    served.shell("DELETE FROM t")
    served.exact()
    served.shell(*[line.rstrip(";") for line in dumped.splitlines() if line.startswith("INSERT")])
    served.exact()
    assert watch.picture.of("t").keys() == {"1", "2", "3"}
    served.shell(f".clone {tmp_path / 'cloned.db'}")
    assert execute(tmp_path / "cloned.db", "SELECT count(*) FROM t") == [(3,)]
    served.shell(f".backup {tmp_path / 'backup.db'}", "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM")
    assert execute(tmp_path / "backup.db", "SELECT count(*) FROM t") == [(3,)]
    served.sql("UPDATE t SET n = 9")
    served.exact()
    assert served.shell("PRAGMA integrity_check", "PRAGMA foreign_key_check").strip() == "ok"


# -- schemas and values as other tools write them

RAILS = """
CREATE TABLE IF NOT EXISTS "schema_migrations" ("version" varchar NOT NULL PRIMARY KEY);
CREATE TABLE IF NOT EXISTS "ar_internal_metadata" ("key" varchar NOT NULL PRIMARY KEY, "value" varchar,
  "created_at" datetime(6) NOT NULL, "updated_at" datetime(6) NOT NULL);
CREATE TABLE IF NOT EXISTS "posts" ("id" integer PRIMARY KEY AUTOINCREMENT NOT NULL, "title" varchar, "live" boolean
  DEFAULT 0 NOT NULL, "lock_version" integer DEFAULT 0, "published_on" date, "price" decimal(8,2), "data" json,
  "created_at" datetime(6) NOT NULL, "updated_at" datetime(6) NOT NULL);
INSERT INTO "posts" VALUES (1, 'one', 1, 0, '2011-10-31', 12.5, '{}', '2011-10-31 20:00:00.123456',
  '2011-10-31 20:00:00.123456');
INSERT INTO "schema_migrations" VALUES ('20111031200000');
INSERT INTO "ar_internal_metadata" VALUES ('environment', 'test', '2011-10-31 20:00:00', '2011-10-31 20:00:00');
"""
SEQUELIZE = """
CREATE TABLE IF NOT EXISTS `Users` (`id` UUID PRIMARY KEY, `name` VARCHAR(255), `active` TINYINT(1) DEFAULT 1,
  `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL, `deletedAt` DATETIME);
CREATE TABLE `posts` (`id` INTEGER PRIMARY KEY AUTOINCREMENT, `title` VARCHAR(255), `createdAt` DATETIME NOT NULL,
  `updatedAt` DATETIME NOT NULL);
INSERT INTO `posts` VALUES (1, 'one', '2011-10-31 20:00:00.123 +00:00', '2011-10-31 20:00:00.123 +00:00');
"""
PRISMA = """
CREATE TABLE "posts" ("id" TEXT NOT NULL PRIMARY KEY, "title" TEXT NOT NULL, "published" BOOLEAN NOT NULL
  DEFAULT false,
  "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" DATETIME NOT NULL, "price" DECIMAL,
  "size" BIGINT,
  CONSTRAINT "c" CHECK ("size" < 100));
CREATE UNIQUE INDEX "posts_title_key" ON "posts"("title");
CREATE TABLE "_prisma_migrations" ("id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME,
  "migration_name" TEXT NOT NULL, "started_at" DATETIME NOT NULL DEFAULT current_timestamp,
  "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0);
INSERT INTO "posts" VALUES ('1', 'one', 1, 1320091200123, 1320091200123, 1.5, 5);
INSERT INTO "_prisma_migrations" VALUES ('m', 'sum', 1320091200123, 'init', 1320091200000, 1);
"""
GO = """
CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, live BOOL, created_at TIMESTAMP, updated_at TIMESTAMP,
  deleted_at DATETIME);
CREATE INDEX idx_posts_deleted_at ON posts (deleted_at);
INSERT INTO posts VALUES (1, 'one', 1, '2011-10-31 20:00:00.123456789+00:00', '2011-10-31 22:00:00.5+02:00', NULL),
  (2, 'two', 0, '2011-10-31 20:00:00 +0000 UTC', '2011-10-31 20:00:00.5 +0000 UTC m=+0.001', NULL);
"""
OTHERS = {
    # The owner's insert of row 9, and what it then reads of the client's row (a LIKE pattern of its time).
    "rails": (RAILS, "INSERT INTO posts (id, title, created_at, updated_at) VALUES (9, 'nine',"
              " '2011-10-31 20:00:00.000001', '2011-10-31 20:00:00.000001')", "created_at", AT + 123_456,
              "2011-10-31 20:00:00.000007"),
    "sequelize": (SEQUELIZE, "INSERT INTO posts VALUES (9, 'nine', '2011-10-31 20:00:00.001 +00:00',"
                  " '2011-10-31 20:00:00.001 +00:00')", "createdAt", AT + 123_000, "2011-10-31 20:00:00.000 +00:00"),
    "prisma": (PRISMA, "INSERT INTO posts VALUES ('9', 'nine', 0, 1320091200001, 1320091200001, NULL, NULL)",
               "createdAt", AT + 123_000, AT // 1000),
    "go": (GO, "INSERT INTO posts VALUES (9, 'nine', 1, '2011-10-31 20:00:00.1+00:00',"
           " '2011-10-31 20:00:00+00:00', NULL)",
           "created_at", AT + 123_456, None),
}


@pytest.mark.parametrize("tool", OTHERS)
def test_other_tools_schemas_and_values(phases, tool):
    sql, insert, column, reads, kept = OTHERS[tool]
    owner.create(phases.path, sql)
    before = owner.dump(phases.path)
    served = phases.serve()
    watch = served.watch("posts")
    assert not watch.picture.errors_of("posts"), watch.picture.errors_of("posts")
    assert watch.picture.of("posts")["1"][column] == reads
    field = {c.stored_name or c.name: c.name for c in served.table("posts").columns if not c.system}
    served.sql(insert)
    served.exact()
    assert watch.picture.of("posts")["9"]["title"] == "nine"
    names = [name for name in (column, column.replace("created", "updated")) if name in field]
    key = "7" if tool == "prisma" else 7
    served.session.create("posts", id=key, title="client's", **{field[name]: AT + 7 for name in names})
    ((stored,),) = served.sql(f"SELECT {column} FROM posts WHERE id = 7")
    assert kept is None or stored == kept
    served.exact()
    for table in served.tables():
        assert not served.answers(table)[1], table
    served.sql("DELETE FROM posts WHERE id IN (7, 9)")
    phases.leave()
    if "AUTOINCREMENT" not in sql:
        assert owner.dump(phases.path) == before


def test_a_tool_that_only_attaches_finds_everything_as_it_was(tmp_path):
    for name, (sql, *_) in OTHERS.items():
        path = owner.create(tmp_path / f"{name}.db", sql)
        before = owner.dump(path)
        attach(path)
        owner.assert_same_dump(owner.dump_of_the_owners(path), before, f"of {name}, while attached")
        detach(path)
        owner.assert_same_dump(owner.dump(path), before, f"of {name}, after detach")
