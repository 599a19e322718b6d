"""h2spec's group "generic": what every endpoint must take."""

from h2spec_cases import (answers_headers, answers_ping, answers_ping_or_closes, answers_type, case,
                          connection_closes, stream_closes)
from http2 import (CANCEL, DATA, ENABLE_PUSH, HEADERS, HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE,
                   MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, PING, PREFACE,
                   SETTINGS, priority_payload)


def request(c, stream=1, method="GET", end_stream=True, **more):
    c.headers(stream, c.encode(c.request_fields(method)), end_stream=end_stream, **more)


@case("generic/1", "Sends a client connection preface")
def _(c):
    c.send(PREFACE)
    c.send_settings((INITIAL_WINDOW_SIZE, 65535))
    first = c.read()
    assert first.type == SETTINGS and not first.is_ack, f"the first frame is {first}"


@case("generic/2", "Sends a PRIORITY frame on idle stream")
def _(c):
    c.handshake()
    c.priority(1)
    c.ping()
    answers_ping(c, bytes(8))


@case("generic/2", "Sends a WINDOW_UPDATE frame on half-closed (remote) stream")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 0))
    request(c)
    c.window_update(1, 1)
    answers_type(c, DATA)


@case("generic/2", "Sends a PRIORITY frame on half-closed (remote) stream")
def _(c):
    c.handshake()
    c.send_settings((INITIAL_WINDOW_SIZE, 0))
    request(c)
    c.priority(1)
    c.window_update(1, 1)
    answers_type(c, DATA)


@case("generic/2", "Sends a RST_STREAM frame on half-closed (remote) stream")
def _(c):
    c.handshake()
    request(c)
    c.reset(1, CANCEL)
    c.ping()
    answers_ping_or_closes(c, bytes(8))


@case("generic/2", "Sends a PRIORITY frame on closed stream")
def _(c):
    c.handshake()
    request(c)
    stream_closes(c)
    c.priority(1)
    c.ping()
    answers_ping(c, bytes(8))


@case("generic/3.1", "Sends a DATA frame")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"test")
    answers_headers(c)


@case("generic/3.1", "Sends multiple DATA frames")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"test", end_stream=False)
    c.data(1, b"test")
    answers_headers(c)


@case("generic/3.1", "Sends a DATA frame with padding")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"test", padding=bytes(6))
    answers_headers(c)


@case("generic/3.2", "Sends a HEADERS frame")
def _(c):
    c.handshake()
    request(c)
    answers_headers(c)


@case("generic/3.2", "Sends a HEADERS frame with padding")
def _(c):
    c.handshake()
    request(c, padding=8)
    answers_headers(c)


@case("generic/3.2", "Sends a HEADERS frame with priority")
def _(c):
    c.handshake()
    request(c, priority=priority_payload())
    answers_headers(c)


def priority_then_request(sentence, stream, **priority):
    @case("generic/3.3", sentence)
    def _(c):
        c.handshake()
        c.priority(stream, **priority)
        request(c)
        answers_headers(c)


priority_then_request("Sends a PRIORITY frame with priority 1", 1, weight=0)
priority_then_request("Sends a PRIORITY frame with priority 256", 1, weight=255)
priority_then_request("Sends a PRIORITY frame with stream dependency", 3, depends_on=1, weight=0)
priority_then_request("Sends a PRIORITY frame with exclusive", 1, exclusive=True, weight=0)
priority_then_request(
    "Sends a PRIORITY frame for an idle stream, then send a HEADER frame for a lower stream ID", 3)


@case("generic/3.4", "Sends a RST_STREAM frame")
def _(c):
    c.handshake()
    request(c, end_stream=False)
    c.reset(1, CANCEL)
    c.ping()
    answers_ping_or_closes(c, bytes(8))


