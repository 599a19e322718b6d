"""What one client or one file can do to a server, in a process of its own that stands back for others.

    python loads.py LOAD HOST:PORT DATABASE

It says `ready` when it is at work, goes on until its standard input ends, and prints as JSON what it
did.
Few large requests each: what is to be busy is the server.
"""

import json
import os
import select
import sqlite3
import sys
import time

import paths

sys.path[:0] = paths.SHARED

import floods  # noqa: E402
from attack import flood  # noqa: E402
from errors import Refused  # noqa: E402
from http2 import INITIAL_WINDOW_SIZE, Connection  # noqa: E402
from raw import framed  # noqa: E402
from server import Server  # noqa: E402
from session import Session  # noqa: E402

SESSION = "/datasync.v1.Datasync/Session"
PATIENCE = 240
# Read in full for every row, and true of none.
DEAR = "length(trim(tolower(words))) lt 0 or length(trim(toupper(words))) lt 0"
TIMERS = 5_000
FILTERS, FILTER_SESSIONS = 1_000, 4
# So many tests of a text as the budget of one filter lets pass.
TESTS_OF_A_FILTER = 100
UPDATES = 7
SCANS = 6
CONNECTIONS, SESSIONS = 100, 20
SILENT_CONNECTIONS, SILENT_SESSIONS, PAGES = 3, 100, 20


