"""A server for pages and programs on the web, behind a link that can be cut."""

import re

from relay import Relay
from server import Server, until

READY = re.compile(r"^datasync web listening on \S+:(\d+)$")


def web_port(server):
    """Where it listens for the web."""
    def found():
        return next((int(m[1]) for m in map(READY.match, server.output) if m), None)

    return until(found, message=f"no line for the web: {server.output}")


class Served:
    """`url` stays the same when the server ends and begins again."""

    def __init__(self, database, *arguments):
        self.relay = Relay()
        # Pages name the relay's port.
        self.server = Server(database, *arguments, "--web", "127.0.0.1:0")
        scheme = "https" if "--tls-cert" in arguments else "http"
        self.url = f"{scheme}://127.0.0.1:{self.relay.port}"
        self.start()

    def start(self):
        self.server.start()
        self.relay.target = web_port(self.server)

    def kill(self):
        self.server.kill()

    def restart(self):
        self.kill()
        self.start()

    def close(self):
        self.relay.close()
        self.server.stop()
