"""Calls of Connect and gRPC-Web over HTTP/1.1, read as sternly as those over HTTP/2."""

import http.client
import time

from web_wire import WebCall, WebOutcome


class Connection(http.client.HTTPConnection):
    """What stands for a connection of HTTP/2."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def request_fields(self, method="GET", path="/"):
        return [(":method", method), (":path", path)]


class HTTP1Call(WebCall):
    """One call; the request goes when it is whole."""

    def __init__(self, client, protocol, kind, path, encoding=None, timeout_ms=None, metadata=(),
                 end=False, method="POST", fields=None):
        self.client = client
        self.protocol = protocol
        self.kind = kind
        self.encoding = encoding
        self.outcome = WebOutcome()
        self.began = time.monotonic()
        self.body = self.text = self.request = b""
        self.fields = fields or [*client.request_fields(method, path),
                                 *protocol.fields(kind, encoding, timeout_ms), *metadata]

    def _send(self, data, end):
        self.request += data

    def read_answer(self):
        head = dict(self.fields)
        self.client.putrequest(head[":method"], head[":path"], skip_accept_encoding=True)
        for name, value in self.fields:
            if not name.startswith(":"):
                self.client.putheader(name, value)
        # A stream's length is not known before its end.
        is_chunked = not self.protocol.is_plain(self.kind)
        if head[":method"] != "GET":
            self.client.putheader(*(("transfer-encoding", "chunked") if is_chunked
                                    else ("content-length", str(len(self.request)))))
        try:
            self.client.endheaders(self.request or None, encode_chunked=is_chunked)
            if is_chunked and not self.request:
                self.client.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # The server has answered already.
        response = self.client.getresponse()
        self.outcome.headers = [(":status", str(response.status)),
                                *((name.lower(), value) for name, value in response.getheaders())]
        while part := response.read1(65536):
            self.body += part
            self._unframe()
        self.outcome.seconds = time.monotonic() - self.began
        return self.outcome
