"""connectrpc/conformance as a server: every case for gRPC over HTTP/2, no known-failing list.

The server takes part as it would in a run of the suites: one process for each configuration, the
configuration on its standard input.
"""

import threading
import time

import grpc
import pytest
from google.rpc import status_pb2

from conformance_cases import LIMIT, Run, runs
from grpc_wire import Client, check, check_status
from http2 import CANCEL
from messages import RequestInfo, conformance
from server import Server

RUNS = list(runs())
RESPONSES = {"/Unary": "UnaryResponse", "/ServerStream": "ServerStreamResponse",
             "/ClientStream": "ClientStreamResponse", "/BidiStream": "BidiStreamResponse",
             "/Unimplemented": "UnimplementedResponse"}
TIMEOUT = 10


@pytest.fixture(scope="session")
def servers(request):
    """Servers by configuration, each started once; they end on SIGTERM."""
    started = {}

    def server(tls, client_certificate, limit, is_web=False):
        key = tls, client_certificate, limit, is_web
        if key not in started:
            wanted = conformance.ServerCompatRequest(
                protocol=1 if is_web else 2, http_version=2, message_receive_limit=LIMIT if limit else 0)
            if tls:
                keys = request.getfixturevalue("keys")
                wanted.use_tls = True
                wanted.server_creds.cert = keys.server_certificate
                wanted.server_creds.key = keys.server_key
                if client_certificate:
                    wanted.client_tls_cert = keys.client_certificate
            started[key] = Server.compat(wanted, conformance.ServerCompatResponse)
        return started[key]

    yield server
    for running in started.values():
        assert running.process.poll() is None, f"a server ended by itself:\n{running.log()}"
        assert running.terminate() == 0, running.log()


class Answer:
    """What a case got, whichever client asked."""

    def __init__(self, status, message, details, payloads, headers, trailers, http_status=200,
                 times=(), seconds=0.0, reset=None):
        self.status = status
        self.message = message
        self.details = details
        self.payloads = payloads
        self.headers = headers
        self.trailers = trailers
        self.http_status = http_status
        self.times = times
        self.seconds = seconds
        self.reset = reset


def raw_answer(run, server, tls):
    case = run.case
    with Client(server.address, TIMEOUT, tls) as client:
        if case.raw:
            given = dict(case.raw.fields)
            fields = [(key, given.get(key, value)) for key, value in client.request_fields()]
            fields += [pair for pair in case.raw.fields if not pair[0].startswith(":")]
            call = client.open(case.path, fields=fields, end=not case.raw.body)
            if case.raw.body:
                call.send_bytes(case.raw.body, end=True)
        else:
            metadata = [(name, value) for name, values in case.headers for value in values]
            call = client.open(case.path, metadata, case.timeout_ms, run.compression,
                               end=not case.requests)
            expected = len(case.definition.response_data) if case.kind == "full" else 0
            for index, request in enumerate(case.requests):
                last = index == len(case.requests) - 1
                call.send(request.SerializeToString(), end=last and case.kind != "full")
                if index < expected:
                    call.next_message()
            if case.kind == "full":
                call.send_bytes(b"", end=True)
        outcome = call.finish()
    if outcome.reset == CANCEL and case.codes == (4,):
        # The deadline's own answer.
        return Answer(4, "", [], [], [], [], seconds=outcome.seconds)
    if outcome.http_status == 200:
        check(outcome)
    elif ("content-type", "application/grpc") in outcome.headers:
        # Another HTTP status, and still gRPC: its status is looked at all the same.
        check_status(outcome)
    if outcome.http_status == 200:
        if run.compression and outcome.messages and not case.raw:
            assert outcome.values(outcome.headers, "grpc-encoding") == [run.compression]
    payloads = [parse(case, message) for message in outcome.messages]
    return Answer(outcome.status, outcome.message, outcome.details, payloads, outcome.headers,
                  outcome.trailers, outcome.http_status, outcome.times, outcome.seconds,
                  outcome.reset)


def parse(case, message):
    suffix = "/" + case.path.rsplit("/", 1)[1]
    return getattr(conformance, RESPONSES[suffix]).FromString(message).payload


