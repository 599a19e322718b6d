"""channelz v1, asked by gRPC's own client: what the server says of itself and its connections."""

import ipaddress
import time

import pytest

channelz = pytest.importorskip("grpc_channelz.v1.channelz_pb2")
channelz_grpc = pytest.importorskip("grpc_channelz.v1.channelz_pb2_grpc")

import grpc  # noqa: E402

from grpc_wire import Client, frame_message  # noqa: E402
from messages import testing  # noqa: E402

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
