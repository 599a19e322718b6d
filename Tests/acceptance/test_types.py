"""Values of every declared type, in and out."""

import pytest

from errors import refused
from session import Session

TABLE = "everything"
MAX, MIN = 2**63 - 1, -(2**63)
FIRST = -62_135_596_800 * 1_000_000  # 0001-01-01
LAST = 253_402_300_799 * 1_000_000 + 999_999  # 9999-12-31T23:59:59.999999


@pytest.fixture
def s(types_session):
    return types_session


def kept(s, field, value):
    """Creates a row with the value, and returns what a Get of it says."""
    written = s.create(TABLE, **{field: value})
    row = s.get(TABLE, written.id)
    assert row == written.row
    return row.get(field)


AS_WRITTEN = [
    ("flag", True), ("flag", False),
    ("whole", 0), ("whole", MAX), ("whole", MIN), ("whole", 2**53 + 1), ("whole", -1),
    ("ratio", 0.0), ("ratio", 0.1), ("ratio", -1e308), ("ratio", 5e-324), ("ratio", 1e15 + 0.3),
    ("words", ""), ("words", "a'b\"c;--"), ("words", "日本語 😀 \u0301"), ("words", "x" * 100_000),
    ("words", "%_\\"), ("words", "123"), ("words", "\n\t\r"), ("words", "\ufeff\ufffd\uffff"),
    ("blob", b""), ("blob", b"\x00\xff\x00"), ("blob", bytes(range(256)) * 100),
    ("moment", 0), ("moment", 1), ("moment", -1), ("moment", FIRST), ("moment", LAST),
    ("moment", 1_700_000_000_123_456), ("written", 1_700_000_000_123_456), ("written", FIRST),
    ("day", "2024-02-29"), ("day", "0001-01-01"), ("day", "9999-12-31"), ("day", "1900-02-28"),
    ("clock", "00:00:00"), ("clock", "23:59:59"), ("clock", "12:34:56.789"),
    ("clock", "00:00:00.000001"),
    ("price", "0"), ("price", "-12.50"), ("price", "1.000"), ("price", "0.1"), ("price", "123456"),
    ("price", "1234567890123456789012345678901234"), ("price", "-0.5"),
    ("price", "0.000000000000000000000000000000000000000001"),
    ("weight", "1"), ("weight", "0.5"), ("weight", "-2.25"), ("weight", "123456"),
    ("code", "123e4567-e89b-12d3-a456-426614174000"),
    ("code", "00000000-0000-0000-0000-000000000000"),
    ("doc", "{}"), ("doc", '{"a": [1, 2.50, null, true, "ü"]}'), ("doc", " [1] "), ("doc", "1"),
    ("doc", "1.0"), ("doc", "null"), ("doc", '"text"'), ("doc", '{"a":1,"a":2}'),
    ("loose", '{"a": 1}'), ("loose", "true"),
    ("grade", "low"), ("grade", "middle"), ("grade", "high"),
]


@pytest.mark.parametrize("field, value", AS_WRITTEN, ids=lambda v: str(v)[:24])
def test_a_value_comes_back_as_it_was_written(s, field, value):
    assert kept(s, field, value) == value


@pytest.mark.parametrize(
    "field, value, canonical",
    [
        ("code", "123E4567-E89B-12D3-A456-426614174ABC", "123e4567-e89b-12d3-a456-426614174abc"),
        ("clock", "12:34:56.500000", "12:34:56.5"), ("clock", "12:34:56.000", "12:34:56"),
        ("weight", "1.500", "1.5"), ("weight", "2.0", "2"), ("weight", "100.00", "100"),
    ],
)
def test_a_value_comes_back_in_its_canonical_form(s, field, value, canonical):
    assert kept(s, field, value) == canonical


def test_nanoseconds_are_truncated_to_microseconds(s):
    row = s.contract.row(TABLE)
    for seconds, nanos, micros in (
        (5, 999_999_999, 5_999_999), (-1, 999, -1_000_000), (0, 1999, 1), (-1, 1_999, -999_999),
    ):
        row.moment.seconds, row.moment.nanos = seconds, nanos
        answer = s.call("create", entity=s.contract.any("tables.Everything", row.SerializeToString()))
        assert s.contract.row_of(answer.entity)["moment"] == micros


def test_negative_zero_is_a_number_like_any_other(s):
    assert kept(s, "ratio", -0.0) == 0.0


@pytest.mark.parametrize("field", ["flag", "whole", "ratio", "words", "blob", "moment", "day",
                                   "clock", "price", "weight", "code", "doc", "loose", "grade"])
def test_null_is_absent_and_can_be_set(s, field):
    sample = dict(AS_WRITTEN)[field]
    written = s.create(TABLE, **{field: sample})
    assert field in written.row
    assert field not in s.update(TABLE, [field], id=written.id).row
    assert field not in s.get(TABLE, written.id)
    assert field not in s.create(TABLE).row


