"""Forms: values as the owners' programs store them are read, and written in the form of the column."""

import pytest

import owner
from owner import attach, dump, dump_of_the_owners, refuses
from server import run
from served import MARKS, Served

SECOND = 1_000_000
# 2011-10-31T20:00:00Z in microseconds.
AT = 1_320_091_200 * SECOND
# What is stored (as SQL), and what it reads as.
TEXTS = {
    "rails": ("'2011-10-31 20:00:00.123456'", AT + 123_456),
    "django": ("'2011-10-31 20:00:00'", AT),
    "sqlalchemy": ("'2011-10-31 20:00:00.000000'", AT),
    "prisma": ("'2011-10-31T20:00:00.000Z'", AT),
    "prisma with an offset": ("'2011-10-31T20:00:00.000+00:00'", AT),
    "sequelize": ("'2011-10-31 20:00:00.000 +00:00'", AT),
    "go": ("'2011-10-31 20:00:00 +0000 UTC'", AT),
    "go with nanoseconds": ("'2011-10-31 20:00:00.123456789 +0000 UTC'", AT + 123_456),
    "go elsewhere": ("'2011-10-31 22:00:00 +0200 CEST'", AT),
    "go sqlite3": ("'2011-10-31 20:00:00+00:00'", AT),
    "sqlite": ("datetime('2011-10-31 20:00:00')", AT),
    "sqlite to the minute": ("'2011-10-31 20:00'", AT),
    "sqlite with T": ("'2011-10-31T20:00:00'", AT),
    "iso with an offset": ("'2011-10-31T22:00:00+02:00'", AT),
    "iso, five and a half hours": ("'2011-11-01T01:30:00.5+05:30'", AT + SECOND // 2),
    "date alone": ("'2011-10-31'", AT - 20 * 3600 * SECOND),
}
NUMBERS = {
    "seconds": (f"{AT // SECOND}", AT), "milliseconds": (f"{AT // 1000}", AT), "microseconds": (f"{AT}", AT),
    "real seconds": (f"{AT / SECOND + 0.5}", AT + SECOND // 2),
    "julian": ("julianday('2011-10-31 20:00:00')", AT), "julian day": ("2455866", 1_320_062_400 * SECOND),
}


@pytest.mark.parametrize("stored, reads", {**TEXTS, **NUMBERS}.values(), ids={**TEXTS, **NUMBERS}.keys())
@pytest.mark.parametrize("declared", ["DATETIME", "TIMESTAMP"])
def test_a_time_in_a_form_of_the_owners_programs_is_read(guest, declared, stored, reads):
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, at {declared}); INSERT INTO t VALUES (1, {stored}), (2, NULL);"
    )
    rows, errors = served.answers("t")
    assert not errors and rows["1"]["at"] == reads
    watch = served.watch("t", filter="at ne null")
    served.sql(f"INSERT INTO t VALUES (3, {stored})")
    served.exact()
    assert watch.picture.of("t")["3"]["at"] == reads
    assert served.session.page("t", filter="year(at) eq 2011", count=True).total == 2


# The column's values, what a client writes (microseconds), and what then is stored.
WRITES = {
    "rails": ("'2011-10-31 20:00:00.000000'", AT + 1, "2011-10-31 20:00:00.000001"),
    "django": ("'2011-10-31 20:00:00'", AT + 5 * SECOND, "2011-10-31 20:00:05"),
    "finer than the form": ("'2011-10-31 20:00:00'", AT + 5 * SECOND + 999_999, "2011-10-31 20:00:05"),
    "sequelize": ("'2011-10-31 20:00:00.000 +00:00'", AT + 123_456, "2011-10-31 20:00:00.123 +00:00"),
    "prisma": ("'2011-10-31T20:00:00.000Z'", AT + 123_999, "2011-10-31T20:00:00.123Z"),
    "offset": ("'2011-10-31T20:00:00+00:00'", AT + SECOND, "2011-10-31T20:00:01+00:00"),
    "seconds": (f"{AT // SECOND}", AT + SECOND + 7, AT // SECOND + 1),
    "milliseconds": (f"{AT // 1000}", AT + 1_999, AT // 1000 + 1),
    "microseconds": (f"{AT}", AT + 3, AT + 3),
}


@pytest.mark.parametrize("stored, written, kept", WRITES.values(), ids=WRITES.keys())
def test_a_client_writes_in_the_columns_form_and_is_told_what_is_stored(guest, stored, written, kept):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME);"
        f"INSERT INTO t VALUES (1, {stored}), (2, {stored}), (3, {stored});"
    )
    answer = served.session.create("t", id=9, at=written)
    assert served.sql("SELECT at FROM t WHERE id = 9") == [(kept,)]
    assert served.session.get("t", "9") == answer.row
    rows, errors = served.answers("t", filter="id eq 9")
    assert rows["9"] == answer.row and not errors
    assert answer.row["at"] <= written and written - answer.row["at"] < SECOND


