"""Tokens that nobody gave, and rows of our own tables that nobody wrote: they concern who brings them
or asks for them, and nobody else."""

import base64

import pytest

from errors import Refused, refused
from session import Session

TABLE = "notes"


def fnv(data, beginning=0xCBF29CE484222325):
    value = beginning
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def varint(value):
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def unsigned(content, key):
    """A token whose checksum is right for a key that everybody knows."""
    return base64.urlsafe_b64encode(
        content + fnv(content, fnv(key.encode())).to_bytes(8, "big")
    ).decode().rstrip("=")


def signed_content(token):
    """What is in one of the server's tokens, between its kind and its code."""
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[1:-20]


@pytest.fixture
def bystander(own_shop):
    """Another client's row; it can be read and written when the test is over."""
    with Session(own_shop) as session:
        session.create("authors", id="bystander", name="before")
    yield
    with Session(own_shop) as session:
        assert session.get("authors", "bystander")["name"] == "before"
        assert session.update("authors", id="bystander", name="after").row["name"] == "after"


def test_a_page_token_that_is_made_from_the_history_id_is_refused(own_shop, bystander):
    with Session(own_shop, client_id="forger") as session:
        for number in range(3):
            session.create(TABLE, title=str(number))
        query = {"page_size": 1}
        token = session.page(TABLE, **query).next_page_token
        # The query's own fingerprint, then as many rows as a number can say.
        content = signed_content(token)
        fingerprint_end = next(at for at in range(1, 12) if content[at] < 0x80) + 1
        assert content[0] == 0x08 and content[fingerprint_end] == 0x10
        for rows in (2**64 - 1, 2**63, 0):
            forged = unsigned(
                content[:fingerprint_end] + b"\x10" + varint(rows)
                + content[fingerprint_end + 2:], session.opened.history_id
            )
            with refused("INVALID_ARGUMENT", "BAD_PAGE_TOKEN"):
                session.page(TABLE, page_token=forged, **query)


def test_a_resume_token_that_nobody_signed_is_of_another_history(own_shop, bystander):
    with Session(own_shop, client_id="forger") as session:
        history = session.opened.history_id.encode()
        for sequence in (0, 1, 2**63 - 1, 2**63, 2**64 - 1):
            content = b"\x0a" + varint(len(history)) + history + b"\x10" + varint(sequence)
            token = unsigned(content, "datasync resume token 1")
            with refused("OUT_OF_RANGE", "HISTORY_REPLACED"):
                session.subscribe(TABLE, resume_token=token).next()


DAMAGE = [
    "UPDATE datasync_mutations SET results = x''",
    "UPDATE datasync_mutations SET results = x'0a020a01'",
    "UPDATE datasync_log SET after = x'0aff', before = x'ff' WHERE before IS NOT NULL",
    "UPDATE datasync_log SET key = CAST(x'ff' AS TEXT) WHERE sequence > 3",
    "UPDATE datasync_log SET operation = 77 WHERE sequence > 3",
    "UPDATE datasync_state SET log_bytes = 9223372036854775807",
    "UPDATE datasync_state SET oldest = 9223372036854775807",
]


@pytest.mark.parametrize("sql", DAMAGE)
def test_damage_concerns_who_asks_for_what_is_damaged(own_shop, bystander, sql):
    with Session(own_shop, client_id="a") as session:
        token = session.subscribe(TABLE, now={}).until_current()[-1].resume_token
        row = session.create(TABLE, mutation_id="m1", id="r1", title="x")
        session.update(TABLE, id=row.id, title="y")
        session.delete(TABLE, row.id)
    own_shop.foreign(sql)
    # What is kept in memory is not read from the file again before that.
    own_shop.terminate()
    own_shop.start()
    refusals = []
    with Session(own_shop, client_id="a") as session:
        for ask in (
            lambda: session.create(TABLE, mutation_id="m1", id="r1", title="x"),
            lambda: session.subscribe(TABLE, resume_token=token).until_current(),
            lambda: session.subscribe(TABLE, resume_token=token, min_interval=0.05).until_current(),
            lambda: own_shop.unary("Changes", table=TABLE, resume_token=token),
            lambda: session.rows(TABLE),
            lambda: session.create(TABLE, title="new"),
        ):
            try:
                ask()
            except Refused as error:
                assert error.code in ("DATA_LOSS", "OUT_OF_RANGE"), error
                refusals.append(error.reason)
    assert refusals or "log_bytes" in sql, "nobody was told"
