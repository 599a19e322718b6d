"""The cases of connectrpc/conformance for a gRPC server over HTTP/2, suite by suite.

A case says what the client sends; what must come back follows from the definition that it sends,
as it does in the suites, unless the case says otherwise.
"""

from dataclasses import dataclass, replace

from messages import conformance as c

DATA = b"test response"
LIMIT = 200 * 1024
SERVICE = "/connectrpc.conformance.v1.ConformanceService/"
METHODS = {"unary": "Unary", "server": "ServerStream", "client": "ClientStream",
           "half": "BidiStream", "full": "BidiStream"}
PREFIXES = {"unary": "unary", "server": "server-stream", "client": "client-stream",
            "half": "bidi-stream/half-duplex", "full": "bidi-stream/full-duplex"}
REQUESTS = {"unary": "UnaryRequest", "server": "ServerStreamRequest",
            "client": "ClientStreamRequest", "half": "BidiStreamRequest",
            "full": "BidiStreamRequest"}
CODES = ["canceled", "unknown", "invalid argument", "deadline exceeded", "not found",
         "already exists", "permission denied", "resource exhausted", "failed precondition",
         "aborted", "out of range", "unimplemented", "internal", "unavailable", "data loss",
         "unauthenticated"]
UNICODE = "\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP \U0001F608\n"


@dataclass(frozen=True)
class Raw:
    """A request that no client library sends."""
    fields: tuple
    body: bytes = b""


@dataclass(frozen=True)
class Case:
    suite: str
    name: str
    kind: str
    requests: tuple = ()
    headers: tuple = ()
    timeout_ms: int | None = None
    method: str | None = None
    raw: Raw | None = None
    # Instead of what the definition promises: the codes of which one must come back.
    codes: tuple = ()
    http_status: int | None = None
    compressions: tuple = (None, "gzip")
    needs_limit: bool = False
    needs_client_certificate: bool = False
    is_spaced: bool = False

    @property
    def path(self):
        return SERVICE + (self.method or METHODS[self.kind])

    @property
    def definition(self):
        """What the first request asks for; None: nothing."""
        if self.requests and self.requests[0].HasField("response_definition"):
            return self.requests[0].response_definition
        return None


def pairs(values):
    return [c.Header(name=name, value=list(all)) for name, all in values.items()]


def definition(kind, data=0, error=None, headers=None, trailers=None, delay=0):
    """`data`: how many responses; `error`: a code and a message."""
    is_stream = kind in ("server", "half", "full")
    message = c.StreamResponseDefinition() if is_stream else c.UnaryResponseDefinition()
    message.response_headers.extend(pairs(headers or {}))
    message.response_trailers.extend(pairs(trailers or {}))
    message.response_delay_ms = delay
    if is_stream:
        message.response_data.extend([DATA] * data)
    elif data:
        message.response_data = DATA
    if error:
        message.error.code = error[0]
        message.error.message = error[1]
    return message


def requests(kind, count=1, wanted=None):
    """The first carries the definition, those after it data."""
    type = getattr(c, REQUESTS[kind])
    first = type(response_definition=wanted) if wanted is not None else type()
    if kind == "full":
        first.full_duplex = True
    return (first, *[type(request_data=DATA) for _ in range(count - 1)])


TEST_HEADERS = (("x-conformance-test", ("Value1", "Value2")),)
FOO = {"x-custom-header": ["foo"]}
BING = {"x-custom-trailer": ["bing"]}
COUNTS = {"unary": 1, "server": 1, "client": 2, "half": 2, "full": 2}
RESPONSES = {"unary": 1, "server": 2, "client": 1, "half": 2, "full": 2}


def basic():
    for kind in METHODS:
        wanted = definition(kind, RESPONSES[kind], headers=FOO, trailers=BING)
        yield Case("Basic", f"{PREFIXES[kind]}/success", kind,
                   requests(kind, COUNTS[kind], wanted), TEST_HEADERS)
    for kind in ("client", "half"):
        yield Case("Basic", f"{PREFIXES[kind]}/no-requests", kind, (), TEST_HEADERS)
    for kind in ("server", "half"):
        yield Case("Basic", f"{PREFIXES[kind]}/no-responses", kind,
                   requests(kind, 1, definition(kind, headers=FOO, trailers=BING)), TEST_HEADERS)
    yield Case("Basic", "unimplemented", "unary", (c.UnimplementedRequest(),),
               method="Unimplemented", codes=(12,))