def test_a_write_of_an_equal_value_leaves_the_stored_one_as_it_is(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, flag BOOLEAN, token UUID, price DECIMAL TEXT, x TEXT);"
        "INSERT INTO t VALUES (1, '2011-10-31 20:00', 't', '123E4567-E89B-12D3-A456-426614174ABC', '1.50', 'a'),"
        " (2, '2011-10-31 20:00:00', 1, NULL, '1.5', 'b'), (3, '2011-10-31 20:00:00', 1, NULL, '1.5', 'b');"
    )
    before = served.sql("SELECT at, flag, token, price FROM t WHERE id = 1")
    row = served.session.get("t", "1")
    served.session.update("t", id=1, x="b", **{k: row[k] for k in ("at", "flag", "token", "price")})
    assert served.sql("SELECT at, flag, token, price FROM t WHERE id = 1") == before
    assert served.sql("SELECT x FROM t WHERE id = 1") == [("b",)]


def test_mixed_values_are_all_read_and_the_form_of_most_is_written(guest):
    values = ", ".join(f"({n}, {stored})" for n, (stored, _) in enumerate(TEXTS.values(), 100))
    most = ", ".join(f"({n}, '2012-01-01T00:00:0{n}.000Z')" for n in range(1, 9))
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES {most}, {values},"
        f" (200, {AT // SECOND}), (201, 2455866.5);"
    )
    rows, errors = served.answers("t")
    assert not errors
    assert {n: rows[str(n)]["at"] for n in range(100, 100 + len(TEXTS))} == {
        n: reads for n, (_, reads) in enumerate(TEXTS.values(), 100)
    }
    assert rows["200"]["at"] == AT
    served.session.create("t", id=9, at=AT)
    # Where decimals vary, as many as needed; separator and offset are those of most.
    ((stored,),) = served.sql("SELECT at FROM t WHERE id = 9")
    assert stored.startswith("2011-10-31T20:00:00") and stored.endswith("Z"), stored


FILTERS = ["at eq 2011-10-31T20:00:00Z", "at gt 2011-10-31T19:59:59Z", "at le 2011-10-31T20:00:00Z",
           "hour(at) eq 20", "at in (2011-10-31T20:00:00Z, 2012-01-01)", "not (at lt 2011-10-31T20:00:00Z)"]


@pytest.mark.parametrize("index", ["", "CREATE INDEX by_at ON t (at);"], ids=["no index", "index"])
def test_filters_and_orders_compare_what_clients_read(guest, index):
    same = {**TEXTS, **NUMBERS}
    values = ", ".join(
        f"({n}, {stored})" for n, (stored, reads) in enumerate(same.values(), 100) if reads == AT
    )
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); {index}"
        f"INSERT INTO t VALUES (1, '2011-10-31 19:00:00'), (2, '2011-10-31T21:30:00+01:30'), {values};"
    )
    ids = {str(n) for n, (_, reads) in enumerate(same.values(), 100) if reads == AT} | {"2"}
    for filter in FILTERS:
        watch = served.watch("t", filter=filter)
        missing = ids - set(watch.picture.of("t"))
        assert not missing, f"{filter} misses {missing}"
        assert set(served.answers("t", filter=filter)[0]) == set(watch.picture.of("t")), filter
    rows = served.session.rows("t", order_by="at", select=["at"])
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    # Another form appears while an index serves.
    served.sql("INSERT INTO t VALUES (50, '2011-10-31 20:00:00 +0000 UTC')")
    served.exact()
    for filter in FILTERS:
        assert "50" in served.answers("t", filter=filter)[0], filter


