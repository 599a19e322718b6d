"""Health and reflection in the parts that gRPC's own clients rely on."""

import threading

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
SERVICES = ["connectrpc.conformance.v1.ConformanceService", "grpc.channelz.v1.Channelz",
            "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection", "grpc.testing.TestService"]
PATHS = {version: f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
         for version in ("v1", "v1alpha")}
FILE = "connectrpc/conformance/v1/service.proto"


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channel


# Health


def test_health_lists_what_check_answers(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    listed = stub.List(health_pb2.HealthListRequest(), timeout=10).statuses
    assert {"", "grpc.testing.TestService"} <= set(listed)
    for service, answer in listed.items():
        checked = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
        assert checked.status == answer.status == SERVING


def test_an_unknown_service_is_not_found_by_check_and_watched_without_end(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    unknown = health_pb2.HealthCheckRequest(service="no.Such")
    with pytest.raises(grpc.RpcError) as error:
        stub.Check(unknown, timeout=10)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(unknown, timeout=1.5)
    answers = []
    with pytest.raises(grpc.RpcError) as error:
        for answer in watch:
            answers.append(answer.status)
    # Once, since nothing changed, and then silence to the client's own deadline.
    assert answers == [health_pb2.HealthCheckResponse.SERVICE_UNKNOWN]
    assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


# Reflection


class Reflection:
    """One stream; a question at a time."""

    def __init__(self, channel, version):
        self.requests = []
        self.ready = threading.Semaphore(0)
        self.call = channel.stream_stream(
            PATHS[version],
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString)(
                iter(self.next, None), timeout=20)

    def next(self):
        # As long as the call may last, and its thread no longer.
        return self.requests.pop(0) if self.ready.acquire(timeout=30) else None

    def ask(self, **fields):
        request = reflection_pb2.ServerReflectionRequest(host="a.host", **fields)
        self.requests.append(request)
        self.ready.release()
        answer = next(self.call)
        assert answer.original_request == request and answer.valid_host == "a.host"
        return answer

    def files(self, **fields):
        answer = self.ask(**fields)
        assert answer.HasField("file_descriptor_response"), answer
        return [descriptor_pb2.FileDescriptorProto.FromString(data).name
                for data in answer.file_descriptor_response.file_descriptor_proto]

    def end(self):
        self.requests.append(None)
        self.ready.release()


@pytest.fixture(params=["v1", "v1alpha"])
def reflection(channel, request):
    reflection = Reflection(channel, request.param)
    yield reflection
    reflection.end()


def test_services_are_listed_in_order_reflection_among_them(reflection):
    listed = [service.name for service in reflection.ask(
        list_services="*").list_services_response.service]
    assert listed == sorted(listed) and set(SERVICES) <= set(listed)


def test_a_file_comes_first_then_what_it_imports_and_each_import_once(reflection):
    first = reflection.files(file_by_filename=FILE)
    assert first[0] == FILE and "google/protobuf/any.proto" in first
    assert len(first) == len(set(first))
    # Asked for again, it comes again; what it imports is known.
    assert reflection.files(file_by_filename=FILE) == [FILE]
    assert reflection.files(file_by_filename="google/protobuf/any.proto") == [
        "google/protobuf/any.proto"]


@pytest.mark.parametrize("symbol", [
    "connectrpc.conformance.v1.ConformanceService",
    "connectrpc.conformance.v1.ConformanceService.Unary",
    "connectrpc.conformance.v1.ConformancePayload",
    "connectrpc.conformance.v1.ConformancePayload.RequestInfo",
    "connectrpc.conformance.v1.ConformancePayload.data",
    "connectrpc.conformance.v1.Code",
    "connectrpc.conformance.v1.CODE_ABORTED",
    "grpc.health.v1.HealthCheckResponse.ServingStatus",
    "grpc.health.v1.HealthCheckResponse.SERVING",
    "grpc.reflection.v1.ServerReflection", "grpc.testing.TestService.FullDuplexCall",
])
def test_a_symbol_of_any_kind_is_found(reflection, symbol):
    [file, *_] = reflection.files(file_containing_symbol=symbol)
    assert symbol.rsplit(".", 2)[0].split(".")[0] in file


def test_what_is_not_there_is_an_answer_and_no_end(reflection):
    extension = reflection_pb2.ExtensionRequest(
        containing_type="grpc.testing.SimpleRequest", extension_number=5)
    for fields in [{"file_by_filename": "no/such.proto"}, {"file_containing_symbol": "no.Such"},
                   {"file_containing_symbol": ""}, {"file_containing_extension": extension},
                   {"all_extension_numbers_of_type": "no.Such"}]:
        error = reflection.ask(**fields).error_response
        assert error.error_code == grpc.StatusCode.NOT_FOUND.value[0] and error.error_message
    assert reflection.files(file_by_filename=FILE)[0] == FILE


def test_a_type_without_extensions_has_none(reflection):
    numbers = reflection.ask(
        all_extension_numbers_of_type="grpc.testing.SimpleRequest").all_extension_numbers_response
    assert numbers.base_type_name == "grpc.testing.SimpleRequest"
    assert list(numbers.extension_number) == []


def test_a_question_about_nothing_ends_the_stream(channel):
    call = channel.stream_stream(PATHS["v1"])(iter([b"\x0a\x01h"]), timeout=10)
    with pytest.raises(grpc.RpcError) as error:
        next(call)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
