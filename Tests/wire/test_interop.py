"""The public gRPC interoperability tests, with Python's grpcio as the client.

Source: grpc/doc/interop-test-descriptions.md; the names are those of its cases.
"""

import threading
import time

import grpc
import pytest

from messages import testing

ZEROS = bytes
SERVICE = "/grpc.testing.TestService/"
OPTIONS = [("grpc.use_local_subchannel_pool", 1)]
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP \U0001F608\t\n"
TIMEOUT = 20


class Stub:
    """The methods of grpc.testing.TestService on a channel."""

    def __init__(self, channel):
        def method(kind, name, request, response, service=SERVICE):
            return kind(service + name, request_serializer=request.SerializeToString,
                        response_deserializer=response.FromString)

        t = testing
        self.empty = method(channel.unary_unary, "EmptyCall", t.Empty, t.Empty)
        self.unary = method(channel.unary_unary, "UnaryCall", t.SimpleRequest, t.SimpleResponse)
        self.output = method(channel.unary_stream, "StreamingOutputCall",
                             t.StreamingOutputCallRequest, t.StreamingOutputCallResponse)
        self.input = method(channel.stream_unary, "StreamingInputCall",
                            t.StreamingInputCallRequest, t.StreamingInputCallResponse)
        self.duplex = method(channel.stream_stream, "FullDuplexCall",
                             t.StreamingOutputCallRequest, t.StreamingOutputCallResponse)
        self.half_duplex = method(channel.stream_stream, "HalfDuplexCall",
                                  t.StreamingOutputCallRequest, t.StreamingOutputCallResponse)
        self.unimplemented = method(channel.unary_unary, "UnimplementedCall", t.Empty, t.Empty)
        self.unimplemented_service = method(
            channel.unary_unary, "UnimplementedCall", t.Empty, t.Empty,
            "/grpc.testing.UnimplementedService/")


@pytest.fixture
def stub(server):
    with grpc.insecure_channel(server.target, options=OPTIONS) as channel:
        yield Stub(channel)


def payload(size):
    return testing.Payload(body=bytes(size))


def output_request(*sizes, request_size=None, **more):
    request = testing.StreamingOutputCallRequest(
        response_parameters=[testing.ResponseParameters(size=size) for size in sizes], **more)
    if request_size is not None:
        request.payload.body = bytes(request_size)
    return request


def refusal(call):
    with pytest.raises(grpc.RpcError) as caught:
        result = call()
        list(result) if hasattr(result, "__iter__") else result
    return caught.value


class Requests:
    """An iterator of requests that a test feeds as answers come."""

    def __init__(self):
        self.items = []
        self.condition = threading.Condition()
        self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        with self.condition:
            assert self.condition.wait_for(lambda: self.items or self.closed, TIMEOUT)
            if self.items:
                return self.items.pop(0)
            raise StopIteration

    def send(self, item):
        with self.condition:
            self.items.append(item)
            self.condition.notify()

    def close(self):
        with self.condition:
            self.closed = True
            self.condition.notify()


def test_empty_unary(stub):
    assert stub.empty(testing.Empty(), timeout=TIMEOUT) == testing.Empty()


def test_large_unary(stub):
    answer = stub.unary(
        testing.SimpleRequest(response_size=314159, payload=payload(271828)), timeout=TIMEOUT)
    assert answer.payload.body == bytes(314159)


def test_client_streaming(stub):
    requests = (testing.StreamingInputCallRequest(payload=payload(size))
                for size in (27182, 8, 1828, 45904))
    assert stub.input(requests, timeout=TIMEOUT).aggregated_payload_size == 74922


def test_server_streaming(stub):
    answers = stub.output(output_request(31415, 9, 2653, 58979), timeout=TIMEOUT)
    assert [len(answer.payload.body) for answer in answers] == [31415, 9, 2653, 58979]


def test_ping_pong(stub):
    requests = Requests()
    answers = stub.duplex(requests, timeout=TIMEOUT)
    for request_size, size in [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]:
        requests.send(output_request(size, request_size=request_size))
        assert len(next(answers).payload.body) == size
    requests.close()
    assert list(answers) == []
    assert answers.code() == grpc.StatusCode.OK


def test_empty_stream(stub):
    answers = stub.duplex(iter(()), timeout=TIMEOUT)
    assert list(answers) == []
    assert answers.code() == grpc.StatusCode.OK


def test_half_duplex_answers_after_the_last_request(stub):
    requests = Requests()
    answers = stub.half_duplex(requests, timeout=TIMEOUT)
    for size in (3, 5):
        requests.send(output_request(size))
    requests.close()
    assert [len(answer.payload.body) for answer in answers] == [3, 5]


@pytest.fixture(params=[grpc.Compression.Gzip, grpc.Compression.Deflate], ids=["gzip", "deflate"])
def compressed(server, request):
    with grpc.insecure_channel(server.target, options=OPTIONS,
                               compression=request.param) as channel:
        yield Stub(channel)


def test_client_compressed_unary(stub, compressed):
    probe = testing.SimpleRequest(expect_compressed=testing.BoolValue(value=True),
                                  response_size=314159, payload=payload(271828))
    # Feature probe: uncompressed, though the request says otherwise.
    assert refusal(lambda: stub.unary(probe, timeout=TIMEOUT)).code() == \
        grpc.StatusCode.INVALID_ARGUMENT
    assert compressed.unary(probe, timeout=TIMEOUT).payload.body == bytes(314159)
    probe.expect_compressed.value = False
    answer = compressed.unary(probe, timeout=TIMEOUT, compression=grpc.Compression.NoCompression)
    assert answer.payload.body == bytes(314159)


