"""A session: one bidirectional stream, requests by id, events by subscription."""

import queue
import threading
import time

import grpc

from contract import OPERATIONS
from errors import Refused, refused_by, status_of

SECONDS = 60


class Ended(Exception):
    """The call is over; nothing more will come."""


class Session:
    """One stream with its own connection. Every wait has a deadline."""

    def __init__(self, server, client_id=None, metadata=(), timeout=300, channel=None):
        self.contract = server.contract
        self._own_channel = channel is None
        self._channel = channel or server.channel()
        self._outbox = queue.SimpleQueue()
        self._changed = threading.Condition()
        # Every response in the order in which it came.
        self.log = []
        self._ids = 0
        self.outcome = None
        self._response = self.contract.class_of("datasync.v1.SessionResponse")
        self.call_object = self._channel.stream_stream(
            "/datasync.v1.Datasync/Session",
            request_serializer=lambda item: (
                item if isinstance(item, bytes) else item.SerializeToString()
            ),
            response_deserializer=self._response.FromString,
        )(iter(self._outbox.get, None), metadata=metadata, timeout=timeout)
        threading.Thread(target=self._read, daemon=True).start()
        self.opened = self.call("open", client_id=client_id) if client_id is not None else None

    def _read(self):
        outcome = None
        try:
            for response in self.call_object:
                with self._changed:
                    self.log.append(response)
                    self._changed.notify_all()
        except grpc.RpcError as error:
            outcome = error
        except ValueError as error:  # The channel was closed beneath it.
            outcome = error
        with self._changed:
            self.outcome = outcome or "OK"
            self._changed.notify_all()

    # -- sending

    def next_id(self):
        self._ids += 1
        return self._ids

    def send(self, kind, request_id=None, **fields):
        """Sends a request without waiting; returns its id."""
        request_id = self.next_id() if request_id is None else request_id
        self._outbox.put(self.request(kind, request_id, **fields))
        return request_id

    def request(self, kind, request_id, **fields):
        message = self.contract.class_of("datasync.v1.SessionRequest")(request_id=request_id)
        target = getattr(message, kind)
        target.SetInParent()
        self.contract._fill(target, fields)
        return message

    def send_raw(self, message):
        """Bytes, or a SessionRequest, as they are."""
        self._outbox.put(message)

    def half_close(self):
        self._outbox.put(None)

    def close(self):
        self.call_object.cancel()
        if self._own_channel:
            self._channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- receiving

    def wait(self, find, seconds=SECONDS, what="a response"):
        """The first result of `find(log)` that is not None."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                found = find(self.log)
                if found is not None:
                    return found
                if self.outcome is not None:
                    raise Ended(f"waiting for {what}: the call ended: {self.outcome}")
                left = deadline - time.monotonic()
                assert left > 0, f"no {what} within {seconds} s; so far {len(self.log)} responses"
                self._changed.wait(left)

    def ended(self, seconds=SECONDS):
        """Waits for the end of the call: None for OK, else what it was refused with."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self.outcome is None:
                left = deadline - time.monotonic()
                assert left > 0, f"the call did not end within {seconds} s"
                self._changed.wait(left)
        return None if self.outcome == "OK" else refused_by(self.outcome, self.contract)

    def of(self, request_id):
        """Every response of a request so far."""
        with self._changed:
            return [response for response in self.log if response.request_id == request_id]

    def answer(self, request_id, seconds=SECONDS):
        """The final answer of a request; raises Refused where it is an error status."""
        response = self.response(request_id, seconds)
        kind = response.WhichOneof("response")
        if kind == "status":
            if response.status.code:
                raise Refused(status_of(response.status), self.contract)
            return response.status
        return getattr(response, kind)

    def response(self, request_id, seconds=SECONDS):
        """The first response of a request that is no event."""

        # Looked at once each: beside it, a subscription may bring a hundred thousand.
        position = 0

        def find(log):
            nonlocal position
            while position < len(log):
                response = log[position]
                position += 1
                if response.request_id == request_id and not response.HasField("event"):
                    return response
            return None

        return self.wait(find, seconds, f"answer to request {request_id}")

    def call(self, kind, **fields):
        return self.answer(self.send(kind, **fields))

    def session_status(self, index=0, seconds=SECONDS):
        """The index-th status under request id 0, as Refused."""

        def find(log):
            found = [r for r in log if r.request_id == 0 and r.HasField("status")]
            return found[index] if len(found) > index else None

        return Refused(
            status_of(self.wait(find, seconds, "status of the session").status), self.contract
        )

    # -- the operations, with rows as dictionaries

    def create(self, table, mutation_id="", **values):
        return Written(
            self, self.call(
                "create", entity=self.contract.entity(table, **values), mutation_id=mutation_id
            )
        )

    def replace(self, table, options=None, **values):
        return Written(
            self,
            self.call("replace", entity=self.contract.entity(table, **values), **(options or {})),
        )

    def update(self, table, mask=None, options=None, **values):
        fields = dict(options or {})
        if mask is not None:
            fields["update_mask"] = {"paths": mask}
        return Written(
            self, self.call("update", entity=self.contract.entity(table, **values), **fields)
        )

    def delete(self, table, id, **fields):
        return Written(self, self.call("delete", table=table, id=id, **fields))

    def get(self, table, id, **fields):
        return self.contract.row_of(self.call("get", table=table, id=id, **fields).entity)

    def page(self, table, **fields):
        return Page(self, self.call("query", table=table, **fields))

    def rows(self, table, **fields):
        """Every row over all pages."""
        rows, token = [], ""
        for _ in range(10_000):
            page = self.page(table, page_token=token, **fields)
            rows += page.rows
            token = page.next_page_token
            if not token:
                return rows
        raise AssertionError("the pages do not end")

    def cancel(self, request_id):
        return self.answer(self.send_cancel(request_id))

    def send_cancel(self, request_id):
        own = self.next_id()
        message = self.contract.class_of("datasync.v1.SessionRequest")(request_id=own)
        message.cancel.request_id = request_id
        self.send_raw(message)
        return own

    def subscribe(self, table="", **fields):
        return Subscription(self, self.send("subscribe", table=table, **fields))


