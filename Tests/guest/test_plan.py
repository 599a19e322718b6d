"""Nothing is silent: what attach would do, and what is not served and why, is said everywhere."""

import json

import pytest

import owner
from owner import attach, dump, dump_of_the_owners, refuses
from server import Server, run, until
from served import MARKS, Served, limits

REASONS = {
    "pairs": ("CREATE TABLE pairs (a INTEGER, b TEXT, PRIMARY KEY (a, b));", "key"),
    "triples": ("CREATE TABLE triples (a, b, c, PRIMARY KEY (c, b, a)) WITHOUT ROWID;", "key"),
    "lines": ("CREATE TABLE lines (line TEXT);", "key"),
    "blobs": ("CREATE TABLE blobs (id BLOB PRIMARY KEY, x TEXT);", "BLOB"),
    "datasync_mine": ("CREATE TABLE datasync_mine (id INTEGER PRIMARY KEY);", "datasync_"),
    "undecided": ("CREATE TABLE undecided (id INTEGER PRIMARY KEY, at DATETIME);"
                  "INSERT INTO undecided VALUES (1, 300000000);", "--form"),
}
SQL = ("CREATE TABLE good (id INTEGER PRIMARY KEY, due DATETIME); CREATE VIEW seen AS SELECT * FROM good;"
       "INSERT INTO good VALUES (1, '2011-10-31T20:00:00+02:00');" + "".join(sql for sql, _ in REASONS.values()))


@pytest.fixture
def path(tmp_path):
    return owner.create(tmp_path / "a.db", SQL + MARKS)


def assert_all_named(text):
    lines = text.splitlines()
    for table, (_, reason) in REASONS.items():
        said = [line for line in lines if table in line]
        assert said, f"{table} is not named in: {text}"
        assert any(reason.lower() in line.lower() for line in said), f"{table}: {reason} is not in {said}"


