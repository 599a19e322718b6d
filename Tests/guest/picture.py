"""A picture of rows and of unreadable rows, kept from events alone, and checked at each of them."""

from errors import Refused, status_of
from session import Checkpoint, Ended, Subscription, View, event_of


class Unreadable:
    """A row that is in no view because a stored value fits no form."""

    def __init__(self, contract, message):
        self.table, self.id, self.sequence = message.table, message.id, message.sequence
        self.more, self.initial = message.more, message.initial
        self.reason = (
            Refused(status_of(message.reason), contract) if message.HasField("reason") else None
        )

    @property
    def column(self):
        return self.reason.metadata.get("column") if self.reason else None

    def __repr__(self):
        said = f"{self.reason}" if self.reason else "no longer"
        marks = "".join(f" {mark}" for mark in ("more", "initial") if getattr(self, mark))
        return f"<unreadable {self.table}/{self.id} @{self.sequence}{marks} {said}>"


class Watch(Subscription):
    """A subscription that takes the events of unreadable rows, too."""

    def __init__(self, session, table="", heartbeat_interval=0.1, **fields):
        request = session.send(
            "subscribe", table=table, heartbeat_interval=heartbeat_interval, **fields
        )
        super().__init__(session, request)
        self.events = []
        self.picture = None

    def next(self, seconds=20):
        def find(log):
            while self._position < len(log):
                response = log[self._position]
                self._position += 1
                if response.request_id == self.request_id:
                    return response
            return None

        response = self.session.wait(find, seconds, f"event of subscription {self.request_id}")
        if response.HasField("status"):
            if response.status.code:
                raise Refused(status_of(response.status), self.session.contract)
            raise Ended("status OK")
        event = response.event
        if "unreadable" in event.DESCRIPTOR.fields_by_name and event.HasField("unreadable"):
            return Unreadable(self.session.contract, event.unreadable)
        return event_of(self.session.contract, event)


class Picture(View):
    """The view, and beside it the rows told of as unreadable."""

    def __init__(self):
        super().__init__()
        self.unreadable = {}
        self._left = None

    def apply(self, event):
        if isinstance(event, Unreadable):
            return self._apply_unreadable(event)
        if isinstance(event, Checkpoint):
            return super().apply(event)
        key = (event.table, event.id)
        super().apply(event)
        if event.operation == "ADD":
            self.unreadable.pop(key, None)
        assert key not in self.unreadable, f"a change of an unreadable row: {event}"
        self._left = key if event.left_view else None
        return self

    def _apply_unreadable(self, event):
        key = (event.table, event.id)
        if not event.initial:
            # It comes with the DELETE by which the row left the view, under the same sequence.
            rises = event.sequence > self.sequence
            assert rises or self._left == key, f"not rising after {self.sequence}: {event}"
            self.sequence = max(self.sequence, event.sequence)
        self._open = event.more
        assert key not in self.rows, f"unreadable, but still in view: {event}"
        if event.reason is None:
            assert key in self.unreadable, f"no longer unreadable, but never told of: {event}"
            del self.unreadable[key]
            return self
        assert event.reason.code == "DATA_LOSS" and event.reason.reason == "UNREADABLE", event
        assert event.reason.metadata.get("table") == event.table, event
        assert event.reason.metadata.get("id", "") == event.id, event
        assert event.column, f"the column is not named: {event}"
        if event.id:
            self.unreadable[key] = event.reason
        return self

    def errors_of(self, table):
        return {id: reason for (name, id), reason in self.unreadable.items() if name == table}

    def assert_equals(self, table, rows, errors, how=""):
        """At a checkpoint the picture is the query's rows, and its unreadable rows are its errors."""
        mine = self.of(table)
        assert mine.keys() == rows.keys(), (
            f"{table}: only in the view {sorted(mine.keys() - rows.keys())[:5]},"
            f" only in the query {sorted(rows.keys() - mine.keys())[:5]}{how}"
        )
        wrong = {id: (mine[id], rows[id]) for id in mine if mine[id] != rows[id]}
        assert not wrong, f"{table}: in the view and in the query: {dict(list(wrong.items())[:3])}{how}"
        told = {id: error.metadata.get("column") for id, error in self.errors_of(table).items()}
        asked = {id: error.metadata.get("column") for id, error in errors.items() if id}
        assert told == asked, f"{table}: unreadable in the view {told}, in the query {asked}{how}"