BOOLEANS = {"0": False, "1": True, "'0'": False, "'1'": True, "'t'": True, "'f'": False, "'T'": True,
            "'true'": True, "'FALSE'": False, "'True'": True, "1.0": True}
OTHERS = [
    ("BOOLEAN", stored, reads) for stored, reads in BOOLEANS.items()
] + [
    ("UUID", "'123E4567-E89B-12D3-A456-426614174ABC'", "123e4567-e89b-12d3-a456-426614174abc"),
    ("UUID", "'123e4567e89b12d3a456426614174abc'", "123e4567-e89b-12d3-a456-426614174abc"),
    ("UUID", "x'123e4567e89b12d3a456426614174abc'", "123e4567-e89b-12d3-a456-426614174abc"),
    ("DECIMAL", "1.5", "1.5"), ("DECIMAL TEXT", "'1.50'", "1.50"), ("DECIMAL(10, 2)", "'12.30'", "12.3"),
    ("DATE", "'2011-10-31'", "2011-10-31"), ("DATE", "'2011-10-31 00:00:00'", "2011-10-31"),
    ("DATE", "'2011-10-31T00:00:00.000Z'", "2011-10-31"), ("DATE", "'2011-10-31 00:00:00.000000'", "2011-10-31"),
]


@pytest.mark.parametrize("declared, stored, reads", OTHERS, ids=[f"{d} {s}" for d, s, _ in OTHERS])
def test_other_types_are_read_in_their_forms(guest, declared, stored, reads):
    served = guest(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared}); INSERT INTO t VALUES (1, {stored});")
    rows, errors = served.answers("t")
    assert not errors, errors
    assert rows["1"]["v"] == reads
    # The form of the column's values is written, too.
    served.session.create("t", id=2, v=reads)
    # The same type, length and hyphens; upper or lower case may be a form or not.
    kinds = served.sql("SELECT id, typeof(v), lower(quote(v)) FROM t ORDER BY id")
    if declared in ("UUID", "BOOLEAN"):
        assert kinds[0][1:] == kinds[1][1:], kinds


@pytest.mark.parametrize("declared", ["DATE"])
def test_a_date_with_a_time_of_day_fits_no_date(guest, declared):
    served = guest(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared});"
        "INSERT INTO t VALUES (1, '2011-10-31 20:00:00'), (2, '2011-10-31');"
    )
    rows, errors = served.answers("t")
    assert errors.keys() == {"1"} and rows.keys() == {"2"}


# -- asked for where no value decides

# Seconds of 2001 to 1980 would be before 1980 in every unit.
UNDECIDED = "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, x TEXT); INSERT INTO t VALUES (1, 300000000, 'a');"


def test_where_no_value_decides_attach_asks_for_the_form(tmp_path):
    path = owner.create(tmp_path / "a.db", UNDECIDED + MARKS)
    before = dump(path)
    refuses("attach", path, "t", naming=["--form", "t.at"])
    assert dump_of_the_owners(path) == before
    planned = run("attach", path, "--dry-run")
    assert "t.at" in planned.stdout + planned.stderr and "--form" in planned.stdout + planned.stderr
    served = Served(path, "--attach")
    try:
        assert "t" not in served.tables()
        assert "--form" in served.server.log() and "t.at" in served.server.log()
        assert any("--form" in reason for (name, _), reason in served.not_served().items() if name == "t")
    finally:
        served.close()
    for form, expected in (("seconds", 300_000_000 * SECOND), ("cocoa", (300_000_000 + 978_307_200) * SECOND),
                           ("milliseconds", 300_000 * SECOND)):
        copy = owner.create(tmp_path / f"{form}.db", UNDECIDED + MARKS)
        attach(copy, "t", "--form", f"t.at={form}")
        served = Served(copy)
        try:
            assert served.answers("t")[0]["1"]["at"] == expected, form
            served.session.create("t", id=2, at=expected)
            assert served.sql("SELECT at FROM t WHERE id = 2") == [(300_000_000,)], form
        finally:
            served.close()