REFUSED = [
    ("words", "a\0b"), ("words", "\0"),
    ("ratio", float("nan")), ("ratio", float("inf")), ("ratio", float("-inf")),
    ("day", ""), ("day", "2024-02-30"), ("day", "2023-02-29"), ("day", "1900-02-29"),
    ("day", "2024-2-1"), ("day", "0000-01-01"), ("day", "10000-01-01"), ("day", "2024-13-01"),
    ("day", "2024-01-01T00:00:00"), ("day", " 2024-01-01"), ("day", "2024/01/01"),
    ("day", "２０２４-01-01"),
    ("clock", "24:00:00"), ("clock", "12:60:00"), ("clock", "12:00:60"), ("clock", "1:00:00"),
    ("clock", "12:00"), ("clock", "12:00:00.1234567"), ("clock", "12:00:00."), ("clock", ""),
    ("price", "-0"), ("price", "-0.00"), ("price", "01"), ("price", ".5"), ("price", "5."),
    ("price", "+1"), ("price", "1e5"), ("price", ""), ("price", "-"), ("price", "1,5"),
    ("price", "12345678901234567890123456789012345"), ("price", "NaN"), ("price", "1_000"),
    ("weight", "-0"), ("weight", "1.2345678901234567890123"), ("weight", "0x10"),
    ("weight", "12345678901234567890.5"),
    ("code", ""), ("code", "123e4567e89b12d3a456426614174000"), ("code", "g" * 36),
    ("code", "{123e4567-e89b-12d3-a456-426614174000}"),
    ("doc", ""), ("doc", "{"), ("doc", "{'a':1}"), ("doc", "[1,]"), ("doc", "nul"), ("doc", "01"),
    ("doc", '"\\x"'), ("doc", "NaN"), ("doc", "{} {}"), ("doc", "\ufeff{}"), ("loose", "{,}"),
    ("grade", ""), ("grade", "LOW"), ("grade", "medium"), ("grade", "low "),
]


@pytest.mark.parametrize("field, value", REFUSED, ids=lambda v: repr(v)[:28])
def test_a_value_that_the_column_cannot_hold_is_refused_with_the_fields_name(s, field, value):
    with refused("INVALID_ARGUMENT") as error:
        s.create(TABLE, **{field: value})
    assert error.reason, error
    assert field in [name for name, _ in error.violations] + [error.metadata.get("column")], error
    written = s.create(TABLE, words="kept")
    with refused("INVALID_ARGUMENT"):
        s.update(TABLE, id=written.id, **{field: value})
    assert s.get(TABLE, written.id) == written.row