def errors():
    def failing(kind, name, error, count=1, data=0, headers=None, trailers=None, test=()):
        return Case("Errors", f"{PREFIXES[kind]}/{name}", kind, requests(
            kind, count, definition(kind, data, error, headers, trailers)), test)

    for kind in ("unary", "server"):
        for index, text in enumerate(CODES):
            yield failing(kind, text.replace(" ", "-"), (index + 1, text))
    for kind in ("unary", "server", "client", "half"):
        case = failing(kind, "error-with-metadata", (16, "unauthenticated"), headers=FOO,
                       trailers=BING)
        name = "bidi-stream/error-with-metadata" if kind == "half" else case.name
        yield replace(case, name=name)
    yield failing("unary", "unicode-error-message", (13, UNICODE))
    yield failing("client", "error-one-request", (13, "client stream failed"))
    yield failing("client", "error-multiple-requests", (13, "client stream failed"), count=2)
    for kind, text in [("server", "server stream failed"),
                       ("full", "bidi full duplex stream failed"),
                       ("half", "bidi half duplex stream failed")]:
        yield failing(kind, "error-with-responses", (13, text), COUNTS[kind], 2, FOO, BING,
                      TEST_HEADERS)
        yield failing(kind, "error-no-responses" if kind == "full" else "error-with-no-responses",
                      (13, text), 1 if kind == "full" else COUNTS[kind], 0, FOO, BING,
                      TEST_HEADERS)


def duplicate_metadata():
    headers = {"x-custom-header": ["foo", "bar", "baz"]}
    trailers = {"x-custom-trailer": ["bing", "quux"]}

    def case(kind, name, data, error=None, count=None, test=TEST_HEADERS):
        wanted = definition(kind, data, error and (13, error), headers, trailers)
        return Case("Duplicate Metadata", f"{PREFIXES[kind]}/{name}", kind,
                    requests(kind, count or COUNTS[kind], wanted), test)

    yield case("unary", "success", 1)
    yield case("unary", "error", 0, "unary failed")
    yield case("client", "success", 1)
    yield case("client", "error", 0, "client stream failed")
    yield case("server", "success", 2)
    yield case("server", "no-response", 0, test=())
    yield case("server", "error-with-responses", 2, "server stream failed")
    yield case("server", "error-with-no-responses", 0, "server stream failed")
    yield case("full", "success", 2)
    yield case("full", "error-with-responses", 2, "bidi full duplex stream failed")
    yield case("full", "error-no-responses", 0, "bidi full duplex stream failed", count=1)
    yield case("half", "success", 2)
    yield case("half", "error-with-responses", 2, "bidi half duplex stream failed")
    yield case("half", "error-with-no-responses", 0, "bidi half duplex stream failed")


def timeouts():
    for kind in METHODS:
        wanted = definition(kind, RESPONSES[kind], delay=1500)
        yield Case("Timeouts", PREFIXES[kind], kind, requests(kind, COUNTS[kind], wanted),
                   timeout_ms=200, codes=(4,))


def deadline_propagation():
    for kind in ("unary", "client", "server", "full"):
        wanted = definition(kind, RESPONSES[kind])
        yield Case("Deadline Propagation", f"{PREFIXES[kind]}/success", kind,
                   requests(kind, COUNTS[kind], wanted), timeout_ms=2000)


def server_empty():
    for kind in ("unary", "client", "server", "half"):
        yield Case("Server Empty Requests", f"{PREFIXES[kind]}/empty-request", kind,
                   requests(kind), TEST_HEADERS, compressions=(None,))


def padded(request, size):
    """The request, with data that makes it exactly so large."""
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_data = b""
    copy.request_data = bytes(size - copy.ByteSize() - 8)
    while copy.ByteSize() < size:
        copy.request_data += bytes(size - copy.ByteSize())
    assert copy.ByteSize() == size
    return copy


def message_size():
    def case(kind, name, *beyond):
        all = requests(kind, COUNTS[kind], definition(kind, RESPONSES[kind]))
        sized = tuple(padded(request, LIMIT + more) for request, more in zip(all, beyond))
        return Case("Server Message Size", f"{PREFIXES[kind]}/{name}", kind, sized,
                    codes=(8,) if any(beyond) else (), needs_limit=True)

    for kind in ("unary", "server"):
        yield case(kind, "request-equal-to-server-limit", 0)
        yield case(kind, "request-exceeds-server-limit", 10)
    for kind in ("client", "half", "full"):
        yield case(kind, "all-requests-equal-to-server-limit", 0, 0)
        yield case(kind, "first-request-exceeds-server-limit", 10, 0)
        if kind != "full":
            yield case(kind, "subsequent-request-exceeds-server-limit", 0, 10)


