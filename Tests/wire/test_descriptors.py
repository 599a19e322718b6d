"""A server without a file descriptor for the next connection."""

import shutil
import socket
import time

import pytest

from grpc_wire import Client, check
from server import Server

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit takes the descriptors away")
def test_a_server_without_descriptors_says_so_and_what_to_do():
    server = Server.listening("--threads", "1", prefix=["prlimit", "--nofile=40:40"])
    try:
        with Client(server.address) as client:
            waiting = [socket.create_connection(server.address, timeout=5) for _ in range(60)]
            deadline = time.monotonic() + 10
            while "no file descriptor left" not in server.log():
                assert time.monotonic() < deadline, f"no word of it: {server.log()}"
                time.sleep(0.05)
            assert "LimitNOFILE=" in server.log() and "max_connections" in server.log()
            # Who is there is served, and the log does not fill.
            for _ in range(10):
                assert check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0
                time.sleep(0.05)
            assert server.log().count("no file descriptor left") == 1
            for one in waiting:
                one.close()
        # And when there is room, newcomers are.
        deadline = time.monotonic() + 10
        while True:
            try:
                with Client(server.address, timeout=2) as client:
                    assert check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0
                break
            except Exception as error:
                assert time.monotonic() < deadline, f"no newcomer is served: {error!r}"
    finally:
        server.stop()
