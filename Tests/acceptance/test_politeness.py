"""What an ordinary client does in good faith is no flood: it is never cut off for it."""

import time

import grpc

from server import until
from session import Session

TABLE = "CREATE TABLE pears (id TEXT PRIMARY KEY, weight INTEGER);"
COUNT = 10_000


def test_ten_thousand_subscribes_on_one_session_of_grpcio(serve):
    """grpcio sends a WINDOW_UPDATE for almost every message that it takes, however many came in one
    frame; how many that are is a matter of speed, so that none is counted on here."""
    server = serve("a.db", "--attach", "--limit", "control_frames_per_data_frame=0", sql=TABLE)
    with Session(server) as session:
        request = session.request("subscribe", 1, table="pears")
        for number in range(COUNT):
            request.request_id = session.next_id()
            session.send_raw(request.SerializeToString())
            if number % 20 == 0:
                # Slow enough that a message is taken before many others have come.
                session.wait(
                    lambda log: len(log) >= number - 20 or None,
                    what=f"checkpoint of subscription {number - 20}",
                )
        session.wait(
            lambda log: len(log) >= COUNT or None, seconds=120,
            what=f"checkpoint of each of {COUNT} subscriptions",
        )
        with session._changed:
            current = {
                response.request_id for response in session.log
                if response.HasField("event") and response.event.checkpoint.current
            }
        assert current == set(range(1, COUNT + 1))
        # The session goes on.
        assert session.create("pears", id="a", weight=1).sequence


def test_keepalive_pings_of_a_client_while_a_call_runs_are_welcome(serve):
    """With a subscription on which nothing happens, so that no answer comes between the pings."""
    server = serve("a.db", "--attach", sql=TABLE)
    options = [
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(server.address, options=options) as channel:
        session = Session(server, channel=channel)
        events = session.subscribe("pears", heartbeat_interval=300)
        events.until_current()
        time.sleep(45)
        assert session.outcome is None, session.outcome
        server.foreign("INSERT INTO pears (id) VALUES ('a')")
        assert events.change().id == "a"
        session.close()


def test_a_keepalive_below_what_is_allowed_is_told_so(serve):
    server = serve("a.db", "--attach", "--limit", "min_ping_interval=60s", sql=TABLE)
    options = [
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.http2.min_time_between_pings_ms", 1000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(server.address, options=options) as channel:
        session = Session(server, channel=channel)
        session.subscribe("pears", heartbeat_interval=300).until_current()
        until(lambda: session.outcome, seconds=60, message="pings of a second are not refused")
        assert session.outcome.code() == grpc.StatusCode.UNAVAILABLE
        assert "too_many_pings" in session.outcome.details()
        assert "max_ping_strikes" in server.log()
        session.close()
