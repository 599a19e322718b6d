"""Concurrent sessions on few rows look as if one request came after the other."""

import dataclasses
import threading
import time

import pytest

import crash
from conftest import SEED, number
from errors import Refused
from linearizability import EMPTY, Operation, check, store
from session import Ended, Session

ROWS = ("a", "b", "c")


class Client:
    """One client that keeps time; repeats what was not answered under the same mutation id."""

    def __init__(self, name, server, random, clock):
        self.name, self.server, self.random, self.clock = name, server, random, clock
        self.history = []
        self.known = {}
        self.count = 0
        self.last = None
        self.session = None

    def run(self, count, alive):
        for _ in range(count):
            request = self.request()
            invoked = self.clock()
            while True:
                try:
                    answer = self.ask(request)
                    break
                except (Ended, ValueError, AssertionError):
                    # The server died: it is the same operation when it is asked again.
                    self.session = None
                    assert alive.wait(30), "the server did not come back"
                    time.sleep(0.01)
            # That a repeat finds it done is the same operation, answered late.
            self.history.append(Operation(self.name, request, answer, invoked, self.clock()))
        if self.session is not None:
            self.session.close()

    def request(self):
        choice = self.random.random()
        if choice < 0.3:
            return ("get", self.random.choice(ROWS))
        if choice < 0.4 and self.last is not None:
            return self.last
        self.count += 1
        ids = self.random.sample(ROWS, 1 if choice < 0.8 else 2)
        tag = f"{self.name}.{self.count}"
        writes = tuple(
            (id, tag, self.known.get(id, 0) if self.random.random() < 0.5 else 0) for id in ids
        )
        return ("write", tag, writes)

    def ask(self, request):
        if self.session is None:
            self.session = Session(self.server, client_id=self.name)
        if request[0] == "get":
            row = self.session.get("accounts", request[1])
            self.known[request[1]] = row["version"]
            return ("row", row["tag"], row["version"])
        _, mutation, writes = request
        updates = [
            {
                "entity": self.session.contract.entity("accounts", id=id, tag=value),
                "if_version": if_version,
            }
            for id, value, if_version in writes
        ]
        try:
            if len(updates) == 1:
                answer = self.session.call("update", mutation_id=mutation, **updates[0])
                answers = [answer]
            else:
                answer = self.session.call(
                    "commit", mutation_id=mutation, writes=[{"update": each} for each in updates]
                )
                answers = list(answer.writes)
        except Refused as error:
            if error.reason != "VERSION_MISMATCH":
                # It is no matter of trying again.
                raise RuntimeError(f"{request} was refused") from error
            return ("mismatch", error.row["version"])
        for (id, _, _), each in zip(writes, answers):
            self.known[id] = each.sequence
        self.last = request
        return ("done", tuple(each.sequence for each in answers), answer.replayed)


def first_answers(history):
    """An operation that a crash interrupted was replayed to its client, yet it is the first one."""
    seen = set()
    for operation in history:
        if operation.request[0] != "write" or operation.answer[0] != "done":
            continue
        if operation.request[1] not in seen:
            seen.add(operation.request[1])
            operation.answer = (*operation.answer[:2], False)
    return history


