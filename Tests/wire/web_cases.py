"""The cases of connectrpc/conformance for a server of Connect and gRPC-Web."""

from dataclasses import dataclass, replace

import conformance_cases as grpc
from conformance_cases import (BING, EMPTY, FOO, METHODS, PREFIXES, SERVICE, TEST_HEADERS, Case,
                               Raw, definition)
from messages import conformance as c
from web_wire import Protocol

CONNECT = Protocol("connect")
GRPC_WEB = Protocol("grpc-web")
JSON = (Protocol("connect", "json"), Protocol("grpc-web", "json"))
TEXT = Protocol("grpc-web", is_text=True)


@dataclass(frozen=True)
class Run:
    """A case under one configuration."""
    case: Case
    protocol: Protocol
    compression: str | None = None
    tls: bool = False
    is_get: bool = False
    is_http1: bool = False

    @property
    def name(self):
        return (f"{self.case.suite}/{self.protocol}/{self.http}/"
                f"{self.compression or 'identity'}/{self.case.name}")

    @property
    def http(self):
        return "HTTP/1.1" if self.is_http1 else "TLS" if self.tls else "h2c"


def raw(suite, name, kind, body, codes, content_type, http_status=None, verb="POST", path=None,
        more=()):
    fields = ((":method", verb), (":path", path or SERVICE + METHODS[kind]),
              ("content-type", content_type), *more)
    return Case(suite, name, kind, raw=Raw(fields, body), codes=codes, http_status=http_status)


UNKNOWN = "/connectrpc.conformance.v1.UnknownService/UnknownMethod"


def unexpected_connect():
    suite, stream, unary = ("Connect Unexpected Requests", "application/connect+proto",
                            "application/proto")
    version = (("connect-protocol-version", "1"),)
    yield raw(suite, "server-stream/no-request", "server", b"", (12,), stream, more=version)
    yield raw(suite, "server-stream/multiple-requests", "server", EMPTY * 2, (12,), stream,
              more=version)
    yield raw(suite, "unexpected-verb", "unary", b"", (2,), unary, 405, verb="DELETE",
              more=version)
    yield raw(suite, "unexpected-uri", "unary", b"", (12,), unary, 404, path=UNKNOWN, more=version)
    yield raw(suite, "unexpected-codec", "unary", b"", (2,), "application/foo", 415, more=version)
    yield raw(suite, "unexpected-compression", "unary", b"", (12,), unary,
              more=(*version, ("content-encoding", "foo")))
    yield raw(suite, "unexpected-compressed-message", "server", b"\x01" + bytes(4), (13,), stream,
              more=(*version, ("connect-content-encoding", "identity")))
    yield raw(suite, "client-stream/incomplete-message", "client",
              b"\x00\x00\x00\x00\x0a\x00\x00\x00", (13, 3), stream, more=version)
    yield raw(suite, "client-stream/incomplete-message-prefix", "client", bytes(3), (13, 3), stream,
              more=version)
    yield raw("Unexpected Requests", "unexpected-content-type", "unary", b"12345678", (2,),
              "image/jpeg", 415)


def unexpected_grpc_web():
    suite, proto = "gRPC-Web Unexpected Requests", "application/grpc-web+proto"
    for kind in ("unary", "server"):
        yield raw(suite, f"{PREFIXES[kind]}/no-request", kind, b"", (12,), proto)
        yield raw(suite, f"{PREFIXES[kind]}/multiple-requests", kind, EMPTY * 2, (12,), proto)
    yield raw(suite, "unexpected-verb", "unary", EMPTY, (2,), proto, 405, verb="DELETE")
    yield raw(suite, "unexpected-uri", "unary", EMPTY, (12,), proto, path=UNKNOWN)
    yield raw(suite, "unexpected-codec", "unary", EMPTY, (2, 13, 12), "application/grpc-web+foo")
    yield raw(suite, "unexpected-compression", "unary", EMPTY, (12,), proto,
              more=(("grpc-encoding", "foo"),))
    yield raw(suite, "unexpected-compressed-message", "unary", b"\x01" + bytes(4), (13,), proto,
              more=(("grpc-encoding", "identity"),))


def sub_format():
    request, = grpc.requests("unary", 1, definition("unary", 1))
    body = request.SerializeToString()
    for name, kind in (("with", "application/grpc-web+proto"), ("without", "application/grpc-web")):
        case = raw("gRPC-Web Proto Sub-Format Requests", f"{name}-proto-sub-format", "unary",
                   bytes([0]) + len(body).to_bytes(4, "big") + body, (), kind)
        yield replace(case, requests=(request,))


def with_get():
    wanted = definition("unary", 1, headers=FOO, trailers=BING)
    return Case("Connect with GET", "success", "unary",
                (c.IdempotentUnaryRequest(response_definition=wanted),), TEST_HEADERS,
                method="IdempotentUnary")


def runs():
    yield from http2_runs()
    for run in http2_runs():
        # Once each; streams both ways are not for HTTP/1.1.
        is_one_way = run.case.kind not in ("half", "full")
        if not run.tls and run.compression is None and is_one_way:
            yield replace(run, is_http1=True)


def http2_runs():
    plain = (grpc.basic, grpc.errors, grpc.duplicate_metadata, grpc.deadline_propagation,
             grpc.server_empty)
    for suite in plain:
        for case in suite():
            for protocol in (CONNECT, GRPC_WEB, *JSON):
                for compression in case.compressions:
                    yield Run(case, protocol, compression)
    for case in grpc.basic():
        yield Run(case, TEXT)
        yield Run(case, TEXT, "gzip")
        for protocol in (CONNECT, GRPC_WEB):
            yield Run(case, protocol, tls=True)
    for protocol in (CONNECT, GRPC_WEB):
        for suite in (grpc.timeouts, grpc.message_size, grpc.streaming_delivery):
            for case in suite():
                yield Run(case, protocol)
        for case in grpc.client_certificates():
            yield Run(case, protocol, tls=True)
    for case in unexpected_connect():
        yield Run(case, CONNECT)
    for case in unexpected_grpc_web():
        yield Run(case, GRPC_WEB)
    for case in sub_format():
        # The answer has the request's type.
        kind = dict(case.raw.fields)["content-type"]
        yield Run(case, Protocol("grpc-web", "proto" if kind.endswith("+proto") else ""))
    for protocol in (CONNECT, JSON[0]):
        yield Run(with_get(), protocol, is_get=True)