def test_server_compressed_unary(compressed):
    for wanted in (True, False):
        request = testing.SimpleRequest(response_compressed=testing.BoolValue(value=wanted),
                                        response_size=314159, payload=payload(271828))
        answer, call = compressed.unary.with_call(request, timeout=TIMEOUT)
        assert answer.payload.body == bytes(314159)


def test_client_compressed_streaming(stub, compressed):
    true, false = testing.BoolValue(value=True), testing.BoolValue(value=False)
    probe = testing.StreamingInputCallRequest(expect_compressed=true, payload=payload(27182))
    assert refusal(lambda: stub.input(iter([probe]), timeout=TIMEOUT)).code() == \
        grpc.StatusCode.INVALID_ARGUMENT
    requests = [probe, testing.StreamingInputCallRequest(expect_compressed=false,
                                                         payload=payload(45904))]
    assert compressed.input(iter(requests), timeout=TIMEOUT).aggregated_payload_size == 73086


def test_server_compressed_streaming(compressed):
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(compressed=testing.BoolValue(value=True), size=31415),
        testing.ResponseParameters(compressed=testing.BoolValue(value=False), size=92653)])
    sizes = [len(answer.payload.body) for answer in compressed.output(request, timeout=TIMEOUT)]
    assert sizes == [31415, 92653]


def test_custom_metadata(stub):
    metadata = [("x-grpc-test-echo-initial", "test_initial_metadata_value"),
                ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")]

    def check(call):
        assert dict(call.initial_metadata())["x-grpc-test-echo-initial"] == \
            "test_initial_metadata_value"
        assert dict(call.trailing_metadata())["x-grpc-test-echo-trailing-bin"] == b"\xab\xab\xab"

    _, call = stub.unary.with_call(
        testing.SimpleRequest(response_size=314159, payload=payload(271828)),
        metadata=metadata, timeout=TIMEOUT)
    check(call)
    answers = stub.duplex(iter([output_request(314159, request_size=271828)]), metadata=metadata,
                          timeout=TIMEOUT)
    assert len(list(answers)) == 1
    check(answers)


@pytest.mark.parametrize("message", ["test status message", SPECIAL_MESSAGE],
                         ids=["status_code_and_message", "special_status_message"])
def test_status(stub, message):
    status = testing.EchoStatus(code=2, message=message)
    request = testing.SimpleRequest(response_status=status)
    for error in (refusal(lambda: stub.unary(request, timeout=TIMEOUT)),
                  refusal(lambda: stub.duplex(iter([output_request(response_status=status)]),
                                              timeout=TIMEOUT))):
        assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, message)


def test_unimplemented_method(stub):
    error = refusal(lambda: stub.unimplemented(testing.Empty(), timeout=TIMEOUT))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def test_unimplemented_service(stub):
    error = refusal(lambda: stub.unimplemented_service(testing.Empty(), timeout=TIMEOUT))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def test_cancel_after_begin(stub):
    requests = Requests()
    call = stub.input.future(requests, timeout=TIMEOUT)
    call.cancel()
    requests.close()
    assert call.cancelled()
    assert call.code() == grpc.StatusCode.CANCELLED


def test_cancel_after_first_response(stub):
    requests = Requests()
    answers = stub.duplex(requests, timeout=TIMEOUT)
    requests.send(output_request(31415, request_size=27182))
    assert len(next(answers).payload.body) == 31415
    answers.cancel()
    requests.close()
    assert refusal(lambda: answers).code() == grpc.StatusCode.CANCELLED


def test_timeout_on_sleeping_server(stub):
    requests = Requests()
    answers = stub.duplex(requests, timeout=0.001)
    requests.send(output_request(request_size=27182))
    error = refusal(lambda: answers)
    requests.close()
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_cacheable_unary(server):
    with grpc.insecure_channel(server.target, options=OPTIONS) as channel:
        call = channel.unary_unary(
            SERVICE + "CacheableUnaryCall",
            request_serializer=testing.SimpleRequest.SerializeToString,
            response_deserializer=testing.SimpleResponse.FromString)
        assert call(testing.SimpleRequest(response_size=7), timeout=TIMEOUT).payload.body == bytes(7)


def soak_call(stub):
    began = time.monotonic()
    answer = stub.unary(
        testing.SimpleRequest(response_size=314159, payload=payload(271828)), timeout=TIMEOUT)
    assert len(answer.payload.body) == 314159
    return time.monotonic() - began


def test_rpc_soak(server, soak):
    with grpc.insecure_channel(server.target, options=OPTIONS) as channel:
        stub = Stub(channel)
        worst = max(soak_call(stub) for _ in range(10_000 if soak else 200))
    assert worst < 5, f"the slowest call took {worst:.2f} s"


def test_channel_soak(server, soak):
    worst = 0.0
    for _ in range(1_000 if soak else 50):
        with grpc.insecure_channel(server.target, options=OPTIONS) as channel:
            worst = max(worst, soak_call(Stub(channel)))
    assert worst < 5, f"the slowest call took {worst:.2f} s"


def test_a_thousand_large_calls_at_once(server):
    with grpc.insecure_channel(server.target, options=OPTIONS) as channel:
        stub = Stub(channel)
        request = testing.SimpleRequest(response_size=31415, payload=payload(27182))
        calls = [stub.unary.future(request, timeout=60) for _ in range(1000)]
        assert all(len(call.result(timeout=60).payload.body) == 31415 for call in calls)


def test_messages_flow_back_when_the_client_does_not_read(stub):
    """20 MB of answers through a window of 64 KiB, read slowly at first."""
    answers = stub.output(output_request(*[1 << 20] * 20), timeout=60)
    time.sleep(0.3)
    assert sum(len(answer.payload.body) for answer in answers) == 20 << 20