def recorded(server, random, count, meanwhile):
    """What four clients saw, and the rows that they began with; `meanwhile(alive)` runs beside."""
    with Session(server, client_id="setup") as session:
        rows = {
            id: (id, session.create("accounts", id=id, tag=id).sequence) for id in ROWS
        }
    initial = (tuple(sorted(rows.items())), ())
    server.contract.row("accounts")
    alive = threading.Event()
    alive.set()
    clients = [
        Client(f"c{index}", server, type(random)(random.randrange(2**32)), time.monotonic)
        for index in range(4)
    ]
    failures = []

    def run(client):
        try:
            client.run(count, alive)
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread.
            failures.append(error)

    threads = [threading.Thread(target=run, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    meanwhile(alive)
    for thread in threads:
        thread.join(60)
    assert not failures, failures
    history = [o for client in clients for o in first_answers(client.history)]
    assert len(history) == 4 * count
    return history, initial


def test_concurrent_sessions_are_linearizable_across_a_crash(serve, seeded, record_property):
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")

    def kill(alive):
        time.sleep(seeded.uniform(0.1, 0.6))
        alive.clear()
        server.kill()
        server.start()
        server.contract.row("accounts")
        alive.set()

    history, initial = recorded(
        server, seeded, number("DATASYNC_LINEAR_OPERATIONS", 60), kill
    )
    problem = check(history, store, initial)
    assert problem is None, f"{problem} (seed {SEED})"
    spoiled = [spoil(history, index, seeded) for index in seeded.sample(range(len(history)), 12)]
    caught = sum(check(each, store, initial) is not None for each in spoiled)
    assert caught == len(spoiled), f"only {caught} of {len(spoiled)} altered histories were noticed"
    kinds = [o.answer[0] for o in history]
    record_property(
        "linearizability",
        f"{len(history)} operations of 4 clients on 3 rows with one kill -9: "
        f"{kinds.count('row')} reads, {kinds.count('done')} writes, {kinds.count('mismatch')} "
        f"mismatches; {caught} altered answers all noticed",
    )


@pytest.mark.parametrize(
    "fault", ["ignore-version", "lose-write", "tear-commit", "stale-read", "repeat-mutation"]
)
def test_a_store_that_breaks_its_promise_is_found_out(serve, seeded, fault, record_property):
    """The same load on a server that is broken on purpose (debug builds); and, whole, it passes."""
    problems = []
    for broken in (fault, ""):
        server = serve(f"{broken or 'whole'}.db", "--schema", crash.LEDGER, "--attach", start=False)
        server.environment = {"DATASYNC_FAULT": broken}
        server.start()
        history, initial = recorded(server, seeded, 40, lambda alive: None)
        assert not broken or f"DATASYNC_FAULT: on: {broken}" in server.log()
        problems.append(check(history, store, initial))
        server.stop()
    assert problems[1] is None, f"whole, and yet: {problems[1]} (seed {SEED})"
    assert problems[0] is not None, f"{fault} went unnoticed (seed {SEED})"
    record_property(f"broken store, {fault}", problems[0])


def spoil(history, index, random):
    """The same history with one answer altered."""
    history = [dataclasses.replace(operation) for operation in history]
    operation = history[index]
    kind = operation.answer[0]
    if kind == "row":
        operation.answer = ("row", operation.answer[1], operation.answer[2] + 100_000)
    elif kind == "mismatch":
        operation.answer = ("mismatch", operation.answer[1] + 100_000)
    elif operation.answer[2]:
        operation.answer = ("done", tuple(s + 1 for s in operation.answer[1]), True)
    else:
        operation.answer = ("done", operation.answer[1], True)
    return history


# -- the checker itself


def op(client, request, answer, invoked, returned):
    return Operation(client, request, answer, invoked, returned)


def write(mutation, id, value, if_version=0):
    return ("write", mutation, ((id, value, if_version),))


def test_the_checker_takes_overlapping_operations_in_either_order():
    history = [
        op("c", write("m1", "a", "x"), ("done", (1,), False), 0, 10),
        op("d", ("get", "a"), ("row", None, 0), 1, 9),
        op("e", ("get", "a"), ("row", "x", 1), 2, 3),
    ]
    history[1].returned = 2.5
    assert check(history, store, EMPTY) is None


@pytest.mark.parametrize(
    "history",
    [
        pytest.param(
            [
                op("c", write("m1", "a", "x"), ("done", (1,), False), 0, 1),
                op("d", ("get", "a"), ("row", None, 0), 2, 3),
            ],
            id="a stale read",
        ),
        pytest.param(
            [
                op("c", write("m1", "a", "x", 0), ("done", (1,), False), 0, 1),
                op("d", write("m2", "a", "y", 1), ("done", (2,), False), 2, 5),
                op("e", write("m3", "a", "z", 1), ("done", (3,), False), 2, 5),
            ],
            id="a lost update",
        ),
        pytest.param(
            [
                op("c", write("m1", "a", "x"), ("done", (1,), False), 0, 1),
                op("c", write("m1", "a", "x"), ("done", (2,), False), 2, 3),
            ],
            id="a mutation done twice",
        ),
        pytest.param(
            [
                op("c", ("write", "m1", (("a", "x", 0), ("b", "x", 0))), ("done", (1, 2), False), 0, 9),
                op("d", ("get", "a"), ("row", "x", 1), 1, 2),
                op("d", ("get", "b"), ("row", None, 0), 3, 4),
            ],
            id="a torn commit",
        ),
        pytest.param(
            [
                op("c", ("get", "a"), ("row", "x", 1), 0, 1),
                op("d", write("m1", "a", "x"), ("done", (1,), False), 2, 3),
            ],
            id="a read from the future",
        ),
    ],
)
def test_the_checker_refuses(history):
    assert check(history, store, EMPTY) is not None
