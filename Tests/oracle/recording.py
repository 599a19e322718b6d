"""What clients sent and received, kept for the validators."""

import collections
import dataclasses
import threading
import time

import grpc

from contract import OPERATIONS, plain
from errors import Refused, status_of
from server import CHANNEL_OPTIONS
from session import SECONDS, Session
from views import Seen

# Small windows: a client that stops reading is felt by the server soon.
RECORDED_OPTIONS = [
    *CHANNEL_OPTIONS, ("grpc.http2.lookahead_bytes", 1 << 16), ("grpc.http2.bdp_probe", 0),
]


class RecordedSession(Session):
    """Keeps every response with its place and time; can stop reading."""

    def __init__(self, server, client_id, address=None):
        self.client_id = client_id
        self.by_id = collections.defaultdict(list)
        self.times = []
        # Marked writes by mark, deletes by request id; see `workload`.
        self.writes = []
        self.was_stalled = False
        # Still there when everything had been answered.
        self.was_heard_out = False
        self._reads = threading.Event()
        self._reads.set()
        channel = grpc.insecure_channel(address or server.address, options=RECORDED_OPTIONS)
        try:
            super().__init__(server, client_id=client_id, timeout=None, channel=channel)
        except BaseException:
            channel.close()
            raise

    def _read(self):
        outcome = None
        try:
            for response in self.call_object:
                with self._changed:
                    self.by_id[response.request_id].append(len(self.log))
                    self.times.append(time.monotonic())
                    self.log.append(response)
                    self._changed.notify_all()
                assert self._reads.wait(600), "nobody went on reading within ten minutes"
        except (grpc.RpcError, ValueError) as error:
            outcome = error
        with self._changed:
            self.outcome = outcome or "OK"
            self._changed.notify_all()

    def stall(self):
        self.was_stalled = True
        self._reads.clear()

    def resume(self):
        self._reads.set()

    def close(self):
        self._reads.set()
        self.call_object.cancel()
        self._channel.close()

    def responses(self, request_id):
        """(place, response) of a request so far."""
        with self._changed:
            return [(place, self.log[place]) for place in self.by_id.get(request_id, ())]

    def last_response(self, request_id):
        with self._changed:
            places = self.by_id.get(request_id)
            return self.log[places[-1]] if places else None

    def response(self, request_id, seconds=SECONDS):
        """Found by id: the log is long."""

        def find(log):
            for place in self.by_id.get(request_id, ()):
                if not log[place].HasField("event"):
                    return log[place]
            return None

        return self.wait(find, seconds, f"answer to request {request_id}")

    def is_answered(self, request_id):
        with self._changed:
            return request_id in self.by_id


@dataclasses.dataclass
class Checkpoint:
    token: str
    sequence: int
    current: bool


@dataclasses.dataclass
class Item:
    """One thing that a leg received: a ``Seen``, a ``Checkpoint`` or, last, its end."""

    place: int
    time: float
    event: object


@dataclasses.dataclass
class Leg:
    """One subscription from its request to its end."""

    name: str
    view: object
    client_id: str
    # "rows", "now", or the position of the token it began with.
    start: object
    session: object = None
    request_id: int = 0
    is_poll: bool = False
    # At the end of the round it had to catch up, and did by then.
    had_to_finish: bool = False
    # By the client: it may end anywhere.
    was_cancelled: bool = False
    # For long polling: what came, as Items of messages.
    received: list = dataclasses.field(default_factory=list)
    items: list = dataclasses.field(default_factory=list)
    # None while it runs or was cut off, else "OK" or Refused.
    end: object = None

    def checkpoints(self):
        """(token, sequence) so far, the newest last, while the leg runs."""
        if self.is_poll:
            responses = [item.event for item in self.received]
        else:
            responses = [
                r.event for _, r in self.session.responses(self.request_id) if r.HasField("event")
            ]
        found = [r.checkpoint for r in responses if r.HasField("checkpoint")]
        return [(c.resume_token, c.sequence) for c in found]

    def last_checkpoint(self):
        """The newest checkpoint's sequence, or -1."""
        if self.is_poll:
            found = self.checkpoints()
            return found[-1][1] if found else -1
        with self.session._changed:
            for place in reversed(self.session.by_id.get(self.request_id, ())):
                response = self.session.log[place]
                if response.HasField("event") and response.event.HasField("checkpoint"):
                    return response.event.checkpoint.sequence
        return -1

    def status(self):
        """The status that ended it, None while there is none."""
        last = self.session.last_response(self.request_id)
        return last.status if last is not None and last.HasField("status") else None

    # -- afterwards

    def read(self, rows):
        """Turns the messages into items."""
        if self.is_poll:
            received = [(item.place, item.time, item.event) for item in self.received]
        else:
            received = []
            for place, response in self.session.responses(self.request_id):
                at = self.session.times[place]
                if response.HasField("event"):
                    received.append((place, at, response.event))
                elif response.HasField("status"):
                    status = status_of(response.status)
                    self.end = Refused(status) if status.code else "OK"
        self.items = [Item(place, at, event_of(event, rows)) for place, at, event in received]

    @property
    def changes(self):
        return [item.event for item in self.items if isinstance(item.event, Seen)]

    def __str__(self):
        return (
            f"{self.name} (client {self.client_id!r}, start {self.start}) of "
            f"{ {k: v for k, v in self.view.request_fields.items() if v} }"
        )


class Rows:
    """Decodes rows in google.protobuf.Any."""

    def __init__(self, contract):
        self.contract = contract

    def of(self, message):
        if not message.type_url:
            return None
        full_name = message.type_url.rsplit("/", 1)[-1]
        return plain(self.contract.class_of(full_name).FromString(message.value))


def event_of(event, rows):
    if event.HasField("checkpoint"):
        checkpoint = event.checkpoint
        return Checkpoint(checkpoint.resume_token, checkpoint.sequence, checkpoint.current)
    change = event.change
    at = change.committed_at
    return Seen(
        operation=OPERATIONS.get(change.operation, str(change.operation)), table=change.table,
        id=change.id, sequence=change.sequence, row=rows.of(change.entity),
        previous=rows.of(change.previous), changed_fields=sorted(change.changed_fields),
        origin=change.origin, own=change.own,
        committed_at=at.seconds * 1_000_000 + at.nanos // 1000, more=change.more,
        initial=change.initial, left_view=change.left_view,
    )
