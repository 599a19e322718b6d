"""Resume tokens under an access file: they are good for whoever may still read the same."""

import pytest

from errors import refusals, refused
from server import Server
from session import Change, Session
from test_access import FILE, TABLE, Place, make_token, own_place  # noqa: F401

NOTICES = "notices"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("resume"))
    yield place
    place.server.stop()


def tokens_of(place, header, table=TABLE):
    """A token of every kind that there is."""
    with Session(place.server, metadata=header, client_id="t") as session:
        events = session.subscribe(table)
        tokens = {"checkpoint": events.until_current()[-1].resume_token}
        if table:
            tokens["query"] = session.page(table).resume_token
    changes = place.server.unary("Changes", metadata=header, table=table)
    tokens["changes"] = changes.resume_token
    again = place.server.unary(
        "Changes", metadata=header, table=table, resume_token=changes.resume_token)
    tokens["changes after changes"] = again.resume_token
    return tokens


def resumptions(place, header, token, table=TABLE):
    """Every way to go on from a token; each is called, and goes on to the checkpoint `current`."""

    def subscribe():
        with Session(place.server, metadata=header, client_id="r") as session:
            return session.subscribe(table, resume_token=token).until_current()

    def watch():
        service = "tables." + "".join(part.capitalize() for part in table.split("_")) + "Table"
        with refusals(place.server.contract):
            return list(place.server.stream(
                "Watch", metadata=header, service=service, resume_token=token, once=True))

    def changes():
        return place.server.unary("Changes", metadata=header, table=table, resume_token=token)

    return [subscribe, changes] + ([watch] if table else [])


def test_a_resume_token_is_its_principals(place):
    for table in (TABLE, ""):
        for kind, token in tokens_of(place, place.header("alice"), table).items():
            for resume in resumptions(place, place.header("alice"), token, table):
                resume()
            for resume in resumptions(place, place.header("bob"), token, table):
                with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
                    resume()


def test_a_resume_token_is_of_the_rules_that_its_table_is_read_by(place):
    token = tokens_of(place, place.header("alice"), NOTICES)["checkpoint"]
    for resume in resumptions(place, place.header("alice"), token, TABLE):
        with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
            resume()


def test_live_checkpoints_are_each_subscribers_own(place):
    """Who may read the same shares its events, and none of them another's token."""
    with place.session("alice", client_id="a") as alice, place.session("bob", client_id="b") as bob:
        views = [session.subscribe(NOTICES) for session in (alice, bob)]
        for events in views:
            events.until_current()
        for n in range(2):
            place.server.foreign("UPDATE notices SET words = ? WHERE id = 'n'", (f"words {n}",))
            seen = []
            for events in views:
                change = events.change()
                checkpoint = events.checkpoint()
                assert checkpoint.sequence >= change.sequence
                seen.append(checkpoint)
            assert seen[0].resume_token != seen[1].resume_token
            for own, other in [(alice, bob), (bob, alice)]:
                token = seen[0 if own is alice else 1].resume_token
                assert not [
                    event for event in own.subscribe(NOTICES, resume_token=token).until_current()
                    if isinstance(event, Change)
                ]
                with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
                    other.subscribe(NOTICES, resume_token=token).until_current()


def test_roles_count_where_a_rule_reads_them(tmp_path):
    place = Place(tmp_path)
    try:
        token, line = make_token("alice", "--role", "clerk")
        place.server.stop()
        with open(tmp_path / "tokens.txt", "a") as file:
            file.write(line + "\n")
        place.server = start(place)
        clerk = [("authorization", f"Bearer {token}")]
        for table, is_same in [(TABLE, False), (NOTICES, True)]:
            old = tokens_of(place, place.header("alice"), table)["checkpoint"]
            for resume in resumptions(place, clerk, old, table):
                if is_same:
                    resume()
                else:
                    with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
                        resume()
    finally:
        place.server.stop()


def start(place):
    return Server(
        place.folder / "access.db", "--attach", "--access", place.folder / "access.yml"
    ).start()


@pytest.mark.parametrize("old, new, is_same", [
    ("done eq true", "done eq false", True),
    ("owner eq @old.owner", "owner eq @principal.id", True),
    ("notices: { read: 'true' }", "notices: { read: 'true', create: 'true' }", True),
    ("read:   owner", "read:   done eq true or owner", False),
    ("not ('admin' in", "not ('boss' in", False),
])
def test_only_what_is_read_counts(own_place, old, new, is_same):  # noqa: F811
    place = own_place
    tokens = {table: tokens_of(place, place.header("alice"), table) for table in (TABLE, "")}
    notices = tokens_of(place, place.header("alice"), NOTICES)["checkpoint"]
    place.server.stop()
    assert FILE.count(old) == 1
    (place.folder / "access.yml").write_text(FILE.replace(old, new))
    place.server = start(place)
    for table, of_table in tokens.items():
        for token in of_table.values():
            for resume in resumptions(place, place.header("alice"), token, table):
                if is_same:
                    resume()
                else:
                    with refused("OUT_OF_RANGE", "VIEW_CHANGED"):
                        resume()
    for resume in resumptions(place, place.header("alice"), notices, NOTICES):
        resume()


def test_a_new_table_under_the_same_rule_is_no_other_view(tmp_path):
    place = Place(tmp_path, file=FILE + "  '*': { read: 'true' }\n")
    try:
        token = tokens_of(place, place.header("alice"), "")["checkpoint"]
        place.server.stop()
        import sqlite3

        connection = sqlite3.connect(tmp_path / "access.db")
        connection.execute("CREATE TABLE extra (id TEXT PRIMARY KEY, words TEXT)")
        connection.close()
        place.server = start(place)
        with place.session("alice", client_id="x") as alice:
            alice.get(NOTICES, "n")
            # The table's history begins where it was attached: that is another matter.
            with refused("OUT_OF_RANGE", "HISTORY_COMPACTED"):
                alice.subscribe("", resume_token=token).until_current()
    finally:
        place.server.stop()
