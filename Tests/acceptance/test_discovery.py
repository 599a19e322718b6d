"""Reflection and health: what a client finds out by itself."""

import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from contract import Contract
from errors import refused, refusals
from session import Session
from server import until

SERVICES = {
    "datasync.v1.Datasync", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}


def ask(server, *requests, version="v1alpha"):
    """Requests on one reflection stream, and their answers."""
    call = server.shared_channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = [reflection_pb2.ServerReflectionRequest(**request) for request in requests]
    return list(call(iter(asked), timeout=10))


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_every_service_is_listed(shop, version):
    (answer,) = ask(shop, {"list_services": "*"}, version=version)
    names = [service.name for service in answer.list_services_response.service]
    assert SERVICES | {"tables.NotesTable", "tables.SoftNotesTable"} <= set(names)
    assert names == sorted(names)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize(
    "symbol",
    [
        "datasync.v1.Datasync", "datasync.v1.Datasync.Session", "datasync.v1.SessionRequest",
        "datasync.v1.Change.Operation", "datasync.v1.Change.sequence", "datasync.v1.Column.Type",
        "tables.Notes", "tables.Notes.title", "tables.NotesTable", "tables.NotesTable.Watch",
        "tables.NotesEvent", "grpc.health.v1.Health", "google.rpc.Status", "google.protobuf.Any",
        "google.rpc.ErrorInfo", "grpc.reflection.v1.ServerReflection",
    ],
)
def test_services_methods_messages_enums_and_fields_are_found(shop, version, symbol):
    (answer,) = ask(shop, {"file_containing_symbol": symbol}, version=version)
    assert answer.original_request.file_containing_symbol == symbol
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(data)
        for data in answer.file_descriptor_response.file_descriptor_proto
    ]
    assert files, answer.error_response
    package = files[0].package
    assert symbol.startswith(package + ".")
    names = [m.name for m in files[0].message_type] + [s.name for s in files[0].service]
    assert symbol[len(package) + 1:].split(".")[0] in names


def test_a_file_is_found_by_its_name_with_all_it_imports(shop):
    pool_files = {}
    waiting = ["datasync/v1/datasync.proto"]
    while waiting:
        (answer,) = ask(shop, {"file_by_filename": waiting.pop()})
        files = answer.file_descriptor_response.file_descriptor_proto
        assert files, answer
        for data in files:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            if file.name not in pool_files:
                pool_files[file.name] = file
                waiting += file.dependency
    assert "google/protobuf/any.proto" in pool_files


def test_what_is_not_there_is_not_found_and_the_stream_goes_on(shop):
    answers = ask(
        shop, {"file_containing_symbol": "tables.Nothing"}, {"file_by_filename": "no.proto"},
        {"file_containing_symbol": "datasync.v1.Datasync.Nothing"}, {"list_services": "*"},
    )
    assert [answer.error_response.error_code for answer in answers] == [5, 5, 5, 0]
    assert answers[3].list_services_response.service


def test_row_types_are_as_protoc_would_make_them(shop):
    (answer,) = ask(shop, {"file_containing_symbol": "tables.SoftNotes"})
    file = descriptor_pb2.FileDescriptorProto.FromString(
        answer.file_descriptor_response.file_descriptor_proto[0]
    )
    assert file.syntax == "proto3" and file.package == "tables"
    message = {m.name: m for m in file.message_type}["SoftNotes"]
    for field in message.field:
        assert field.proto3_optional and field.json_name
    created = {f.name: f for f in message.field}["created_at"]
    assert created.type_name == ".google.protobuf.Timestamp" and created.json_name == "createdAt"
    assert len(message.oneof_decl) == len(message.field)
    assert all(oneof.name.startswith("_") for oneof in message.oneof_decl)


def test_comments_of_the_schema_stand_in_the_descriptors(films_server):
    (answer,) = ask(films_server, {"file_containing_symbol": "tables.Movies"})
    file = descriptor_pb2.FileDescriptorProto.FromString(
        answer.file_descriptor_response.file_descriptor_proto[0]
    )
    comments = [location.leading_comments.strip() for location in file.source_code_info.location]
    assert "Films, with their ratings and release dates." in comments
    assert "In minutes." in comments


def test_a_table_that_appears_while_the_server_runs_is_described(serve):
    server = serve("grow.db", "--attach", sql="CREATE TABLE one (id TEXT PRIMARY KEY)")
    server.foreign("CREATE TABLE two (id TEXT PRIMARY KEY, name TEXT)")

    def two():
        (answer,) = ask(server, {"list_services": "*"})
        return "tables.TwoTable" in {s.name for s in answer.list_services_response.service}

    until(two)
    contract = Contract(server.channel())
    assert "name" in contract.class_of("tables.Two").DESCRIPTOR.fields_by_name


def test_a_column_that_is_added_dropped_or_renamed_keeps_numbers_for_ever(serve):
    server = serve("grow.db", "--attach", sql="CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT, b TEXT)")
    with Session(server) as session:
        events = session.subscribe("t", heartbeat_interval=0.1)
        events.until_current()
        session.create("t", id="1", a="a", b="b")
        assert events.change().row["b"] == "b"

        def columns():
            return {
                c.name: c.number for c in session.call("describe", table="t").tables[0].columns
                if not c.system
            }

        assert columns() == {"a": 6, "b": 7}
        server.foreign("ALTER TABLE t ADD COLUMN c INTEGER")
        until(lambda: columns() == {"a": 6, "b": 7, "c": 8})
        # A client with the old code still works, on the same session and subscription.
        session.update("t", id="1", a="a2")
        assert events.change().row["a"] == "a2"
        server.foreign("ALTER TABLE t DROP COLUMN b")
        until(lambda: columns() == {"a": 6, "c": 8})
        server.foreign("ALTER TABLE t ADD COLUMN b TEXT")
        until(lambda: columns() == {"a": 6, "c": 8, "b": 9})
        session.update("t", id="1", a="a3")
        assert events.change().row["a"] == "a3"
        with Session(server) as fresh:
            fresh.contract = Contract(server.channel())
            row = fresh.update("t", id="1", c=5, b="again").row
            assert (row["c"], row["b"], row["a"]) == (5, "again", "a3")


# -- health


def test_health_is_serving_for_the_whole_and_each_service(shop):
    stub = health_pb2_grpc.HealthStub(shop.shared_channel)
    for service in ("", "datasync.v1.Datasync"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with refused("NOT_FOUND"), refusals():
        stub.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)


def test_health_can_be_watched(shop):
    stub = health_pb2_grpc.HealthStub(shop.shared_channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=5)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)
    assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()
    unknown.cancel()


def test_an_unknown_service_or_method_is_unimplemented(shop):
    for path in ("/datasync.v1.Datasync/Nothing", "/nothing.Service/Get", "/datasync.v1.datasync/Get"):
        with refused("UNIMPLEMENTED"):
            shop.raw_unary(path, b"")


def test_the_v1_stub_reflection_and_the_v1alpha_one_agree(shop):
    stub = reflection_pb2_grpc.ServerReflectionStub(shop.shared_channel)
    request = reflection_pb2.ServerReflectionRequest(file_containing_symbol="datasync.v1.Datasync")
    (old,) = list(stub.ServerReflectionInfo(iter([request]), timeout=5))
    (new,) = ask(shop, {"file_containing_symbol": "datasync.v1.Datasync"}, version="v1")
    assert list(old.file_descriptor_response.file_descriptor_proto) == list(
        new.file_descriptor_response.file_descriptor_proto
    )