def is_over(seconds=0.0):
    """Whether the load has been told to end; waits so long for it."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def ready():
    print("ready", flush=True)


def address_of(server):
    host, port = server.address.rsplit(":", 1)
    return host, int(port)


def timers(server):
    """Subscriptions that ask for a batch each nanosecond, of a table that changes now and then."""
    done = {"writes": 0}
    ready()
    with Session(server) as session:
        ids = [
            session.send("subscribe", table="notes", now={}, min_interval=1e-9)
            for _ in range(TIMERS)
        ]
        while not is_over(1):
            session.replace("notes", id=0, body=f"{done['writes']}")
            done["writes"] += 1
        done["subscriptions"] = sum(bool(session.of(id)) for id in ids[:: TIMERS // 20])
    return done


def large_results(server):
    """Commits that update one row of 4 MB over and over: a few hundred bytes that make 28 MB; and
    some that would make more than one commit may."""
    done = {"commits": 0, "refused": 0}
    ready()
    with Session(server) as session:
        row = session.contract.entity("large", id="one", body="x" * 4_000_000, n=0)
        session.call("replace", entity=row, allow_missing=True)
        while not is_over():
            for updates in (UPDATES, 100):
                entities = [session.contract.entity("large", id="one", n=n) for n in range(updates)]
                try:
                    session.call("commit", writes=[{"update": {"entity": e}} for e in entities])
                    done["commits"] += 1
                except Refused as error:
                    assert error.code == "RESOURCE_EXHAUSTED", error
                    done["refused"] += 1
                # Nobody reads the answers again.
                del session.log[:]
    return done


def ask_and_take_nothing(server, table, connections, sessions, pages):
    """Sessions that ask for pages and have no window for them; returns their connections."""
    query = framed(
        server.contract.new(
            "datasync.v1.SessionRequest", request_id=1, query={"table": table, "page_size": 1000}
        ).SerializeToString()
    )
    made = []
    for _ in range(connections):
        connection = Connection(address_of(server))
        made.append(connection)
        connection.handshake(settings=((INITIAL_WINDOW_SIZE, 0),))
        for stream in range(1, 2 * sessions, 2):
            connection.headers(stream, floods.block_of(connection, SESSION), end_stream=False)
            connection.data(stream, query * pages, end_stream=False)
    return made


def pages_nobody_takes(server):
    """Thousands of queries for pages of 1 MB; each second others come and they go."""
    done = {"queries": 0}
    ready()
    while not is_over():
        connections = ask_and_take_nothing(
            server, "notes", SILENT_CONNECTIONS, SILENT_SESSIONS, PAGES
        )
        done["queries"] += SILENT_CONNECTIONS * SILENT_SESSIONS * PAGES
        is_over(1)
        for connection in connections:
            connection.close()
    return done


def subscribe_dearly(server):
    """Sessions with subscriptions of a hundred tests each, no two alike."""
    sessions, made = [Session(server) for _ in range(FILTER_SESSIONS)], []
    for number in range(FILTERS):
        tests = (f"contains(words, '{number}.{n}')" for n in range(TESTS_OF_A_FILTER))
        session = sessions[number % len(sessions)]
        made.append(session.subscribe("big", filter=" or ".join(tests), now={}))
    for last in made[-len(sessions):]:
        last.until_current(PATIENCE)
    return sessions


def making_filters(server):
    """Subscriptions with dear filters are made, all at once, and given up, again and again."""
    done = {"subscriptions": 0}
    ready()
    while not is_over():
        sessions = subscribe_dearly(server)
        done["subscriptions"] += FILTERS
        for session in sessions:
            session.close()
    return done


def dear_filters(server):
    """Rows of some KB, of which each goes through all of these filters."""
    done = {"writes": 0}
    sessions = subscribe_dearly(server)
    ready()
    while not is_over(0.5):
        sessions[0].replace("big", id=-1, words="x" * 2_000, options={"allow_missing": True})
        done["writes"] += 1
    for session in sessions:
        session.close()
    return done


def long_scans(server):
    """Queries that read a long table to its end, for sessions of their own, and initial rows."""
    done = {"scans": 0}
    ready()
    sessions = [Session(server, timeout=PATIENCE) for _ in range(SCANS)]

    def scan(session):
        return session.send("query", table="big", filter=DEAR, count=True)

    running = {session: scan(session) for session in sessions}
    sessions[0].subscribe("big", filter=DEAR)
    while not is_over(0.1):
        for session, request_id in running.items():
            if session.of(request_id):
                done["scans"] += 1
                running[session] = scan(session)
    done["scans"] += len(running)
    for session in sessions:
        session.close()
    return done


def a_big_transaction(server):
    """Another program updates a long table in one transaction. Says when it had the lock, when it
    gave it back, and when a write that came then was answered."""
    connection = sqlite3.connect(server.database, timeout=60, isolation_level=None)
    ready()
    connection.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    rows = connection.execute("UPDATE big SET words = words || '.'").rowcount
    connection.execute("COMMIT")
    committed = time.monotonic()
    connection.close()
    with Session(server) as session:
        entity = session.contract.entity("notes", id=0, body="after it")
        session.answer(session.send("replace", entity=entity), PATIENCE)
    return {"rows": rows, "began": began, "committed": committed, "adopted": time.monotonic()}


def many_connections(server):
    """Sessions with a subscription each, and besides, clients that connect, subscribe and vanish."""
    done = {"sessions": 0, "came and went": 0}
    ready()
    request = framed(
        server.contract.new(
            "datasync.v1.SessionRequest", request_id=1, subscribe={"table": "notes", "now": {}}
        ).SerializeToString()
    )

    def connect(sessions):
        connection = Connection(address_of(server), timeout=30)
        connection.handshake()
        for stream in range(1, 2 * sessions, 2):
            connection.headers(stream, floods.block_of(connection, SESSION), end_stream=False)
            connection.data(stream, request, end_stream=False)
        return connection

    kept = []
    while not is_over(0.02):
        if len(kept) < CONNECTIONS:
            kept.append(connect(SESSIONS))
            done["sessions"] += SESSIONS
        connect(1).close()
        done["came and went"] += 1
    for connection in kept:
        connection.close()
    return done


def wire_floods(server):
    """One flood after the other, each until the server has enough of it, or half a second."""
    done = {"floods": 0, "bytes": 0}
    ready()
    while not is_over():
        with Connection(address_of(server)) as connection:
            connection.handshake()
            kind = floods.KINDS[done["floods"] % len(floods.KINDS)]
            chunks = kind(connection, SESSION)
            done["bytes"] += flood(connection, chunks, seconds=0.5, lingers=0.1).sent
            done["floods"] += 1
        is_over(0.05)
    return done


LOADS = [
    timers, large_results, pages_nobody_takes, making_filters, dear_filters, long_scans,
    a_big_transaction, many_connections, wire_floods,
]


def main(name, address, database):
    os.nice(10)
    server = Server(database)
    server.address = address
    for known in ("SessionRequest", "SessionResponse"):
        server.contract.class_of(f"datasync.v1.{known}")
    load = next(load for load in LOADS if load.__name__ == name)
    print(json.dumps(load(server)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
