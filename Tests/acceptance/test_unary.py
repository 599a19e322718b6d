"""The operations as calls of their own, with their status details."""

import pytest

from errors import refused
from session import Session

TABLE = "notes"


def test_every_operation_works_as_a_call(shop):
    contract = shop.contract
    made = shop.unary("Create", entity=contract.entity(TABLE, id="unary", title="one"))
    row = contract.row_of(made.entity)
    assert row["version"] == made.sequence
    updated = shop.unary("Update", entity=contract.entity(TABLE, id="unary", title="two"))
    assert updated.sequence == made.sequence + 1
    replaced = shop.unary("Replace", entity=contract.entity(TABLE, id="unary", title="three"))
    got = shop.unary("Get", table=TABLE, id="unary")
    assert got.entity.value == replaced.entity.value
    assert shop.unary("Get", table=TABLE, id="unary", unless_version=replaced.sequence).not_modified
    page = shop.unary("Query", table=TABLE, filter="id eq 'unary'", count=True)
    assert page.total == 1 and page.entities[0].value == got.entity.value and page.resume_token
    commit = shop.unary("Commit", writes=[{"delete": {"table": TABLE, "id": "unary"}}])
    assert commit.writes[0].sequence == replaced.sequence + 1
    assert {t.name for t in shop.unary("Describe").tables} >= {"notes", "authors"}
    again = shop.unary("Create", entity=contract.entity(TABLE, id="unary", title="x"))
    assert shop.unary("Delete", table=TABLE, id="unary").sequence == again.sequence + 1


def test_a_failed_call_has_its_reason_in_the_status_details(shop):
    with refused("NOT_FOUND", "ROW_NOT_FOUND") as error:
        shop.unary("Get", table=TABLE, id="nobody")
    assert "nobody" in error.message + str(error.metadata)
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as error:
        shop.unary("Query", table="nothing")
    assert "nothing" in error.message
    shop.unary("Create", entity=shop.contract.entity(TABLE, id="unary-taken", title="x"))
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        shop.unary("Create", entity=shop.contract.entity(TABLE, id="unary-taken", title="y"))
    assert error.row["title"] == "x"
    with refused("INVALID_ARGUMENT", "BAD_FILTER") as error:
        shop.unary("Query", table=TABLE, filter="title eq")
    assert error.violations[0][0] == "filter" and error.violations[0][1].startswith("at ")


@pytest.mark.parametrize("method", ["Create", "Get", "Query", "Delete", "Replace", "Update"])
def test_an_empty_request_is_answered_with_an_error_not_a_crash(shop, method):
    with refused(("INVALID_ARGUMENT", "NOT_FOUND")):
        shop.unary(method)
    assert shop.unary("Describe").tables


def test_a_call_and_a_session_see_each_other_at_once(shop):
    with Session(shop) as session:
        for n in range(20):
            made = shop.unary("Create", entity=shop.contract.entity(TABLE, title=str(n)))
            id = shop.contract.row_of(made.entity)["id"]
            assert session.get(TABLE, id)["title"] == str(n)
            session.update(TABLE, id=id, title="changed")
            assert shop.contract.row_of(shop.unary("Get", table=TABLE, id=id).entity)["title"] == (
                "changed"
            )


def test_a_deadline_ends_a_call_and_no_other(shop):
    call = shop.stream("Subscribe", table=TABLE, now={}, timeout=0.5)
    with pytest.raises(Exception) as caught:
        for _ in call:
            pass
    assert caught.value.code().name == "DEADLINE_EXCEEDED"
    assert shop.unary("Describe").tables


def test_text_outside_of_ascii_comes_through_in_messages(shop):
    with refused("NOT_FOUND", "TABLE_NOT_FOUND") as error:
        shop.unary("Query", table="täbelle 😀")
    assert "täbelle 😀" in error.message
