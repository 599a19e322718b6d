"""TodoMVC with two sessions: one works, the other watches."""

import pytest

from session import Session, View, by_id

TABLE = "todo_items"


class App:
    """The writer's session, and a watcher's picture of the list, kept from events alone."""

    def __init__(self, server):
        self.writer = Session(server, client_id="writer")
        self.watcher = Session(server, client_id="watcher")
        self.echo = self.writer.subscribe(TABLE, now={}, heartbeat_interval=0.1)
        self.events = self.watcher.subscribe(TABLE, heartbeat_interval=0.1)
        self.view = View().apply_all(self.events.until_current())
        self.echo.until_current()

    def step(self, *written):
        """The writes have been answered: the picture must come to equal a query."""
        last = max(write.sequence for write in written)
        self.view.apply_all(self.events.until_sequence(last))
        assert self.view.of(TABLE) == by_id(self.watcher.rows(TABLE))
        for write in written:
            event = self.echo.change()
            assert (event.sequence, event.id, event.own) == (write.sequence, write.id, True)
        return written

    def update_all(self, changes):
        """One commit of updates: {id: {field: value}}."""
        writes = [
            {"update": {"entity": self.writer.contract.entity(TABLE, id=id, **fields)}}
            for id, fields in changes.items()
        ]
        return self.commit(writes)

    def commit(self, writes):
        answer = self.writer.call("commit", writes=writes)
        assert len(answer.writes) == len(writes)
        for part in answer.writes:
            yield Part(self.writer.contract.row_of(part.entity), part.sequence)


class Part:
    def __init__(self, row, sequence):
        self.row, self.sequence, self.id = row, sequence, row["id"]


@pytest.fixture
def app(demo):
    app = App(demo)
    yield app
    app.writer.close()
    app.watcher.close()


def test_the_other_sessions_picture_equals_a_query_after_each_step(app):
    # Add.
    items = []
    for title in ("Milk", "Bread", "Käse 🧀", "Water"):
        items += app.step(app.writer.create(TABLE, title=title))
        assert items[-1].row["completed"] is False
    ids = [item.id for item in items]
    assert sorted(ids) == ids, "ids made by the server rise"

    # Toggle one, there and back.
    app.step(app.writer.update(TABLE, id=ids[0], completed=True))
    app.step(app.writer.update(TABLE, id=ids[0], completed=False))

    # Toggle all, as one commit.
    done = app.step(*app.update_all({id: {"completed": True} for id in ids}))
    assert all(part.row["completed"] for part in done)
    assert [p.sequence for p in done] == list(range(done[0].sequence, done[0].sequence + 4))
    app.step(*app.update_all({id: {"completed": False} for id in ids}))

    # Edit.
    edited = app.step(app.writer.update(TABLE, ["title"], id=ids[1], title="Rye bread"))
    assert edited[0].row["title"] == "Rye bread" and edited[0].row["completed"] is False
    app.step(app.writer.replace(TABLE, id=ids[3], title="Sparkling water", completed=True))

    # Delete one.
    app.step(app.writer.delete(TABLE, ids[2]))

    # Clear completed.
    app.step(app.writer.update(TABLE, id=ids[0], completed=True))
    completed = [row["id"] for row in app.writer.rows(TABLE) if row["completed"]]
    assert sorted(completed) == sorted([ids[0], ids[3]])
    app.step(
        *app.commit([{"delete": {"table": TABLE, "id": id}} for id in completed])
    )
    assert [row["title"] for row in app.watcher.rows(TABLE)] == ["Rye bread"]
    assert len(app.view.rows) == 1


def test_the_writer_gets_each_response_before_the_event_of_that_write(app):
    for index in range(30):
        app.writer.send("create", entity=app.writer.contract.entity(TABLE, title=f"item {index}"))
    app.echo.changes(30)
    positions = {}
    for position, response in enumerate(app.writer.log):
        if response.HasField("write"):
            positions[response.write.sequence] = position
        elif response.HasField("event") and response.event.HasField("change"):
            sequence = response.event.change.sequence
            assert sequence in positions, f"the event of {sequence} came before its response"
    assert len(positions) == 30


def test_two_sessions_that_both_write_and_watch_agree(app):
    mine = app.watcher.subscribe(TABLE, heartbeat_interval=0.1)
    view = View().apply_all(mine.until_current())
    for index in range(20):
        session = (app.writer, app.watcher)[index % 2]
        session.send("create", entity=session.contract.entity(TABLE, title=str(index)))
    last = app.writer.create(TABLE, title="the last of one")
    other = app.watcher.create(TABLE, title="the last of the other")
    view.apply_all(mine.until_sequence(max(last.sequence, other.sequence)))
    assert view.of(TABLE) == by_id(app.writer.rows(TABLE)) and len(view.rows) == 22