class Written:
    def __init__(self, session, response):
        self.row = session.contract.row_of(response.entity)
        self.sequence = response.sequence
        self.replayed = response.replayed

    @property
    def id(self):
        return self.row["id"]


class Page:
    def __init__(self, session, response):
        self.rows = [session.contract.row_of(entity) for entity in response.entities]
        self.next_page_token = response.next_page_token
        self.total = response.total
        self.resume_token = response.resume_token
        self.errors = [Refused(status_of(error), session.contract) for error in response.errors]


class Change:
    """A change with its rows as dictionaries."""

    def __init__(self, contract, message):
        self.operation = OPERATIONS[message.operation]
        self.table, self.id = message.table, message.id
        self.sequence = message.sequence
        self.row = contract.row_of(message.entity)
        self.previous = contract.row_of(message.previous)
        self.changed_fields = list(message.changed_fields)
        self.origin, self.own = message.origin, message.own
        self.committed_at = message.committed_at
        self.more, self.initial, self.left_view = message.more, message.initial, message.left_view

    def __repr__(self):
        marks = "".join(
            f" {mark}" for mark in ("own", "more", "initial", "left_view") if getattr(self, mark)
        )
        return f"<{self.operation} {self.table}/{self.id} @{self.sequence}{marks} {self.row}>"


class Checkpoint:
    def __init__(self, message):
        self.resume_token = message.resume_token
        self.sequence = message.sequence
        self.current = message.current

    def __repr__(self):
        return f"<checkpoint @{self.sequence}{' current' if self.current else ''}>"


def event_of(contract, event):
    if event.HasField("change"):
        return Change(contract, event.change)
    assert event.HasField("checkpoint"), "an event is a change or a checkpoint"
    return Checkpoint(event.checkpoint)


class Subscription:
    """The events of one subscription, in order. Reads where it stopped reading."""

    def __init__(self, session, request_id):
        self.session, self.request_id = session, request_id
        self._position = 0

    def next(self, seconds=SECONDS):
        """The next event; raises Refused where the subscription failed, Ended where it ended."""

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
        return event_of(self.session.contract, response.event)

    def change(self, seconds=SECONDS):
        """The next change; checkpoints are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            event = self.next(max(0.001, deadline - time.monotonic()))
            if isinstance(event, Change):
                return event

    def changes(self, count, seconds=SECONDS):
        return [self.change(seconds) for _ in range(count)]

    def checkpoint(self, seconds=SECONDS):
        """The next checkpoint; changes are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            event = self.next(max(0.001, deadline - time.monotonic()))
            if isinstance(event, Checkpoint):
                return event

    def until_current(self, seconds=SECONDS):
        """Everything up to and with the checkpoint marked current."""
        events, deadline = [], time.monotonic() + seconds
        while True:
            event = self.next(max(0.001, deadline - time.monotonic()))
            events.append(event)
            if isinstance(event, Checkpoint) and event.current:
                return events

    def until_sequence(self, sequence, seconds=SECONDS):
        """Everything up to and with the first checkpoint at or past the sequence."""
        events, deadline = [], time.monotonic() + seconds
        while True:
            event = self.next(max(0.001, deadline - time.monotonic()))
            events.append(event)
            if isinstance(event, Checkpoint) and event.sequence >= sequence:
                return events

    def is_silent(self, seconds=0.4):
        """No change comes in that time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self.next(left)
            except AssertionError:
                return True
            if isinstance(event, Change):
                return False
        return True

    def cancel(self):
        """Cancels it; returns the cancel's own answer."""
        return self.session.cancel(self.request_id)


class View:
    """A picture of the rows, kept from events alone; checks each event against it."""

    def __init__(self):
        self.rows = {}
        self.sequence = 0
        self.token = ""
        self.current = False
        self._open = False

    def apply(self, event):
        if isinstance(event, Checkpoint):
            assert not self._open, "a checkpoint splits a commit"
            assert event.sequence >= self.sequence, "the position went back"
            self.sequence, self.token = event.sequence, event.resume_token
            self.current = self.current or event.current
            return self
        key = (event.table, event.id)
        if not event.initial:
            assert event.sequence > self.sequence, f"not rising after {self.sequence}: {event}"
            self.sequence = event.sequence
        self._open = event.more
        if event.operation == "ADD":
            assert key not in self.rows, f"added twice: {event}"
            self.rows[key] = event.row
        elif event.operation == "UPDATE":
            assert key in self.rows, f"updated, but never added: {event}"
            self.rows[key] = event.row
        else:
            assert key in self.rows, f"deleted, but never added: {event}"
            assert event.row is None, f"a row in a DELETE: {event}"
            del self.rows[key]
        return self

    def apply_all(self, events):
        for event in events:
            self.apply(event)
        return self

    def of(self, table):
        return {id: row for (name, id), row in self.rows.items() if name == table}


def by_id(rows):
    return {row["id"]: row for row in rows}