@pytest.mark.parametrize("declared, stored, form, reads", [
    ("INTEGER", "1320091200", "seconds", AT), ("REAL", "341784000.0", "cocoa", AT + 0),
    ("TEXT", "'2011-10-31 20:00:00'", "iso8601", AT), ("INTEGER", "1320091200000", "milliseconds", AT),
    ("REAL", "2455866.33333333", "julian", AT),
])
def test_a_form_that_is_set_makes_a_time_of_a_number_or_text(tmp_path, declared, stored, form, reads):
    path = owner.create(tmp_path / "a.db",
                        f"CREATE TABLE t (id INTEGER PRIMARY KEY, created_at {declared});"
                        f"INSERT INTO t VALUES (1, {stored});" + MARKS)
    served = Served(path, "--attach")
    try:
        kind = served.kinds("t")["created_at"]
        assert kind == {"INTEGER": "INT64", "REAL": "DOUBLE", "TEXT": "STRING"}[declared], "by its name alone"
    finally:
        served.close()
    owner.detach(path)
    attach(path, "--form", f"t.created_at={form}")
    served = Served(path)
    try:
        assert served.kinds("t")["created_at"] == "TIMESTAMP"
        assert abs(served.answers("t")[0]["1"]["created_at"] - reads) <= 1000
    finally:
        served.close()


def test_a_form_that_is_none_is_refused_by_name(tmp_path):
    path = owner.create(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME);")
    before = dump(path)
    for given, named in (("t.at=fortnights", "fortnights"), ("t.other=seconds", "other"), ("u.at=seconds", "u"),
                         ("t.at", "--form"), ("at=seconds", "--form")):
        refuses("attach", path, "--form", given, naming=[named])
    assert dump_of_the_owners(path) == before


def test_a_database_of_core_data_is_always_asked_about(tmp_path):
    path = owner.create(tmp_path / "core.db", """
        CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY, Z_UUID VARCHAR(255), Z_PLIST BLOB);
        CREATE TABLE ZNOTE (Z_PK INTEGER PRIMARY KEY, ZTITLE VARCHAR, ZCREATED TIMESTAMP);
        INSERT INTO ZNOTE VALUES (1, 'a', 341784000.5), (2, 'b', 1320091200);""")
    refuses("attach", path, "ZNOTE", naming=["--form", "ZCREATED"])
    attach(path, "ZNOTE", "--form", "ZNOTE.ZCREATED=cocoa")


def test_zero_is_1970_in_every_unit(guest):
    served = guest(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, 0), (2, 1320091200);"
    )
    assert served.answers("t")[0]["1"]["at"] == 0
    served.sql("INSERT INTO t VALUES (3, 86400)")
    assert served.answers("t")[0]["3"]["at"] == 86_400 * SECOND, "other numbers go with the column's unit"


def test_an_empty_column_takes_the_form_of_the_first_value_of_another_program(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, b DATETIME DEFAULT CURRENT_TIMESTAMP);")
    row = served.session.create("t", id=1).row
    assert served.sql("SELECT typeof(b), length(b) FROM t") == [("text", 19)] and row["b"] > AT
    served.sql("INSERT INTO t (id, at) VALUES (2, '2011-10-31T20:00:00.000Z')")
    served.settle()
    served.session.create("t", id=3, at=AT)
    assert served.sql("SELECT at FROM t WHERE id = 3") == [("2011-10-31T20:00:00.000Z",)]