EMPTY = bytes(5)


def raw(suite, name, kind, body, codes, http_status=None, content_type="application/grpc",
        verb="POST", path=None, te=True, more=()):
    fields = ((":method", verb), (":path", path or SERVICE + METHODS[kind]),
              ("content-type", content_type), *((("te", "trailers"),) if te else ()), *more)
    return Case(suite, name, kind, raw=Raw(fields, body), codes=codes, http_status=http_status,
                compressions=(None,))


def unexpected():
    suite = "gRPC Unexpected Requests"
    proto = "application/grpc+proto"
    for kind in ("unary", "server"):
        yield raw(suite, f"{PREFIXES[kind]}/no-request", kind, b"", (12,), content_type=proto)
        yield raw(suite, f"{PREFIXES[kind]}/multiple-requests", kind, EMPTY * 2, (12,),
                  content_type=proto)
    yield raw(suite, "unexpected-verb", "unary", EMPTY, (2, 13, 12), verb="DELETE")
    yield raw(suite, "unexpected-uri", "unary", EMPTY, (12,),
              path="/connectrpc.conformance.v1.UnknownService/UnknownMethod")
    yield raw(suite, "unexpected-codec", "unary", EMPTY, (2, 13, 12),
              content_type="application/grpc+foo")
    yield raw(suite, "unexpected-compression", "unary", EMPTY, (12,),
              more=(("grpc-encoding", "foo"),))
    yield raw(suite, "unexpected-compressed-message", "unary", b"\x01" + bytes(4), (13,),
              content_type=proto, more=(("grpc-encoding", "identity"),))
    yield raw(suite, "client-stream/incomplete-message", "client",
              b"\x00\x00\x00\x00\x0a\x00\x00\x00", (13, 3))
    yield raw(suite, "client-stream/incomplete-message-prefix", "client", bytes(3), (13, 3))
    yield raw("Unexpected Requests", "unexpected-content-type", "unary", b"\xd7\x6d\xf8\xe7\xae\xfc",
              (2,), http_status=415, content_type="image/jpeg", te=False)


def sub_format():
    all = requests("unary", 1, definition("unary", 1))
    body = all[0].SerializeToString()
    framed = bytes([0]) + len(body).to_bytes(4, "big") + body
    for name, content_type in [("with", "application/grpc+proto"), ("without", "application/grpc")]:
        case = raw("gRPC Proto Sub-Format Requests", f"{name}-proto-sub-format", "unary", framed,
                   (), content_type=content_type)
        yield replace(case, requests=all)


def streaming_delivery():
    for kind in ("server", "full", "half"):
        wanted = definition(kind, 3, headers=FOO, trailers=BING, delay=100)
        yield Case("Streaming Delivery", f"{PREFIXES[kind]}/incremental-delivery", kind,
                   requests(kind, 1 if kind == "server" else 3, wanted), compressions=(None,),
                   is_spaced=True)


def client_certificates():
    kind = "client"
    wanted = definition(kind, 1, headers=FOO, trailers=BING)
    yield Case("TLS Client Certs", "client-stream", kind, requests(kind, 2, wanted), TEST_HEADERS,
               needs_client_certificate=True)


SUITES = [basic, errors, duplicate_metadata, timeouts, deadline_propagation, server_empty,
          message_size, unexpected, sub_format, streaming_delivery, client_certificates]


@dataclass(frozen=True)
class Run:
    """A case under one configuration, with one client."""
    case: Case
    compression: str | None
    tls: bool
    client: str

    @property
    def name(self):
        tls = "TLS" if self.tls else "h2c"
        return (f"{self.case.suite}/{tls}/{self.compression or 'identity'}/{self.case.name}"
                f" ({self.client})")


def runs():
    """Every permutation: the raw client over both transports, and grpcio where it can say it."""
    for suite in SUITES:
        for case in suite():
            for compression in case.compressions:
                for tls in (False, True):
                    if case.needs_client_certificate and not tls:
                        continue
                    yield Run(case, compression, tls, "raw")
                    if not case.raw:
                        yield Run(case, compression, tls, "grpcio")
