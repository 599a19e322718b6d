"""Connect and gRPC-Web over raw HTTP/2 frames, and a stern reader of what comes back."""

import base64
import gzip
import json
import re
import struct
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from grpc_wire import Outcome, RawCall, check_status, frame_message, unpadded
from http2 import NO_ERROR
from messages import Any, from_json, to_json

CODES = ["ok", "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found",
         "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
         "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss",
         "unauthenticated"]
# What a unary error's HTTP status is to be, by its code.
HTTP = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401]
# What an HTTP status means that comes without an error of the protocol.
MEANT = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
CONNECT_END, TRAILERS = 2, 0x80


@dataclass(frozen=True)
class Protocol:
    """How calls are written and answers read."""
    name: str
    # Empty: protobuf, without a word of it.
    codec: str = "proto"
    is_text: bool = False

    def __str__(self):
        codec = f"+{self.codec}" if self.codec else ""
        return f"{self.name}{'-text' if self.is_text else ''}{codec}"

    def is_plain(self, kind):
        """Whether a message stands alone in a body."""
        return self.name == "connect" and kind == "unary"

    def content_type(self, kind):
        if self.is_plain(kind):
            return f"application/{self.codec}"
        return f"application/{self}"

    def fields(self, kind, encoding, timeout_ms):
        """Those of the protocol, behind HTTP's."""
        fields = [("content-type", self.content_type(kind))]
        if self.name == "connect":
            prefix = "" if self.is_plain(kind) else "connect-"
            fields += [("connect-protocol-version", "1"),
                       (f"{prefix}accept-encoding", encoding or "identity")]
            if encoding:
                fields.append((f"{prefix}content-encoding", encoding))
            if timeout_ms is not None:
                fields.append(("connect-timeout-ms", str(timeout_ms)))
            return fields
        fields += [("x-grpc-web", "1"), ("grpc-accept-encoding", encoding or "identity")]
        if encoding:
            fields.append(("grpc-encoding", encoding))
        if timeout_ms is not None:
            fields.append(("grpc-timeout", f"{timeout_ms}m"))
        return fields

    def written(self, message):
        return to_json(message) if self.codec == "json" else message.SerializeToString()

    def read(self, data, type):
        return from_json(data, type) if self.codec == "json" else type.FromString(data)

    def get_path(self, path, message):
        """The path and the query of a call with GET."""
        query = {"connect": "v1", "encoding": self.codec, "base64": "1",
                 "message": base64.urlsafe_b64encode(self.written(message)).decode().rstrip("=")}
        return f"{path}?{urlencode(query)}"


@dataclass
class WebOutcome(Outcome):
    """What came back, with the protocol's own end."""
    body: bytes = b""
    end: bytes | None = None
    code: int | None = None
    text: str = ""
    parts: list = field(default_factory=list)

    @property
    def metadata(self):
        return [pair for pair in self.headers if not pair[0].startswith((":", "trailer-"))]


