#!/usr/bin/env bash
# Shows that a client on Python's h2 cannot receive the rest of a response once the server has said that it
# will shut down in order.
#
# Written for: PyPI's h2 4.3.0, hyperframe 6.1.0, hpack 4.1.0, Python 3.
# Expected: GOAWAY with NO_ERROR and a last stream id that covers the running stream leaves the stream as it
#   is; a PING after it, by which servers of gRPC learn when it was seen, is answered.
# Seen: h2 takes the connection for closed: the PING, the head and the data of the running stream each raise
#   ProtocolError, and so does sending on it. A second GOAWAY is taken.
# Documentation: RFC 9113, section 6.8: a server that shuts down gracefully sends GOAWAY with the last stream
#   id 2^31-1, and later another; streams up to it may still complete. h2's own documentation has GOAWAY end
#   in the event ConnectionTerminated.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q h2==4.3.0 hyperframe==6.1.0 hpack==4.1.0

"$work/venv/bin/python" - <<'PY'
import h2.config
import h2.connection
import h2.exceptions
from hyperframe.frame import GoAwayFrame, PingFrame

HEAD = [(":method", "POST"), (":path", "/call"), (":scheme", "http"), (":authority", "server")]


def pair():
    """A client with a running stream, and its server."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    client.initiate_connection()
    server.initiate_connection()
    client.send_headers(1, HEAD)
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    return client, server


def response(server):
    server.send_headers(1, [(":status", "200")])
    server.send_data(1, b"the answer", end_stream=True)
    return server.data_to_send()


def outcome(act):
    """What is done after a graceful GOAWAY, and how that goes."""
    client, server = pair()
    client.receive_data(GoAwayFrame(last_stream_id=2**31 - 1).serialize())
    try:
        act(client, server)
        return "taken"
    except h2.exceptions.ProtocolError:
        return "ProtocolError"


outcomes = {
    "a PING": outcome(lambda client, _: client.receive_data(PingFrame(opaque_data=b"shutdown").serialize())),
    "the running stream's response": outcome(lambda client, server: client.receive_data(response(server))),
    "more of its request": outcome(lambda client, _: client.send_data(1, b"more")),
    "a second GOAWAY": outcome(lambda client, _: client.receive_data(GoAwayFrame(last_stream_id=1).serialize())),
}
for what, how in outcomes.items():
    print(f"after GOAWAY (NO_ERROR, 2^31-1): {what}: {how}")
without = pair()
without[0].receive_data(response(without[1]))
print("without it: the running stream's response: taken")
assert list(outcomes.values()) == ["ProtocolError", "ProtocolError", "ProtocolError", "taken"], "changed"
PY
echo 'as written: a graceful GOAWAY ends what is under way'
