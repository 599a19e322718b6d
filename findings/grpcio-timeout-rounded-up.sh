#!/usr/bin/env bash
# Shows that grpcio tells the server of a longer deadline than the caller set, by up to about 1 %.
#
# Written for: PyPI's grpcio 1.85.3 (with h2 4.4.1 as the server that reads the header).
# Expected: the header grpc-timeout holds up to 8 digits and a unit, so every timeout below 27 hours
#   can be said to the millisecond, and grpcio says it so.
# Seen: the value is rounded up to two or three digits. 12.345 s goes out as 12400m, 59.95 s
#   as 1M, 1000.5 s as 1010S, and 541000 s as 9020M. The client itself ends the
#   call on time; a server that plans its work by the header plans for up to minutes more.
# Documentation: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (the header's form);
#   https://grpc.github.io/grpc/python/grpc.html (timeout, in seconds; rounding is not named).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q grpcio==1.85.3 h2==4.4.1
"$work/venv/bin/pip" list 2>/dev/null | grep -E '^(grpcio|h2) '

"$work/venv/bin/python" - <<'PY'
import socket
import threading

import grpc
import h2.config
import h2.connection
import h2.events

listener = socket.create_server(("127.0.0.1", 0))
received = []


def serve():
    """Answers each call at once with status 0, and keeps its grpc-timeout."""
    link, _ = listener.accept()
    config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    http = h2.connection.H2Connection(config)
    http.initiate_connection()
    link.sendall(http.data_to_send())
    while data := link.recv(65536):
        for event in http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                received.append(dict(event.headers)["grpc-timeout"])
                answer = {":status": "200", "content-type": "application/grpc", "grpc-status": "0"}
                http.send_headers(event.stream_id, answer.items(), end_stream=True)
        link.sendall(http.data_to_send())


threading.Thread(target=serve, daemon=True).start()
# Each lies well inside a step, so that a slow machine sends the same.
given = [1.505, 12.345, 59.95, 1000.5, 86_350, 541_000]
with grpc.insecure_channel(f"127.0.0.1:{listener.getsockname()[1]}") as channel:
    call = channel.unary_stream("/example.Clock/Read")
    list(call(b"", timeout=5))  # Connects, which takes its part of a timeout.
    received.clear()
    for seconds in given:
        list(call(b"", timeout=seconds))

for seconds, header in zip(given, received):
    print(f"timeout={seconds} s  grpc-timeout: {header}")
if received != ["1510m", "12400m", "1M", "1010S", "24H", "9020M"]:
    raise SystemExit("changed: grpcio rounds in another way")
print("as described")
PY