class WebCall(RawCall):
    """One call; one at a time on its connection."""

    def __init__(self, client, protocol, kind, path, encoding=None, timeout_ms=None, metadata=(),
                 end=False, method="POST", fields=None):
        """`fields`: instead of the whole head."""
        super().__init__(client, client.next_stream, encoding)
        client.next_stream += 2
        self.outcome = WebOutcome()
        self.protocol = protocol
        self.kind = kind
        self.text = b""
        if fields is None:
            fields = [*client.request_fields(method, path),
                      *protocol.fields(kind, encoding, timeout_ms), *metadata]
        client.headers(self.stream, client.encode(fields), end_stream=end)

    def send(self, message, end=False):
        data = self.protocol.written(message)
        if self.protocol.is_plain(self.kind):
            return self.send_bytes(gzip.compress(data) if self.encoding else data, end)
        return self.send_bytes(frame_message(data, self.encoding), end)

    def send_bytes(self, data, end=False):
        if self.protocol.is_text:
            data = base64.b64encode(data)
        return self._send(data, end)

    def _send(self, data, end):
        return super().send_bytes(data, end)

    def read_answer(self):
        """To its end."""
        return super().finish()

    def _unframe(self):
        outcome = self.outcome
        kinds = [value for key, value in outcome.headers if key == "content-type"]
        if kinds != [self.protocol.content_type("stream")]:
            outcome.body, self.body = outcome.body + self.body, b""
            return
        if self.protocol.is_text:
            self.text, self.body = self.text + self.body, b""
            whole = len(self.text) // 4 * 4
            for start in range(0, whole, 4):
                outcome.body += base64.b64decode(self.text[start:start + 4], validate=True)
            self.text = self.text[whole:]
        else:
            outcome.body, self.body = outcome.body + self.body, b""
        while len(outcome.body) >= 5:
            flag, length = struct.unpack(">BI", outcome.body[:5])
            if len(outcome.body) < 5 + length:
                return
            message, outcome.body = outcome.body[5:5 + length], outcome.body[5 + length:]
            self._take_message(flag, message)

    def _take_message(self, flag, message):
        outcome = self.outcome
        assert outcome.end is None, "something follows the end"
        if flag == (CONNECT_END if self.protocol.name == "connect" else TRAILERS):
            outcome.end = message
            return
        assert flag in (0, 1), f"the flag of a message is {flag}"
        if flag:
            name = "connect-content-encoding" if self.protocol.name == "connect" else "grpc-encoding"
            assert dict(outcome.headers).get(name) == self.encoding == "gzip", "compressed, unasked"
            message = gzip.decompress(message)
        outcome.messages.append(message)
        outcome.times.append(time.monotonic() - self.began)

    def finish(self):
        outcome = self.read_answer()
        assert outcome.reset in (None, NO_ERROR), f"reset with {outcome.reset}"
        assert outcome.headers, "no answer"
        assert not outcome.trailers or outcome.trailers is outcome.headers, "trailers of HTTP"
        outcome.trailers = []
        for name, value in (("x-content-type-options", "nosniff"), ("vary", "Origin")):
            assert outcome.values(outcome.headers, name) == [value], (name, outcome.headers)
        kind, = outcome.values(outcome.headers, "content-type")
        if kind == self.protocol.content_type("stream"):
            assert not outcome.body and not self.text, "the body ends within a frame"
            self._read_end()
        elif outcome.http_status == 200 or kind == "application/json":
            self._read_plain(kind)
        else:
            # A sentence for people.
            assert kind == "text/plain; charset=utf-8", kind
            outcome.code = MEANT.get(outcome.http_status, 2)
        return outcome

    def _read_end(self):
        outcome = self.outcome
        assert outcome.http_status == 200 and outcome.end is not None, "no end"
        assert outcome.values(outcome.headers, "cache-control") == ["no-store"]
        if self.protocol.name == "connect":
            end = json.loads(outcome.end)
            assert set(end) <= {"error", "metadata"}, end
            outcome.trailers = [(name, value) for name, values in end.get("metadata", {}).items()
                                for value in values]
            outcome.code = 0
            if "error" in end:
                self._read_error(end["error"])
            return
        assert outcome.end.endswith(b"\r\n"), outcome.end
        for line in outcome.end.decode().split("\r\n")[:-1]:
            name, value = line.split(": ", 1)
            assert re.fullmatch(r"[0-9a-z_.-]+", name), line
            outcome.trailers.append((name, value))
        assert not outcome.values(outcome.headers, "grpc-status"), "a status in the head"
        check_status(outcome)
        outcome.code, outcome.text, outcome.parts = (
            outcome.status, outcome.message, list(outcome.details))

    def _read_plain(self, kind):
        outcome = self.outcome
        assert outcome.values(outcome.headers, "content-length") == [str(len(outcome.body))]
        if "gzip" in outcome.values(outcome.headers, "content-encoding"):
            assert self.encoding == "gzip", "compressed, unasked"
            outcome.body = gzip.decompress(outcome.body)
        outcome.trailers = [(name.removeprefix("trailer-"), value)
                            for name, value in outcome.headers if name.startswith("trailer-")]
        if outcome.http_status == 200:
            assert kind == self.protocol.content_type(self.kind), kind
            outcome.messages.append(outcome.body)
            outcome.code = 0
            return
        assert kind == "application/json", kind
        self._read_error(json.loads(outcome.body))
        assert outcome.http_status == HTTP[outcome.code], (outcome.http_status, outcome.code)

    def _read_error(self, error):
        assert set(error) <= {"code", "message", "details"}, error
        outcome = self.outcome
        outcome.code = CODES.index(error["code"])
        outcome.text = error.get("message", "")
        for detail in error.get("details", []):
            assert {"type", "value"} <= set(detail) <= {"type", "value", "debug"}, detail
            outcome.parts.append(Any(
                type_url=f"type.googleapis.com/{detail['type']}", value=unpadded(detail["value"])))