def grpcio_answer(run, server, credentials):
    case = run.case
    options = [("grpc.use_local_subchannel_pool", 1),
               ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    compression = grpc.Compression.Gzip if run.compression else grpc.Compression.NoCompression
    make = (grpc.secure_channel(server.target, credentials, options, compression) if credentials
            else grpc.insecure_channel(server.target, options, compression))
    metadata = [(name, value) for name, values in case.headers for value in values]
    seconds = case.timeout_ms / 1000 if case.timeout_ms else TIMEOUT
    with make as channel:
        began = time.monotonic()
        # As a stream whatever it is: on the wire there is no difference.
        paced = Paced(case)
        call = channel.stream_stream(case.path)(paced, metadata=metadata, timeout=seconds)
        payloads, times = [], []
        try:
            for message in call:
                payloads.append(parse(case, message))
                times.append(time.monotonic() - began)
                paced.answers.release()
        except grpc.RpcError:
            pass
        trailing = call.trailing_metadata() or ()
        details = [value for key, value in trailing if key == "grpc-status-details-bin"]
        return Answer(
            call.code().value[0], call.details(),
            status_pb2.Status.FromString(details[0]).details if details else [], payloads,
            list(call.initial_metadata() or ()), list(trailing), times=times,
            seconds=time.monotonic() - began)


class Paced:
    """The requests of a case; in full duplex each but the first waits for an answer."""

    def __init__(self, case):
        self.requests = list(case.requests)
        self.waits = case.kind == "full" and bool(case.definition.response_data)
        self.answers = threading.Semaphore(1)

    def __iter__(self):
        return self

    def __next__(self):
        if not self.requests:
            raise StopIteration
        if self.waits:
            assert self.answers.acquire(timeout=TIMEOUT)
        return self.requests.pop(0).SerializeToString()


def expected_infos(case):
    """What the server has to tell in each response, and in an error without responses."""
    if case.kind != "full":
        return [case.requests]
    return [[request] for request in case.requests]


# grpcio writes timeouts of more than a second in hundredths of one, rounded up.
GRPCIO_ROUNDS_MS = 10


def check_info(info, case, requests, is_first):
    got = {header.name.lower(): list(header.value) for header in info.request_headers}
    if is_first:
        for name, values in case.headers:
            assert got.get(name) == list(values), f"{name}: {got.get(name)}"
        if case.timeout_ms is not None:
            assert info.HasField("timeout_ms"), "no timeout"
            assert 0 < info.timeout_ms <= case.timeout_ms + GRPCIO_ROUNDS_MS
            assert info.timeout_ms > case.timeout_ms - 500
        else:
            assert not info.HasField("timeout_ms") or info.timeout_ms > 0
    unpacked = []
    for any in info.requests:
        assert any.type_url.startswith("type.googleapis.com/")
        name = any.type_url.rsplit(".", 1)[1]
        unpacked.append(getattr(conformance, name).FromString(any.value))
    assert unpacked == list(requests), "other requests than those sent"


def check_metadata(wanted, got, where):
    for header in wanted:
        values = [value for key, value in got if key == header.name]
        assert values == list(header.value), f"{where} {header.name}: {values}"


def check_answer(case, answer):
    if case.http_status is not None:
        assert answer.http_status == case.http_status
        return
    if case.codes:
        assert (answer.status if answer.status is not None else 2) in case.codes, vars(answer)
        if case.codes == (4,):
            assert 0.15 < answer.seconds < 1.2, f"after {answer.seconds:.3f} s"
        assert not answer.payloads or case.kind == "full"
        return
    assert answer.http_status == 200
    wanted = case.definition
    data, error = [], None
    if wanted is not None:
        is_unary = isinstance(wanted, conformance.UnaryResponseDefinition)
        if is_unary:
            data = [wanted.response_data] if not wanted.HasField("error") else []
        else:
            data = list(wanted.response_data)
        error = wanted.error if wanted.HasField("error") else None
        check_metadata(wanted.response_headers, answer.headers, "header")
        check_metadata(wanted.response_trailers, answer.trailers, "trailer")
    elif case.kind in ("unary", "client"):
        data = [b""]
    assert [payload.data for payload in answer.payloads] == data
    infos = expected_infos(case)
    for index, payload in enumerate(answer.payloads):
        if index < len(infos):
            check_info(payload.request_info, case, () if case.raw and not case.requests
                       else infos[index], index == 0)
        else:
            assert not payload.request_info.requests
    if error is None:
        assert answer.status == 0, (answer.status, answer.message)
        return
    assert (answer.status, answer.message) == (error.code, error.message)
    details = list(answer.details)
    assert details[:len(error.details)] == list(error.details)
    if not data:
        assert len(details) == len(error.details) + 1, "no RequestInfo in the details"
        assert details[-1].type_url.endswith("/" + RequestInfo.DESCRIPTOR.full_name)
        check_info(RequestInfo.FromString(details[-1].value), case, case.requests, True)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_conformance(run: Run, servers, request):
    case = run.case
    server = servers(run.tls, case.needs_client_certificate, case.needs_limit)
    keys = request.getfixturevalue("keys") if run.tls else None

    def answer():
        if run.client == "raw":
            context = keys and keys.context(with_client=case.needs_client_certificate)
            return raw_answer(run, server, context)
        credentials = keys and keys.credentials(with_client=case.needs_client_certificate)
        return grpcio_answer(run, server, credentials)

    got = answer()
    check_answer(case, got)
    if case.is_spaced:
        # A client that had to wait for its turn sees two at once; a server that holds them back
        # does so each time.
        for _ in range(3):
            if comes_spaced(got):
                break
            got = answer()
            check_answer(case, got)
        assert comes_spaced(got), got.times


def comes_spaced(answer):
    """Three responses, a tenth of a second before each: none waits for the next."""
    gaps = [after - before for before, after in zip(answer.times, answer.times[1:])]
    return len(answer.times) == 3 and all(gap > 0.05 for gap in gaps)


def test_every_permutation_is_run():
    """566 runs in the public suites: 394 with their own client, 172 with a gRPC library."""
    raw = sum(1 for run in RUNS if run.client == "raw")
    assert raw >= 394 and len(RUNS) >= 566, (raw, len(RUNS))
