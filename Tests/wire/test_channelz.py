"""channelz v1, asked by gRPC's own client: what the server says of itself and its connections."""

import ipaddress
import time

import pytest

channelz = pytest.importorskip("grpc_channelz.v1.channelz_pb2")
channelz_grpc = pytest.importorskip("grpc_channelz.v1.channelz_pb2_grpc")

import grpc  # noqa: E402

from grpc_wire import Client  # noqa: E402
from http2 import PING  # noqa: E402
from messages import testing  # noqa: E402
from server import Server  # noqa: E402

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"
DUPLEX = "/grpc.testing.TestService/FullDuplexCall"


@pytest.fixture
def stub(server):
    with grpc.insecure_channel(server.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield channelz_grpc.ChannelzStub(channel)


def the_server(stub):
    answer = stub.GetServers(channelz.GetServersRequest(), timeout=10)
    assert answer.end and len(answer.server) == 1
    return answer.server[0]


def sockets(stub, server_id):
    """All of them, two at a time."""
    found = []
    while True:
        answer = stub.GetServerSockets(channelz.GetServerSocketsRequest(
            server_id=server_id, start_socket_id=found[-1] + 1 if found else 0, max_results=2),
            timeout=10)
        ids = [ref.socket_id for ref in answer.socket_ref]
        assert len(ids) <= 2 and ids == sorted(ids)
        found += ids
        if answer.end:
            assert found == sorted(set(found))
            return found


def socket_of(stub, client, server_id):
    port = client.socket.getsockname()[1]
    for id in sockets(stub, server_id):
        socket = stub.GetSocket(channelz.GetSocketRequest(socket_id=id), timeout=10).socket
        if socket.remote.tcpip_address.port == port:
            return socket
    return None


def test_a_server_counts_its_calls(server, stub):
    before = the_server(stub)
    with Client(server.address) as client:
        for _ in range(3):
            assert client.open(EMPTY_CALL).send(b"", end=True).finish().status == 0
        bad = testing.StreamingOutputCallRequest(
            response_status=testing.EchoStatus(code=7)).SerializeToString()
        assert client.open(DUPLEX).send(bad, end=True).finish().status == 7
    after = stub.GetServer(
        channelz.GetServerRequest(server_id=before.ref.server_id), timeout=10).server
    # One for each question, too; the last one still runs.
    assert after.data.calls_started - before.data.calls_started == 5
    assert after.data.calls_succeeded - before.data.calls_succeeded == 4
    assert after.data.calls_failed - before.data.calls_failed == 1
    assert abs(after.data.last_call_started_timestamp.ToNanoseconds() / 1e9 - time.time()) < 5


def test_a_listening_socket_has_its_address(server, stub):
    [listener] = the_server(stub).listen_socket
    socket = stub.GetSocket(
        channelz.GetSocketRequest(socket_id=listener.socket_id), timeout=10).socket
    assert str(ipaddress.ip_address(socket.local.tcpip_address.ip_address)) == server.address[0]
    assert socket.local.tcpip_address.port == server.address[1]
    assert not socket.HasField("remote")


def test_a_socket_counts_its_streams_and_messages(server, stub):
    id = the_server(stub).ref.server_id
    with Client(server.address) as client:
        for _ in range(3):
            assert client.open(EMPTY_CALL).send(b"", end=True).finish().status == 0
        socket = socket_of(stub, client, id)
        assert socket.data.streams_started == socket.data.streams_succeeded == 3
        assert socket.data.messages_received == socket.data.messages_sent == 3
        assert socket.data.streams_failed == 0
        assert socket.data.keep_alives_sent == 0
        assert str(ipaddress.ip_address(socket.remote.tcpip_address.ip_address)) == "127.0.0.1"
        assert socket.local.tcpip_address.port == server.address[1]
        for moment in (socket.data.last_remote_stream_created_timestamp,
                       socket.data.last_message_sent_timestamp,
                       socket.data.last_message_received_timestamp):
            assert abs(moment.ToNanoseconds() / 1e9 - time.time()) < 5
        assert not socket.data.HasField("last_local_stream_created_timestamp")
        assert socket.data.local_flow_control_window.value > 65_535
        assert socket.data.remote_flow_control_window.value > 0
        port = client.socket.getsockname()[1]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(
            stub_port(stub, other) == port for other in sockets(stub, id)):
        time.sleep(0.05)
    assert all(stub_port(stub, other) != port for other in sockets(stub, id))


def test_streams_that_fail_and_keepalives_are_counted():
    server = Server.listening(keepalive_time="200ms", keepalive_timeout="60s")
    try:
        with grpc.insecure_channel(
                server.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = channelz_grpc.ChannelzStub(channel)
            id = the_server(stub).ref.server_id
            with Client(server.address) as client:
                assert client.open(EMPTY_CALL).send(b"", end=True).finish().status == 0
                call = client.open(DUPLEX)
                call.send(testing.StreamingOutputCallRequest(response_parameters=[
                    testing.ResponseParameters(size=1)]).SerializeToString())
                assert call.next_message() is not None
                client.reset(call.stream)
                for _ in range(2):
                    client.ping(client.wait_for(PING, timeout=10).payload, ack=True)
                data = socket_of(stub, client, id).data
                assert (data.streams_started, data.streams_succeeded, data.streams_failed) == (
                    2, 1, 1)
                assert data.keep_alives_sent >= 2
    finally:
        server.stop()


def stub_port(stub, id):
    try:
        return stub.GetSocket(
            channelz.GetSocketRequest(socket_id=id), timeout=10).socket.remote.tcpip_address.port
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.NOT_FOUND
        return None


def test_sockets_come_in_pages(server, stub):
    id = the_server(stub).ref.server_id
    clients = [Client(server.address) for _ in range(5)]
    try:
        for client in clients:
            assert client.open(EMPTY_CALL).send(b"", end=True).finish().status == 0
        assert len(sockets(stub, id)) >= 6
    finally:
        for client in clients:
            client.__exit__(None, None, None)


def test_pages_begin_where_they_are_told_to(server, stub):
    id = the_server(stub).ref.server_id

    def ask(**fields):
        return stub.GetServerSockets(
            channelz.GetServerSocketsRequest(server_id=id, **fields), timeout=10)

    clients = [Client(server.address) for _ in range(4)]
    try:
        for client in clients:
            assert client.open(EMPTY_CALL).send(b"", end=True).finish().status == 0
        ids = [ref.socket_id for ref in ask().socket_ref]
        assert len(ids) >= 5 and ask().end
        exact = ask(max_results=len(ids))
        assert [ref.socket_id for ref in exact.socket_ref] == ids and exact.end
        short = ask(max_results=len(ids) - 1)
        assert [ref.socket_id for ref in short.socket_ref] == ids[:-1] and not short.end
        # The id itself, or the next one after it.
        assert [ref.socket_id for ref in ask(start_socket_id=ids[2]).socket_ref] == ids[2:]
        assert [ref.socket_id for ref in ask(start_socket_id=ids[2] + 1).socket_ref] == ids[3:]
        none = ask(start_socket_id=ids[-1] + 1_000)
        assert not none.socket_ref and none.end
        with pytest.raises(grpc.RpcError) as error:
            ask(max_results=-1)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    finally:
        for client in clients:
            client.close()


def test_a_page_has_a_hundred_at_most():
    server = Server.listening()
    clients = [Client(server.address) for _ in range(130)]
    try:
        with grpc.insecure_channel(
                server.target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = channelz_grpc.ChannelzStub(channel)
            id = the_server(stub).ref.server_id
            for wanted in (0, 1_000):
                page = stub.GetServerSockets(channelz.GetServerSocketsRequest(
                    server_id=id, max_results=wanted), timeout=10)
                assert len(page.socket_ref) == 100 and not page.end
            assert len(sockets(stub, id)) >= 131
    finally:
        for client in clients:
            client.close()
        server.stop()


def test_there_are_no_channels(stub):
    answer = stub.GetTopChannels(channelz.GetTopChannelsRequest(), timeout=10)
    assert answer.end and not answer.channel
    assert the_server(stub).ref.server_id > 0
    assert not stub.GetServers(
        channelz.GetServersRequest(start_server_id=1 << 40), timeout=10).server


@pytest.mark.parametrize("method,request_", [
    ("GetChannel", channelz.GetChannelRequest(channel_id=1)),
    ("GetSubchannel", channelz.GetSubchannelRequest(subchannel_id=1)),
    ("GetSocket", channelz.GetSocketRequest(socket_id=1 << 40)),
    ("GetServer", channelz.GetServerRequest(server_id=1 << 40)),
    ("GetServerSockets", channelz.GetServerSocketsRequest(server_id=1 << 40)),
])
def test_what_is_not_there_is_not_found(stub, method, request_):
    with pytest.raises(grpc.RpcError) as error:
        getattr(stub, method)(request_, timeout=10)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
