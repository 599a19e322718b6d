"""connectrpc/conformance as a server: every case for Connect and gRPC-Web."""

import pytest

from grpc_wire import Client
from messages import conformance
from test_conformance import RESPONSES, TIMEOUT, Answer, check_answer, comes_spaced, servers  # noqa: F401
from web_cases import Run, runs
from web_http1 import Connection, HTTP1Call
from web_wire import WebCall

RUNS = list(runs())


def answer(run, server, tls):
    case, protocol = run.case, run.protocol
    Call = HTTP1Call if run.is_http1 else WebCall
    opened = (Connection(*server.address, timeout=TIMEOUT) if run.is_http1
              else Client(server.address, TIMEOUT, tls))
    with opened as client:
        metadata = [(name, value) for name, values in case.headers for value in values]
        if case.raw:
            given = dict(case.raw.fields)
            fields = [(key, given.get(key, value)) for key, value in client.request_fields()]
            fields += [pair for pair in case.raw.fields if not pair[0].startswith(":")]
            call = Call(client, protocol, case.kind, case.path, fields=fields,
                        end=not case.raw.body)
            if case.raw.body:
                call.send_bytes(case.raw.body, end=True)
        elif run.is_get:
            path = protocol.get_path(case.path, case.requests[0])
            fields = [*client.request_fields("GET", path), *metadata]
            call = Call(client, protocol, case.kind, path, fields=fields, end=True)
        else:
            call = Call(client, protocol, case.kind, case.path, run.compression,
                        case.timeout_ms, metadata, end=not case.requests)
            send(case, call)
        outcome = call.finish()
    name = RESPONSES["/" + case.path.rsplit("/", 1)[1].replace("IdempotentUnary", "Unary")]
    payloads = [protocol.read(message, getattr(conformance, name)).payload
                for message in outcome.messages]
    return Answer(
        outcome.code, outcome.text, outcome.parts, payloads, outcome.metadata, outcome.trailers,
        outcome.http_status if case.http_status else 200, outcome.times, outcome.seconds)


def send(case, call):
    expected = len(case.definition.response_data) if case.kind == "full" else 0
    for index, request in enumerate(case.requests):
        last = index == len(case.requests) - 1
        call.send(request, end=last and case.kind != "full")
        if index < expected:
            call.next_message()
    if case.kind == "full":
        call.send_bytes(b"", end=True)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_conformance(run: Run, servers, request):  # noqa: F811
    case = run.case
    server = servers(run.tls, case.needs_client_certificate, case.needs_limit, is_web=True)
    keys = request.getfixturevalue("keys") if run.tls else None
    context = keys and keys.context(with_client=case.needs_client_certificate)
    # A client that had to wait for its turn may see two at once.
    for _ in range(4):
        got = answer(run, server, context)
        check_answer(case, got)
        if not case.is_spaced or comes_spaced(got):
            return
    raise AssertionError(got.times)


def test_every_permutation_is_run():
    assert len(RUNS) >= 950, len(RUNS)
