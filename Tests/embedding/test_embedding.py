"""The library, from a package outside the repository."""

import pathlib
import re
import sqlite3

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 20


def call(channel, path, request=b"", **options):
    """A unary call of bytes."""
    method = channel.unary_unary(path, lambda message: message, lambda message: message)
    return method(request, timeout=SECONDS, **options)


def message(channel, name):
    """The class of a message that the server describes."""
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def test_the_program_in_the_readme_is_the_one_that_is_built():
    shown = re.search(r"```swift\n(import DatasyncServer\n.*?)```", (ROOT / "README.md").read_text(), re.S)
    built = (ROOT / "Tests/embedding/package/Sources/Shop/Shop.swift").read_text()
    assert shown and shown.group(1) == built
    assert len(built.splitlines()) <= 30


def test_a_server_of_ones_own_in_thirty_lines(start, tmp_path):
    """It serves a database that it makes, and a service of its own, and ends in order."""
    shop = start("Shop")
    with shop.channel() as channel:
        row = message(channel, "tables.Products")(id="ham", name="Ham")
        call(channel, "/tables.ProductsTable/Create", row.SerializeToString())
        assert call(channel, "/shop.v1.Mail/Send").startswith(b"sent by 127.0.0.1:")
    assert shop.stop() == 0, shop.errors
    rows = sqlite3.connect(tmp_path / "shop.db").execute("SELECT id, name FROM products")
    assert rows.fetchall() == [("ham", "Ham")]


@pytest.fixture
def lab(start, tmp_path):
    database = tmp_path / "lab.db"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER)")
    connection.close()
    return start("Lab", database, "127.0.0.1:0")


def test_methods_answer_refuse_and_fail(lab):
    with lab.channel() as channel:
        assert call(channel, "/lab.v1.Lab/Echo", b"x" * 100_000) == b"x" * 100_000
        answer = call(channel, "/lab.v1.Lab/Metadata", metadata=[("x", "of mine")])
        assert answer == b"/lab.v1.Lab/Metadata of mine"
        with pytest.raises(grpc.RpcError) as refused:
            call(channel, "/lab.v1.Lab/Refuse")
        assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert refused.value.details() == "not now"
        # What it threw is the operator's affair.
        with pytest.raises(grpc.RpcError) as broken:
            call(channel, "/lab.v1.Lab/Break")
        assert broken.value.code() == grpc.StatusCode.UNKNOWN
        assert "Broken" not in broken.value.details()
        with pytest.raises(grpc.RpcError) as unknown:
            call(channel, "/lab.v1.Lab/Nothing")
        assert unknown.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert any("Broken" in line for line in lab.errors)


def test_a_stream_comes_in_order_and_whole(lab):
    with lab.channel() as channel:
        count = channel.unary_stream("/lab.v1.Lab/Count", bytes, bytes)
        assert [int(m) for m in count(b"5000", timeout=SECONDS)] == list(range(5000))
        assert list(count(b"0", timeout=SECONDS)) == []


def test_who_does_not_take_is_waited_for_and_an_end_is_told(lab):
    """A method writes as much as the client takes, and hears that nobody listens any more."""
    with lab.channel() as channel:
        flood = channel.unary_stream("/lab.v1.Lab/Flood", bytes, bytes)(b"")
        for _ in range(3):
            next(flood)
        # Others are served meanwhile.
        for _ in range(20):
            assert call(channel, "/lab.v1.Lab/Echo", b"1") == b"1"
        flood.cancel()
        written = int(lab.line(r"flood ended after (\d+)").group(1))
        # What stands in windows and buffers, and no more.
        assert written < 2000
        sleep = channel.unary_unary("/lab.v1.Lab/Sleep", bytes, bytes)
        with pytest.raises(grpc.RpcError) as late:
            sleep(b"", timeout=0.3)
        assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        lab.line("asleep no more: CancellationError")


def test_reflection_and_health_know_the_service(lab):
    with lab.channel() as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = stub.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=SECONDS
        )
        names = {s.name for s in next(answers).list_services_response.service}
        assert {"lab.v1.Lab", "tables.ItemTable", "datasync.v1.Datasync"} <= names
        asked = b"\x0a" + bytes([len("lab.v1.Lab")]) + b"lab.v1.Lab"
        assert call(channel, "/grpc.health.v1.Health/Check", asked) == b"\x08\x01"


def test_it_ends_in_order_while_calls_run(lab):
    with lab.channel() as channel:
        call(channel, "/lab.v1.Lab/Echo", b"1")
        sleep = channel.unary_unary("/lab.v1.Lab/Sleep", bytes, bytes).future(b"")
        call(channel, "/lab.v1.Lab/Echo", b"1")
        assert lab.stop() == 0
        assert sleep.code() == grpc.StatusCode.UNAVAILABLE
    lab.line("asleep no more")
    lab.line("ended in order")


def test_what_cannot_start_says_why(start, tmp_path):
    nothing = start("Lab", tmp_path / "nothing.db", "127.0.0.1:0")
    reason = nothing.line("not started: (.*)").group(1)
    assert str(tmp_path / "nothing.db") in reason, reason
    open_to_all = start("Lab", tmp_path / "nothing.db", "0.0.0.0:0")
    assert "TLS" in open_to_all.line("not started: (.*)").group(1)
