"""A whole site of Django's: admin, sessions, keys and names of every kind, migrations of every kind."""

import json
import shutil

import pytest

import owner
from phases import Phases, python

AT = 1_320_091_200_000_000  # 2011-10-31T20:00:00Z

SITE_SETTINGS = """
SECRET_KEY = "x"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = ["django.contrib." + name for name in ("admin", "auth", "contenttypes", "sessions", "messages")]
INSTALLED_APPS += ["shop"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
# With the default, BEGIN, a transaction that reads first is refused where anybody else has written meanwhile.
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %(name)r,
                         "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
                         "TEST": {"NAME": %(name)r + "-test"}}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
SITE_URLS = """
from django.contrib import admin
from django.urls import path
urlpatterns = [path("admin/", admin.site.urls)]
"""
SITE_ADMIN = """
from django.apps import apps
from django.contrib import admin
for model in apps.get_app_config("shop").get_models():
    admin.site.register(model)
"""
SITE_MODELS = """
import uuid
from django.conf import settings
from django.db import models

class Category(models.Model):
    name = models.CharField(max_length=50, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE)

class Label(models.Model):
    slug = models.SlugField(primary_key=True)

class Product(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, db_index=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT)
    labels = models.ManyToManyField(Label, blank=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    active = models.BooleanField(default=True)
    liked = models.BooleanField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    more = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    released = models.DateField(null=True, blank=True)
    opens = models.TimeField(null=True, blank=True)
    took = models.DurationField(null=True, blank=True)
    photo = models.BinaryField(null=True, blank=True)
    stock = models.PositiveIntegerField(default=0)
    deleted = models.BooleanField(default=False)
    class Meta:
        unique_together = [("name", "category")]
        constraints = [models.CheckConstraint(condition=models.Q(price__gte=0), name="not_negative")]

class Odd(models.Model):
    value = models.CharField(max_length=20, db_column="strange value")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    class Meta:
        db_table = "it's an odd näme"

class Item(models.Model):
    number = models.BigAutoField(primary_key=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
    count = models.PositiveSmallIntegerField()
    price = models.DecimalField(max_digits=10, decimal_places=2)
    total = models.GeneratedField(expression=models.F("count") * models.F("price"), db_persist=True,
                                  output_field=models.DecimalField(max_digits=12, decimal_places=2))
    class Meta:
        db_table = "order"
"""
# Each is a migration: what Django does in place, and what it builds a table anew for.
SITE_MIGRATIONS = {
    "0002": """migrations.AddField("product", "note", models.CharField(max_length=20, default="none")),
        migrations.AddField("product", "seen", models.DateTimeField(null=True))""",
    "0003": """migrations.AlterField("product", "price", models.DecimalField(max_digits=12, decimal_places=3))""",
    "0004": """migrations.RenameField("product", "stock", "in_stock")""",
    "0005": """migrations.AddIndex("product", models.Index(fields=["released"], name="by_release")),
        migrations.AddConstraint("item", models.UniqueConstraint(fields=["product", "count"], name="once"))""",
    "0006": """migrations.CreateModel("Review", [("id", models.BigAutoField(primary_key=True)),
          ("product", models.ForeignKey("shop.product", models.CASCADE)), ("text", models.TextField())])""",
    "0007": """migrations.DeleteModel("Odd"), migrations.RenameModel("Label", "Tag")""",
}
# What a client sees of each: a table that is served, and a field of it.
SITE_SEEN = {"0002": ("shop_product", "note"), "0003": ("shop_product", "price"), "0004": ("shop_product", "in_stock"),
             "0005": ("order", "count"), "0006": ("shop_review", "text"), "0007": ("shop_product_labels", "tag_id")}
SITE_TESTS = """
from django.test import TestCase, TransactionTestCase
from shop.models import Category, Product
class Taken(TestCase):
    def test_back(self):
        Product.objects.create(name="p", price="1.50", category=Category.objects.create(name="only here"))
class Flushed(TransactionTestCase):
    def test_away(self):
        Category.objects.create(name="only here")
        assert Category.objects.count() == 1
"""
SITE_PROGRAM = """
import datetime, decimal, json, os, sys, uuid
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.utils import timezone
# What two runs store is the same.
timezone.now = lambda: datetime.datetime(2011, 10, 31, 20, 0, 0, 123456, tzinfo=datetime.timezone.utc)
import django
django.setup()
from django.core.management import call_command
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
what = sys.argv[1]
if what == "manage":
    call_command(*sys.argv[2:])
    sys.exit()
from shop.models import Category, Item, Label, Odd, Product
first = uuid.UUID(int=1)
if what == "fill":
    user = User.objects.create_superuser("root", "root@example.org", "secret")
    books, food = [Category.objects.create(name=name) for name in ("books", "food")]
    Category.objects.create(name="cheese", parent=food)
    labels = [Label.objects.create(slug=slug) for slug in ("new", "hot", "old")]
    for n in range(12):
        product = Product.objects.create(
            id=uuid.UUID(int=n + 1), name=f"ü {n}", category=[books, food][n % 2], price=decimal.Decimal(n) / 4,
            stock=n, active=n % 2 == 0, liked=[None, True, False][n % 3], data={"n": [n, 1.5, None, "ü"]},
            more=[None, 5, "text", [1], {}][n % 5], released=datetime.date(2011, 10, 1 + n), photo=bytes([0, n, 255]),
            opens=datetime.time(8, n), took=datetime.timedelta(days=n, microseconds=5))
        product.labels.set(labels[:n % 4])
        Item.objects.create(product=product, count=n, price=product.price)
        Odd.objects.create(value=f"v {n}", owner=user if n % 2 else None)
elif what == "orm":
    Category.objects.bulk_create([Category(name=f"bulk {n}") for n in range(200)])
    same = [Category(name=f"bulk {n}", parent_id=1) for n in range(3)]
    Category.objects.bulk_create(same, update_conflicts=True, unique_fields=["name"], update_fields=["parent"])
    Category.objects.bulk_create(same, ignore_conflicts=True)
    some = list(Category.objects.filter(name__startswith="bulk")[:4])
    for category in some:
        category.name += "!"
    Category.objects.bulk_update(some, ["name"])
    Product.objects.filter(stock__lt=3).update(stock=F("stock") + 1)
    with transaction.atomic():
        product = Product.objects.select_for_update().get(pk=first)
        product.price += decimal.Decimal("0.01")
        product.save()
        here = transaction.savepoint()
        Category.objects.create(name="taken back")
        transaction.savepoint_rollback(here)
    try:
        with transaction.atomic():
            Category.objects.create(name="taken back")
            raise KeyError
    except KeyError:
        pass
    assert not Category.objects.filter(name="taken back").exists()
    assert Label.objects.get_or_create(slug="made")[1]
    product.labels.set(["made"])
    product.labels.add("hot")
    assert not Odd.objects.update_or_create(pk=2, defaults={"value": "other"})[1]
    Product.objects.filter(stock=10).update(deleted=True)
    Product.objects.filter(stock=11).delete()
    Category.objects.filter(name__startswith="bulk 1").delete()
    User.objects.create_user("gone").delete()
elif what == "admin":
    from django.test import Client
    client = Client()
    def answers(expected, method, path, *arguments):
        answer = getattr(client, method)("/admin/" + path, *arguments)
        assert answer.status_code == expected, (path, answer.status_code, answer.content[:2000])
    answers(302, "post", "login/?next=/admin/", {"username": "root", "password": "secret"})
    answers(200, "get", "")
    for path in ("product/", f"product/{first}/change/", "odd/", "item/"):
        answers(200, "get", "shop/" + path)
    answers(302, "post", "shop/category/add/", {"name": "by admin", "parent": ""})
    made = Category.objects.get(name="by admin").pk
    answers(302, "post", f"shop/category/{made}/change/", {"name": "by the admin", "parent": "1"})
    answers(302, "post", "shop/category/",
            {"action": "delete_selected", "_selected_action": [made], "post": "yes"})
    answers(200, "post", "logout/")
elif what == "read":
    product = Product.objects.get(pk=uuid.UUID(sys.argv[2]))
    product.full_clean()
    for name in ("created_at", "released", "opens", "took", "stock", "active"):
        same = {name: getattr(product, name)}
        assert Product.objects.filter(pk=product.pk, **same).exists(), same
    assert Product.objects.filter(pk=product.pk, data__k__0=1, labels__slug="hot").exists()
    item = Item.objects.get(product=product)
    assert item.total == item.count * item.price
    product.save()
    fields = [product.id, product.price, product.active, product.liked, product.data, product.more,
              product.created_at, product.released, product.opens, product.took, bytes(product.photo), product.deleted]
    print(json.dumps([repr(field) for field in fields] + [item.count, str(item.total)]))
"""


class Site:
    """A project of Django's in a folder of its own, with data; `run` is one of its processes."""

    def __init__(self, folder, path):
        self.folder, self.path = folder, path
        app = folder / "shop"
        (app / "migrations").mkdir(parents=True)
        for name, text in (("settings.py", SITE_SETTINGS % {"name": str(path)}), ("urls.py", SITE_URLS),
                           ("shop/__init__.py", ""), ("shop/migrations/__init__.py", ""), ("shop/tests.py", SITE_TESTS),
                           ("shop/models.py", SITE_MODELS), ("shop/admin.py", SITE_ADMIN)):
            (folder / name).write_text(text)
        self.manage("makemigrations", "shop", "--name", "initial")

    def run(self, *arguments):
        return python(self.folder, SITE_PROGRAM, *arguments)

    def manage(self, *arguments):
        return self.run("manage", *arguments)

    def fill(self):
        self.manage("migrate")
        self.run("fill")

    def plan_migrations(self):
        before = "0001_initial"
        for number, operations in SITE_MIGRATIONS.items():
            (self.folder / "shop" / "migrations" / f"{number}_more.py").write_text(
                "from django.db import migrations, models\nclass Migration(migrations.Migration):\n"
                f"    dependencies = [('shop', '{before}')]\n    operations = [{operations}]\n")
            before = f"{number}_more"
        (self.folder / "shop" / "models.py").write_text("")
        (self.folder / "shop" / "admin.py").write_text("")


@pytest.fixture
def site(phases, tmp_path):
    return Site(tmp_path / "site", phases.path)


def test_a_site_of_django_goes_on_as_if_nobody_served_it(phases, site, tmp_path):
    site.fill()
    alone = Site(tmp_path / "alone", tmp_path / "alone.db")
    shutil.copy(site.path, alone.path)
    served = phases.serve()
    served.watch("")
    watch = served.watch("shop_product", filter="deleted eq false")
    for what in ("orm", "admin"):
        site.run(what), alone.run(what)
        served.exact()
    assert len(watch.picture.of("shop_product")) == 10
    number = served.fields("shop_product")["name"].number
    site.plan_migrations(), alone.plan_migrations()
    for step, (table, field) in SITE_SEEN.items():
        site.manage("migrate", "shop", step)
        served.anew()
        served.until_fields(table, lambda fields: field in fields, f"after {step}: {table} is not served with {field}")
    for step in ("0001", "0007"):
        site.manage("migrate", "shop", step)
    served.until_served("shop_product", "shop_review", "shop_tag")
    served.watch("")
    assert served.fields("shop_product")["name"].number == number
    served.exact()
    site.manage("check")
    alone.manage("migrate"), alone.manage("migrate", "shop", "0001"), alone.manage("migrate")
    phases.leave()
    owner.assert_same_dump(owner.dump(site.path), owner.dump(alone.path), "of the site that was served")


def test_what_a_client_writes_is_as_django_writes_it(phases, site):
    site.fill()
    served = phases.serve()
    id = "00000000000000000000000000000abc"
    served.session.create(
        "shop_product", id=id, name="client's", category_id=1, price="12.50", active=False, liked=True,
        data='{"k": [1, "ü"]}', more="null", created_at=AT + 7, updated_at=AT + 7, released="2012-02-29",
        opens="09:30:00", took=86_400_000_005, photo=b"\0\1\xff", stock=3, deleted=True)
    served.session.create("shop_product_labels", product_id=id, label_id="hot")
    served.session.create("order", product_id=id, count=3, price="12.50")
    error = served.error("create", "order", product_id="0" * 32, count=1, price="1")
    assert error.code == "FAILED_PRECONDITION"
    for field, value in (("price", "-1"), ("data", "{no"), ("stock", -1), ("released", "2011-02-29")):
        assert served.error("update", "shop_product", id=id, **{field: value}).code == "INVALID_ARGUMENT", field
    assert served.error("update", "shop_product", id=id, name="ü 0").code == "ALREADY_EXISTS"
    read = json.loads(site.run("read", id))
    assert read[:4] == [f"UUID('{id[:8]}-{id[8:12]}-{id[12:16]}-{id[16:20]}-{id[20:]}')", "Decimal('12.50')", "False",
                        "True"]
    assert read[4:6] == ["{'k': [1, 'ü']}", "None"]
    assert read[6] == "datetime.datetime(2011, 10, 31, 20, 0, 0, 7, tzinfo=datetime.timezone.utc)"
    assert read[7:10] == ["datetime.date(2012, 2, 29)", "datetime.time(9, 30)",
                          "datetime.timedelta(days=1, microseconds=5)"]
    assert read[10:] == [repr(b"\0\1\xff"), "True", 3, "37.50"]
    served.session.delete("order", "13")
    assert served.error("delete", "shop_product", id).code == "FAILED_PRECONDITION"


def test_the_test_runner_of_django_uses_a_file_that_is_served(site, tmp_path):
    arguments = ("test", "--keepdb", "--noinput", "--verbosity", "0")
    site.manage(*arguments)
    tests = Phases(tmp_path / "tool.db-test")
    try:
        served = tests.serve()
        watch = served.watch("shop_category")
        site.manage(*arguments)
        served.exact()
        assert not watch.picture.of("shop_category")
        tests.leave()
        site.manage(*arguments)
    finally:
        if tests.served:
            tests.served.close()