def test_a_dry_run_names_what_is_not_served_and_changes_nothing(path):
    before = path.read_bytes()
    done = run("attach", path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert_all_named(done.stdout + done.stderr)
    assert path.read_bytes() == before


def test_a_dry_run_says_for_each_table_where_the_columns_stand_and_each_form(path):
    plan = run("attach", path, "--dry-run", "--within", "guest_marks").stdout
    assert "good" in plan and "beside" in plan, plan
    assert "guest_marks" in plan and "within" in plan, plan
    due = [line for line in plan.splitlines() if "due" in line]
    assert due and "text" in due[0] and "ISO 8601" in due[0] and "offset" in due[0], plan


def test_the_plan_is_json_for_programs(path):
    before = path.read_bytes()
    done = run("attach", path, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    text = json.dumps(plan)
    for name in [*REASONS, "good", "guest_marks", "due"]:
        assert f'"{name}"' in text, f"{name} is not in the plan: {text}"
    assert "beside" in text, text
    assert "--form" in text, f"the form that is asked for is not in the plan: {text}"
    assert path.read_bytes() == before


def test_the_plan_of_json_is_nothing_but_json(path):
    done = run("attach", path, "--dry-run", "--json")
    assert done.stdout.strip().startswith(("{", "[")) and done.stdout.strip().endswith(("}", "]"))
    attach(path)
    again = json.loads(run("attach", path, "--dry-run", "--json").stdout)
    assert again is not None


def test_attach_names_them_on_standard_error(path):
    done = run("attach", path)
    assert done.returncode == 0, done.stderr
    assert_all_named(done.stderr)
    assert dump(path)


@pytest.mark.parametrize("table", REASONS)
def test_an_attach_that_names_such_a_table_fails_and_changes_nothing(path, table):
    before = dump(path)
    refuses("attach", path, table, naming=[table])
    assert dump_of_the_owners(path, but_not=["datasync_mine"]) == before


def test_serving_names_them_on_standard_error_and_in_describe(path):
    served = Served(path, "--attach")
    try:
        assert set(served.tables()) == {"good", "guest_marks"}
        assert_all_named(served.server.log())
        not_served = served.not_served()
        assert {table for table, _ in not_served} == set(REASONS)
        for table, (_, reason) in REASONS.items():
            assert reason.lower() in not_served[table, ""].lower() or any(
                reason in said for (name, _), said in not_served.items() if name == table)
    finally:
        served.close()


def test_where_no_table_is_left_the_advice_is_not_to_attach(tmp_path):
    path = owner.create(tmp_path / "a.db", REASONS["pairs"][0] + REASONS["lines"][0])
    server = Server(path, "--attach").start()
    try:
        log = server.log()
        assert "pairs" in log and "lines" in log and "serve with --attach" not in log, log
    finally:
        server.stop()


def test_a_table_that_appears_and_cannot_be_served_is_named_then(guest):
    served = guest("CREATE TABLE good (id INTEGER PRIMARY KEY);")
    served.sql("CREATE TABLE late (a, b, PRIMARY KEY (a, b))")
    until(lambda: ("late", "") in served.not_served(), 15, "late is not in Describe.not_served")
    assert "late" in served.server.log()
    served.sql("DROP TABLE late")
    until(lambda: ("late", "") not in served.not_served(), 15, "late is still in Describe.not_served")


def test_a_table_that_was_not_attached_is_named_where_nobody_asked_for_all(tmp_path):
    path = owner.create(tmp_path / "a.db", "CREATE TABLE good (id INTEGER PRIMARY KEY);"
                        "CREATE TABLE other (id TEXT PRIMARY KEY);")
    attach(path, "good")
    served = Served(path)
    try:
        assert set(served.tables()) == {"good"}
        assert ("other", "") in served.not_served()
    finally:
        served.close()


def test_describe_of_one_table_says_of_it_alone(path):
    served = Served(path, "--attach")
    try:
        answer = served.session.call("describe", table="good")
        assert [t.name for t in answer.tables] == ["good"]
    finally:
        served.close()


def test_the_limit_of_the_delay_is_one_of_the_limits():
    (line,) = [line for line in limits().splitlines() if line.startswith("attach_delay")] or [""]
    assert "2s" in line, f"attach_delay is not among the limits: {limits()[:200]}"


def test_views_and_virtual_tables_are_no_tables(tmp_path):
    path = owner.create(tmp_path / "a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT);"
                        "CREATE VIEW v AS SELECT * FROM t; CREATE VIRTUAL TABLE words USING fts5(x);"
                        "CREATE VIRTUAL TABLE boxes USING rtree(id, a, b);" + MARKS)
    served = Served(path, "--attach")
    try:
        assert set(served.tables()) == {"t", "guest_marks"}
        # Their shadow tables are theirs: nothing of ours is on them.
        assert served.sql("SELECT tbl_name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name NOT IN"
                          " ('t', 'guest_marks')") == []
        served.sql("INSERT INTO words VALUES ('a b')", "INSERT INTO boxes VALUES (1, 0, 1)")
        assert served.sql("SELECT count(*) FROM words WHERE words MATCH 'b'") == [(1,)]
    finally:
        served.close()


def test_a_generated_column_is_marked_in_the_plan(tmp_path):
    made = owner.create(tmp_path / "a.db", "CREATE TABLE lines (id INTEGER PRIMARY KEY, price REAL, "
                        "twice REAL AS (price * 2), kept INTEGER AS (price + 1) STORED);")
    text = run("attach", made, "--dry-run").stdout.splitlines()
    for name in ["twice", "kept"]:
        assert [line for line in text if name in line and "generated" in line and "read-only" in line], text
    assert not [line for line in text if "price" in line and "generated" in line], text
    plan = json.loads(run("attach", made, "--dry-run", "--json").stdout)
    generated = {column["name"]: column["generated"] for column in plan["tables"][0]["columns"]}
    assert generated == {"id": False, "price": False, "twice": True, "kept": True}


def test_serving_says_in_one_line_what_it_attached_and_what_it_does_not_serve(path):
    with_many = ";".join(f"CREATE TABLE {'many' * 20}{number:03} (id INTEGER PRIMARY KEY)" for number in range(100))
    owner.execute(path, *with_many.split(";"))
    served = Served(path, "--attach")
    try:
        said = [line for line in served.server.log().splitlines() if "tables attached" in line]
        assert len(said) == 1, served.server.log()
        assert "attached=102" in said[0] and "served=102" in said[0], said
        assert f"not_served={len(REASONS)}" in said[0] and "undecided" in said[0], said
        assert "good" in said[0] and "and 82 more" in said[0] and len(said[0]) < 4000, said
    finally:
        served.close()
    again = Served(path, "--attach")
    try:
        log = again.server.log_path.read_text()
        said = [line for line in log.splitlines() if "tables attached" in line]
        assert len(said) == 2 and "attached=0" in said[1] and "served=102" in said[1], said
    finally:
        again.close()