def test_the_plan_says_the_form_and_explain_whether_an_index_serves(tmp_path):
    path = owner.create(tmp_path / "a.db", """
        CREATE TABLE t (id INTEGER PRIMARY KEY, due DATETIME, n DATETIME); CREATE INDEX by_due ON t (due);
        INSERT INTO t VALUES (1, '2011-10-31T20:00:00+02:00', 1320091200), (2, '2012-10-31T20:00:00+02:00', 1320091201);
    """)
    plan = run("attach", path, "--dry-run").stdout
    assert "text" in plan and "ISO 8601" in plan and "offset" in plan, plan
    assert "seconds" in plan, plan
    attach(path)
    owner.execute(path, "INSERT INTO t VALUES (3, '2011-10-31 20:00:00', 0)")
    served = Served(path)
    served.settle() if "guest_marks" in served.tables() else served.answers("t")
    served.close()
    said = run("explain", path, "t", "--filter", "due gt 2011-01-01T00:00:00Z")
    assert "form" in said.stdout + said.stderr, said.stdout + said.stderr


DJANGO = "2026-11-28 02:16:26.665771"


def test_what_a_client_writes_into_an_empty_column_tells_no_form(guest):
    served = guest("CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, n INTEGER);"
                   "CREATE TABLE u (id INTEGER PRIMARY KEY, at DATETIME);")
    served.session.create("t", id=1, at=AT)
    # Each of these looks at the tables again: a start, a form that another table's column gets, a
    # change of the schema, and a table that is built anew with all that was in it.
    served.restart()
    served.sql(f"INSERT INTO u VALUES (1, '{DJANGO}')", "CREATE TABLE v (id INTEGER PRIMARY KEY)")
    served.settle()
    served.sql("ALTER TABLE t ADD COLUMN m INTEGER", "UPDATE t SET n = 5 WHERE id = 1")
    served.settle()
    token = served.token("t")
    served.transaction("CREATE TABLE new (id INTEGER PRIMARY KEY, at DATETIME, n INTEGER, m INTEGER)",
                       "INSERT INTO new SELECT * FROM t", "DROP TABLE t", "ALTER TABLE new RENAME TO t")
    served.until_begun_anew("t", token)
    served.session.update("t", id=1, n=6)
    served.sql(f"INSERT INTO t (id, at) VALUES (2, '{DJANGO}')")
    served.settle()
    served.session.create("t", id=3, at=AT)
    assert served.sql("SELECT at FROM t WHERE id = 3") == [("2011-10-31 20:00:00.000000",)]
    served.restart()
    served.session.create("t", id=4, at=AT)
    assert served.sql("SELECT at FROM t WHERE id = 4") == [("2011-10-31 20:00:00.000000",)]


@pytest.mark.parametrize("declared, value, form, kinds", [
    ("REAL", "9.99", "julian", "real numbers"), ("INTEGER", "1320091200", "julian", "integers"),
    ("TEXT", "'a name'", "uuid", "text"), ("TEXT", "'yes'", "t/f", "text"), ("INTEGER", "7", "t/f", "integers"),
    ("DATETIME", "x'00'", "seconds", "blobs"),
])
@pytest.mark.parametrize("attached", [False, True], ids=["at first", "attached before"])
def test_a_form_that_no_value_has_is_refused_with_what_they_are(tmp_path, declared, value, form, kinds, attached):
    path = owner.create(tmp_path / "a.db", f"CREATE TABLE t (id INTEGER PRIMARY KEY, x {declared});"
                        f"INSERT INTO t VALUES (1, {value}), (2, NULL);" + MARKS)
    if attached:
        attach(path)
    before = dump(path)
    refuses("attach", path, "--form", f"t.x={form}", naming=["x", kinds])
    assert dump(path) == before
    # Of one that has it, the others are told of.
    owner.execute(path, "DELETE FROM t")
    attach(path, "--form", f"t.x={form}")


def test_a_key_has_no_form(tmp_path):
    path = owner.create(tmp_path / "a.db", "CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT);")
    done = refuses("attach", path, "--form", "t.id=uuid", naming=["id", "key", "no form"])
    assert "could have a form" not in done.stderr
