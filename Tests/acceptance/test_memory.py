"""What a session costs: measured, printed, and held to a loose bound."""

import resource

import pytest

from raw import RawConnection, framed
from session import Session

SESSIONS = 1000
# Generous: a debug build with the allocator's slack. The figures stand in the
# summary of the run.
MAX_BYTES_OWN_CONNECTION = 256 << 10
MAX_BYTES_SHARED_CONNECTION = 64 << 10


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * SESSIONS
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    "per_connection, bound", [(1, MAX_BYTES_OWN_CONNECTION), (50, MAX_BYTES_SHARED_CONNECTION)]
)
def test_a_thousand_idle_sessions_with_a_subscription_each_stay_small(
    many_files, demo_server_with_files, record_property, per_connection, bound
):
    server = demo_server_with_files
    request = framed(
        server.contract.new(
            "datasync.v1.SessionRequest", request_id=1,
            subscribe={"table": "todo_items", "now": {}},
        ).SerializeToString()
    )
    # Warm: what the first sessions allocate for all.
    connections = open_sessions(server, request, 20, per_connection)
    before = server.resident_bytes()
    connections += open_sessions(server, request, SESSIONS, per_connection)
    each = (server.resident_bytes() - before) / SESSIONS
    line = f"{each / 1024:.1f} KiB a session, {per_connection} a connection, {SESSIONS} idle sessions"
    print(f"\nmemory: {line}")
    record_property("memory", line)
    # Each of them is alive.
    with Session(server) as session:
        written = session.create("todo_items", title="for everyone")
        for connection in connections:
            for stream, size in connection.seen.items():
                connection.wait(lambda: len(connection.bodies[stream]) > size)
        assert session.get("todo_items", written.id) == written.row
    for connection in connections:
        connection.close()
    assert each < bound


def open_sessions(server, request, count, per_connection):
    connections = []
    for _ in range(0, count, per_connection):
        connection = RawConnection(server.address)
        for _ in range(per_connection):
            stream = connection.begin("/datasync.v1.Datasync/Session")
            connection.send(stream, request)
        connection.wait(lambda: len([b for b in connection.bodies.values() if b]) == per_connection)
        connection.seen = {stream: len(body) for stream, body in connection.bodies.items()}
        connections.append(connection)
    return connections


@pytest.fixture
def demo_server_with_files(many_files, request):
    """The demo server, started with the raised bound on open files."""
    return request.getfixturevalue("demo")