def test_timestamps_outside_of_the_years_1_to_9999_are_refused(s):
    for seconds, nanos in (
        (FIRST // 1_000_000 - 1, 0), (LAST // 1_000_000 + 1, 0), (MAX, 0), (MIN, 0),
        (0, 1_000_000_000), (0, -1), (0, 2**31 - 1),
    ):
        row = s.contract.row(TABLE)
        row.moment.seconds, row.moment.nanos = seconds, nanos
        with refused("INVALID_ARGUMENT") as error:
            s.call("create", entity=s.contract.any("tables.Everything", row.SerializeToString()))
        assert "moment" in error.message or error.metadata.get("column") == "moment"


def test_a_decimal_that_sqlite_would_not_store_exactly_is_refused_with_a_hint(s):
    with refused("INVALID_ARGUMENT") as error:
        s.create(TABLE, weight="0.12345678901234567890")
    assert "DECIMAL TEXT" in error.message


def test_decimals_compare_as_numbers(s):
    for price in ("9", "10", "-1", "9.50"):
        s.create(TABLE, price=price, words="decimals")
    rows = s.rows(TABLE, filter="words eq 'decimals'", order_by="price")
    assert [row["price"] for row in rows] == ["-1", "9", "9.50", "10"]
    rows = s.rows(TABLE, filter="words eq 'decimals' and price ge 9.5")
    assert sorted(row["price"] for row in rows) == ["10", "9.50"]
    rows = s.rows(TABLE, filter="words eq 'decimals' and price eq 9.5")
    assert [row["price"] for row in rows] == ["9.50"]


def test_every_type_is_described(s):
    columns = {c.name: c for c in s.call("describe", table=TABLE).tables[0].columns}
    kind = columns["id"].DESCRIPTOR.enum_types_by_name["Type"]
    names = {name: kind.values_by_number[c.type].name for name, c in columns.items()}
    assert names == {
        "id": "STRING", "created_at": "TIMESTAMP", "updated_at": "TIMESTAMP", "version": "INT64",
        "deleted": "BOOL", "flag": "BOOL", "whole": "INT64", "ratio": "DOUBLE", "words": "STRING",
        "blob": "BYTES", "moment": "TIMESTAMP", "written": "TIMESTAMP", "day": "DATE",
        "clock": "TIME_OF_DAY", "price": "DECIMAL", "weight": "DECIMAL", "code": "UUID",
        "doc": "JSON", "loose": "JSON", "grade": "ENUM",
    }
    assert list(columns["grade"].enum_values) == ["low", "middle", "high"]
    assert not columns["words"].enum_values


def test_types_are_stored_so_that_sqlite_understands_them(types, s):
    s.create(
        TABLE, id="stored", flag=True, whole=5, ratio=0.5, words="w", blob=b"b",
        moment=1_700_000_000_123_456, day="2024-02-29", clock="12:34:56", price="1.50",
        weight="2.5", code="123e4567-e89b-12d3-a456-426614174000", doc="{}", grade="high",
    )
    (row,) = types.foreign(
        "SELECT flag, whole, ratio, words, blob, moment, day, clock, price, weight, code, doc,"
        " grade FROM everything WHERE id = 'stored'"
    )
    assert row == (
        1, 5, 0.5, "w", b"b", 1_700_000_000_123_456, "2024-02-29", "12:34:56", "1.50", 2.5,
        "123e4567-e89b-12d3-a456-426614174000", "{}", "high",
    )


def test_timestamps_that_others_wrote_as_text_are_read(serve):
    server = serve(
        "text.db", "--attach",
        sql="""
        CREATE TABLE moments (id TEXT PRIMARY KEY, moment TIMESTAMP);
        INSERT INTO moments VALUES ('a', '2023-11-14T22:13:20.123456Z'),
          ('b', '2023-11-14 22:13:20'), ('c', '2023-11-15T00:13:20+02:00'),
          ('d', 1700000000123456), ('e', '2023-11-14T22:13:20.5');
        """,
    )
    with Session(server) as s:
        rows = {row["id"]: row["moment"] for row in s.rows("moments")}
    second = 1_700_000_000_000_000
    assert rows == {
        "a": second + 123_456, "b": second, "c": second, "d": second + 123_456,
        "e": second + 500_000,
    }


def test_a_wrong_wire_type_in_an_entity_is_refused_with_the_fields_name(s):
    number = s.contract.class_of("tables.Everything").DESCRIPTOR.fields_by_name["words"].number
    tag = number << 3  # varint
    value = bytes([tag]) if tag < 128 else bytes([tag & 0x7F | 0x80, tag >> 7])
    with refused("INVALID_ARGUMENT") as error:
        s.call("create", entity=s.contract.any("tables.Everything", value + b"\x01"))
    assert "words" in error.message


def test_a_boolean_of_another_program_counts_as_sqlite_has_it(serve):
    server = serve(
        "bool.db", "--attach",
        sql="CREATE TABLE b (id TEXT PRIMARY KEY, v BOOLEAN);"
        "INSERT INTO b VALUES ('f', 0), ('t', 1), ('n', NULL);",
    )
    with Session(server) as s:
        assert {r["id"]: r.get("v") for r in s.rows("b")} == {"f": False, "t": True, "n": None}


def test_a_key_may_have_any_name(serve):
    server = serve(
        "keys.db", "--attach",
        sql='CREATE TABLE odd (code TEXT PRIMARY KEY, "id" TEXT, name TEXT);'
        "CREATE TABLE people (person_number INTEGER PRIMARY KEY, name TEXT);",
    )
    with Session(server) as s:
        row = s.create("odd", code="c1", name="n", id="not the key").row
        assert row["code"] == "c1" and row["id"] == "not the key"
        assert s.get("odd", "c1") == row
        fields = s.contract.class_of("tables.Odd").DESCRIPTOR.fields_by_name
        assert fields["code"].number == 1 and fields["id"].number > 5
        with refused("INVALID_ARGUMENT", "BAD_MASK"):
            s.update("odd", ["code"], code="c1")
        assert s.update("odd", ["id"], code="c1", id="x").row["id"] == "x"
        assert s.create("people", name="p").row["person_number"] == 1
        assert s.page("odd", select=["name"]).rows == [{"code": "c1", "name": "n"}]


def test_names_that_need_quoting_in_sql_are_served(serve):
    server = serve(
        "names.db", "--attach",
        sql='CREATE TABLE "order" ("id" TEXT PRIMARY KEY, "select" TEXT, "group" INTEGER);',
    )
    with Session(server) as s:
        row = s.create("order", id="1", select="s", group=2).row
        assert (row["select"], row["group"]) == ("s", 2)
        assert s.rows("order", filter="group eq 2", order_by="select desc")[0]["id"] == "1"
        assert s.update("order", ["group"], id="1", group=3).row["group"] == 3
