"""How much one principal, or one address, may have at once."""

import pytest

from errors import refused
from server import until
from session import Session
from test_access import TABLE, Place


@pytest.fixture
def place(tmp_path):
    places = []

    def start(*limits):
        options = [word for limit in limits for word in ("--limit", limit)]
        places.append(Place(tmp_path, options=options))
        return places[-1]

    yield start
    for place in places:
        place.server.stop()


def end_of(place, name):
    with place.session(name) as session:
        # What comes with it is not begun.
        session.send("create", entity=session.contract.entity(TABLE, id="refused", title="t"))
        session.half_close()
        return session.ended(20)


def works(place, name):
    with place.session(name) as session:
        try:
            return session.call("open", client_id="x").principal == name
        except Exception:
            return False


def test_a_principal_has_so_many_sessions(place):
    place = place("max_sessions_per_principal=2")
    first, second = (place.session("alice", client_id="a") for _ in range(2))
    ended = end_of(place, "alice")
    assert (ended.code, ended.reason) == ("RESOURCE_EXHAUSTED", "MAX_SESSIONS_PER_PRINCIPAL")
    assert ended.metadata["limit"] == "max_sessions_per_principal"
    assert second.rows(TABLE) == []
    with place.session("bob", client_id="b") as bob:
        with refused("RESOURCE_EXHAUSTED", "MAX_SESSIONS_PER_PRINCIPAL"):
            bob.call("authenticate", token=place.tokens["alice"])
        assert bob.create(TABLE, id="b", title="t").row["owner"] == "bob"
        # Whoever becomes another leaves room.
        assert first.call("authenticate", token=place.tokens["bob"]).principal == "bob"
        assert bob.call("authenticate", token=place.tokens["alice"]).principal == "alice"
    first.close()
    until(lambda: works(place, "alice"), message="no room after the end of a session")
    second.close()


def test_an_address_has_so_many_sessions(place):
    place = place("max_sessions_per_address=2")
    first = place.session("alice", client_id="a")
    with Session(place.server) as second:
        with refused("UNAUTHENTICATED", "CREDENTIALS_REQUIRED"):
            second.call("describe")
        ended = end_of(place, "bob")
        assert (ended.code, ended.reason) == ("RESOURCE_EXHAUSTED", "MAX_SESSIONS_PER_ADDRESS")
    until(lambda: works(place, "bob"), message="no room after the end of a session")
    first.close()