@case("generic/3.5", "Sends a SETTINGS frame")
def _(c):
    c.handshake()
    c.send_settings((HEADER_TABLE_SIZE, 4096), (ENABLE_PUSH, 1), (MAX_CONCURRENT_STREAMS, 100),
                    (INITIAL_WINDOW_SIZE, 65535), (MAX_FRAME_SIZE, 16384),
                    (MAX_HEADER_LIST_SIZE, 100))
    assert c.wait_for(SETTINGS).is_ack


@case("generic/3.7", "Sends a PING frame")
def _(c):
    c.handshake()
    c.ping(b"h2spec\0\0")
    answers_ping(c, b"h2spec\0\0")


@case("generic/3.8", "Sends a GOAWAY frame")
def _(c):
    c.handshake()
    c.goaway(debug=b"h2spec")
    connection_closes(c)


@case("generic/3.9", "Sends a WINDOW_UPDATE frame with stream ID 0")
def _(c):
    c.handshake()
    c.window_update(0, 1)
    c.ping()
    answers_type(c, PING)


@case("generic/3.9", "Sends a WINDOW_UPDATE frame with stream ID 1")
def _(c):
    c.handshake()
    request(c)
    c.window_update(1, 1)
    answers_type(c, HEADERS)


@case("generic/3.10", "Sends a CONTINUATION frame")
def _(c):
    c.handshake()
    block = c.encode(c.request_fields())
    c.headers(1, block[:5], end_headers=False)
    c.continuation(1, block[5:])
    answers_headers(c)


@case("generic/3.10", "Sends multiple CONTINUATION frames")
def _(c):
    c.handshake()
    block = c.encode(c.request_fields())
    c.headers(1, block[:5], end_headers=False)
    c.continuation(1, block[5:10], end_headers=False)
    c.continuation(1, block[10:])
    answers_headers(c)


@case("generic/4", "Sends a GET request")
def _(c):
    c.handshake()
    request(c)
    answers_headers(c)


@case("generic/4", "Sends a HEAD request")
def _(c):
    c.handshake()
    request(c, method="HEAD")
    answers_headers(c)


@case("generic/4", "Sends a POST request")
def _(c):
    c.handshake()
    request(c, method="POST", end_stream=False)
    c.data(1, b"test")
    answers_headers(c)


@case("generic/4", "Sends a POST request with trailers")
def _(c):
    c.handshake()
    c.headers(1, c.encode(c.request_fields("POST") + [("trailer", "x-test")]), end_stream=False)
    c.data(1, b"test", end_stream=False)
    c.headers(1, c.encode([("x-test", "ok")]))
    answers_headers(c)


def field(sentence, suffix=b"", prefix=b""):
    @case("generic/5", sentence)
    def _(c):
        c.handshake()
        c.headers(1, prefix + c.encode(c.request_fields()) + suffix)
        answers_headers(c)


INDEXED_NAME = b"\x0auser-agent\x06h2spec"
INDEXED_NAME_HUFFMAN = bytes.fromhex("87b505b161cc5a93849c48aca4")
NEW_NAME = b"\x06x-test\x06h2spec"
NEW_NAME_HUFFMAN = bytes.fromhex("85f2b24a84ff849c48aca4")

field("Sends a indexed header field representation", b"\xba")
for kind, first in [("with incremental indexing", b"\x40"), ("without indexing", b"\x00"),
                    ("never indexed", b"\x10")]:
    field(f"Sends a literal header field {kind} - indexed name", first + INDEXED_NAME)
    field(f"Sends a literal header field {kind} - indexed name (with Huffman coding)",
          first + INDEXED_NAME_HUFFMAN)
    field(f"Sends a literal header field {kind} - new name", first + NEW_NAME)
    field(f"Sends a literal header field {kind} - new name (with Huffman coding)",
          first + NEW_NAME_HUFFMAN)
field("Sends a dynamic table size update", prefix=b"\x20")
field("Sends multiple dynamic table size update", prefix=b"\x20\x3f\xe1\x1f")
