"""`serve --web`: the session as a WebSocket, in JSON and in protobuf."""

import json
import socket
import struct

import h2.events
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from conftest import SCHEMAS
from server import Server, until
from test_access import Place
from test_web import DATASYNC, web_address

PATH = f"{DATASYNC}/Session"
JSON, PROTO = "datasync.v1+json", "datasync.v1+proto"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("socket") / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--web", "127.0.0.1:0", "--web-origin", "https://app.example.com",
        "--limit", "max_message_bytes=65536", "--limit", "keepalive_time=300ms",
        "--limit", "keepalive_timeout=700ms",
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def address(served):
    return web_address(served)


class Socket:
    """A session in JSON."""

    def __init__(self, address, protocol=JSON, **options):
        self.connecting = connect(
            f"ws://{address}{PATH}", subprotocols=[protocol], compression=None, open_timeout=20,
            max_size=None, ping_interval=None, **options)

    def __enter__(self):
        self.ws = self.connecting.__enter__()
        return self

    def __exit__(self, *_):
        self.connecting.__exit__(None, None, None)

    def send(self, **request):
        self.ws.send(json.dumps(request))

    def next(self):
        return json.loads(self.ws.recv(timeout=20))

    def ask(self, **request):
        self.send(**request)
        answer = self.next()
        assert answer["requestId"] == str(request["requestId"]), answer
        return answer

    def frame(self, opcode, data=b"", fin=True, masked=True):
        """As it is, past the client's own checks."""
        frame = Frame(opcode, data, fin).serialize(mask=masked)
        self.ws.socket.sendall(frame)

    def closed(self):
        """Code and reason of the server's close; what comes before it is let go."""
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                self.ws.recv(timeout=20)
        received = caught.value.rcvd
        return (received.code, received.reason) if received else (1006, "")


def note(**fields):
    return {"entity": {"@type": "type.googleapis.com/tables.Notes", **fields}}


# -- the session


def test_rows_are_written_read_and_seen_to_change_in_json(address):
    with Socket(address) as one, Socket(address) as two:
        two.send(requestId=1, subscribe={"table": "notes", "now": {}})
        assert "checkpoint" in two.next()["event"]
        row = one.ask(requestId=1, create=note(title="Bréad"))["write"]["entity"]
        assert one.ask(requestId=2, get={"table": "notes", "id": row["id"]})["get"]["entity"] == row
        event = two.next()
        assert event["event"]["change"]["entity"] == row, event


def test_protobuf_is_the_contract_as_it_is(served, address):
    contract = served.contract
    request = contract.class_of("datasync.v1.SessionRequest")
    response = contract.class_of("datasync.v1.SessionResponse")
    with Socket(address, PROTO) as session:
        message = request(request_id=7)
        message.describe.SetInParent()
        # In fragments, a ping between them.
        data = message.SerializeToString()
        session.frame(Opcode.BINARY, data[:1], fin=False)
        session.frame(Opcode.PING, b"?")
        session.frame(Opcode.CONT, b"", fin=False)
        session.frame(Opcode.CONT, data[1:])
        answer = response.FromString(session.ws.recv(timeout=20))
        assert answer.request_id == 7 and answer.describe.tables


def test_a_bad_request_is_answered_under_its_id_and_the_session_goes_on(address):
    with Socket(address) as session:
        for body, path in (({"create": note(nope=1)}, "create.entity.nope"), ({"no": 1}, "no")):
            status = session.ask(requestId=5, **body)["status"]
            assert status["code"] == 3 and status["message"].startswith(path), status
            assert status["details"][0]["reason"] == "MALFORMED_MESSAGE"
        session.ws.send("{")
        assert session.next()["status"]["code"] == 3
        assert "get" not in session.ask(requestId=6, get={"table": "notes", "id": "none"})


def test_a_slow_reader_is_waited_for(address):
    body = "x" * 1000
    with Socket(address) as session:
        for number in range(1, 51):
            writes = [{"create": note(title="slow", body=body)} for _ in range(40)]
            session.ask(requestId=number, commit={"writes": writes})
        with Socket(address) as reader:
            reader.send(requestId=1, subscribe={"table": "notes", "filter": "title eq 'slow'"})
            changes = 0
            while True:
                event = reader.next()["event"]
                if event.get("checkpoint", {}).get("current"):
                    break
                changes += "change" in event
            assert changes == 2000


# -- over HTTP/2


class Link:
    """Extended CONNECT on a connection of HTTP/2, as RFC 8441 has it."""

    def __init__(self, address, *fields, path=PATH, protocol="websocket"):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.connection = H2Connection(H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False))
        self.connection.initiate_connection()
        self.data, self.fields, self.has_ended = b"", None, False
        self.until(lambda: self.connection.remote_settings.enable_connect_protocol)
        self.connection.send_headers(1, [
            (":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"),
            (":authority", address), (":path", path), ("sec-websocket-version", "13"), *fields])
        self.until(lambda: self.fields)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def until(self, condition):
        self.socket.sendall(self.connection.data_to_send())
        while not condition():
            assert not self.has_ended, "the stream has ended"
            received = self.socket.recv(65536)
            assert received, "the connection was closed"
            for event in self.connection.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    self.fields = dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    self.data += event.data
                    self.connection.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    self.has_ended = True
                elif isinstance(event, h2.events.StreamReset):
                    assert self.has_ended, f"reset with {event.error_code}"
                else:
                    assert not isinstance(event, h2.events.ConnectionTerminated), event
            self.socket.sendall(self.connection.data_to_send())

    def send(self, opcode, data, **options):
        self.connection.send_data(1, Frame(opcode, data, **options).serialize(mask=True))
        self.socket.sendall(self.connection.data_to_send())

    def frame(self):
        """The next one of less than 64 KiB."""
        self.until(lambda: len(self.data) >= 4)
        length, start = self.data[1], 2
        if length == 126:
            length, start = struct.unpack(">H", self.data[2:4])[0], 4
        self.until(lambda: len(self.data) >= start + length)
        opcode, payload = self.data[0], self.data[start:start + length]
        self.data = self.data[start + length:]
        return opcode, payload


def test_a_session_over_http2(address):
    with Link(address, ("sec-websocket-protocol", f"chat, {JSON}")) as link:
        assert link.fields[":status"] == "200"
        assert link.fields["sec-websocket-protocol"] == JSON
        assert "content-length" not in link.fields
        for number in (1, 2):
            request = {"requestId": number, "create": note(title="of HTTP/2")}
            link.send(Opcode.TEXT, json.dumps(request).encode())
            opcode, payload = link.frame()
            assert opcode == 0x81 and json.loads(payload)["requestId"] == str(number), payload
        link.send(Opcode.CLOSE, struct.pack(">H", 1000))
        assert link.frame() == (0x88, struct.pack(">H", 1000))
        link.until(lambda: link.has_ended)


def test_a_bad_frame_over_http2_leaves_the_connection_as_it_was(address):
    with Link(address, ("sec-websocket-protocol", JSON)) as link:
        link.send(Opcode.BINARY, b"{}")
        opcode, payload = link.frame()
        assert opcode == 0x88 and struct.unpack(">H", payload[:2])[0] == 1003
        link.until(lambda: link.has_ended)
        link.fields, link.has_ended = None, False
        link.connection.send_headers(3, [
            (":method", "GET"), (":scheme", "http"), (":authority", address), (":path", "/")],
            end_stream=True)
        link.until(lambda: link.fields)
        assert link.fields[":status"] == "200"


def test_answers_that_nobody_reads_stop_the_requests(tmp_path):
    """They are not held without bound: the client is not read from, and all is answered in the end."""
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach", "--web", "127.0.0.1:0",
        "--limit", "max_buffered_bytes_per_connection=400KiB",
    ).start()
    count = 1200
    with Link(web_address(server), ("sec-websocket-protocol", JSON)) as link:
        for number in range(1, count + 1):
            link.send(Opcode.TEXT, json.dumps({"requestId": number, "x" * 70: 1}).encode())
        for number in range(1, count + 1):
            opcode, payload = link.frame()
            assert opcode == 0x81, (number, payload)
            assert json.loads(payload)["requestId"] == str(number)
    server.stop()


@pytest.mark.parametrize("fields, options, status", [
    ((), {}, "400"),
    ((("sec-websocket-protocol", JSON), ("origin", "https://evil.example")), {}, "403"),
])
def test_only_a_proper_opening_opens_over_http2(address, fields, options, status):
    with Link(address, *fields, **options) as link:
        assert link.fields[":status"] == status


# -- opening


def handshake(address, *fields, path=PATH, method="GET"):
    """The status of a request that is no, or no proper, opening."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        head = [f"{method} {path} HTTP/1.1", f"Host: {address}", "Content-Length: 0", *fields]
        line.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        return int(line.makefile("rb").readline().split()[1])


GOOD = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", f"Sec-WebSocket-Protocol: {JSON}")


@pytest.mark.parametrize("fields, status", [
    (GOOD, 101),
    (GOOD[:4], 400),
    ((*GOOD[:4], "Sec-WebSocket-Protocol: chat"), 400),
    ((*GOOD[:3], "Sec-WebSocket-Key: short", GOOD[4]), 400),
    ((*GOOD[:2], "Sec-WebSocket-Version: 12", *GOOD[3:]), 426),
    (GOOD[1:], 426),
    (("Connection: Upgrade", "Upgrade: h2c", *GOOD[2:]), 426),
    ((*GOOD, "Origin: https://evil.example"), 403),
    ((*GOOD, "Origin: null"), 403),
    ((*GOOD, "Origin: https://app.example.com"), 101),
])
def test_only_a_proper_opening_opens(address, fields, status):
    assert handshake(address, *fields) == status


def test_upgrade_is_ignored_elsewhere(address):
    assert handshake(address, *GOOD, path="/") == 200
    assert handshake(address, *GOOD, path=f"{DATASYNC}/Describe") != 101


def test_the_first_subprotocol_that_is_known_is_taken(address):
    with connect(f"ws://{address}{PATH}", subprotocols=["chat", PROTO, JSON]) as ws:
        assert ws.subprotocol == PROTO
        assert ws.response.headers.get("sec-websocket-extensions") is None


# -- closing


@pytest.mark.parametrize("opcode, data, masked, code", [
    (Opcode.TEXT, b"\xff", True, 1007), (Opcode.BINARY, b"{}", True, 1003),
    (Opcode.TEXT, b"{}", False, 1002), (Opcode.CONT, b"{}", True, 1002),
    (Opcode.TEXT, b" " * 70_000, True, 1009),
])
def test_bad_frames_close_with_their_code(address, opcode, data, masked, code):
    with Socket(address) as session:
        session.frame(opcode, data, masked=masked)
        assert session.closed()[0] == code


def test_fragments_without_end_are_refused(address):
    with Socket(address) as session:
        session.frame(Opcode.TEXT, b"{", fin=False)
        for _ in range(17):
            session.frame(Opcode.CONT, b"", fin=False)
        assert session.closed()[0] == 1002
    with Socket(address) as session:
        session.frame(Opcode.TEXT, b"{", fin=False)
        for _ in range(66):
            session.frame(Opcode.CONT, b" " * 1000, fin=False)
        assert session.closed()[0] == 1009


def test_over_sixty_pings_a_minute_are_too_many(address):
    with Socket(address) as session:
        for _ in range(60):
            session.frame(Opcode.PING)
        assert "status" in session.ask(requestId=1, get={"table": "notes", "id": "none"})
        for _ in range(10):
            session.frame(Opcode.PING)
        assert session.closed()[0] == 4008


def test_a_close_by_the_client_is_answered_and_cancels_what_runs(tmp_path):
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach", "--web", "127.0.0.1:0",
        "--limit", "max_sessions_per_address=1",
    ).start()
    address = web_address(server)
    with Socket(address) as session:
        session.ask(requestId=1, get={"table": "notes", "id": "none"})
        with Socket(address) as other:
            assert other.closed()[0] == 4008
        session.frame(Opcode.CLOSE, struct.pack(">H", 4321) + b"bye")
        assert session.closed()[0] == 4321

    def is_admitted():
        with Socket(address) as other:
            other.send(requestId=1, get={"table": "notes", "id": "none"})
            try:
                return "status" in other.next()
            except ConnectionClosed:
                return False

    until(is_admitted, message="the session that was closed is counted still")
    server.stop()


def test_a_quiet_client_is_asked_whether_it_is_there(address):
    with Socket(address) as alive:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=20) as dead:
            head = [f"GET {PATH} HTTP/1.1", f"Host: {address}", *GOOD]
            dead.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            received = b""
            # A ping, and then the end without a word.
            for data in iter(lambda: dead.recv(4096), b""):
                received += data
            assert received.split(b"\r\n\r\n", 1)[1] == b"\x89\x00", received
        # It answers pings by itself.
        assert "status" in alive.ask(requestId=1, get={"table": "notes", "id": "none"})


def test_draining_closes_with_4014(tmp_path):
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach", "--web", "127.0.0.1:0",
        "--limit", "drain_grace=300ms",
    ).start()
    with Socket(web_address(server)) as session:
        session.ask(requestId=1, get={"table": "notes", "id": "none"})
        server.process.terminate()
        assert session.next()["notice"]["kind"] == "SERVER_DRAINING"
        code, reason = session.closed()
        assert code == 4014 and "shutting down" in reason
    until(lambda: server.process.poll() is not None, message="the server has not ended")


# -- credentials


def test_credentials_come_with_the_opening_or_in_the_session(tmp_path):
    place = Place(tmp_path, options=("--web", "127.0.0.1:0"))
    address = web_address(place.server)
    create = {"entity": {"@type": "type.googleapis.com/tables.TodoItems", "title": "a"}}
    token = place.tokens["alice"]
    with Socket(address, additional_headers={"Authorization": f"Bearer {token}"}) as session:
        assert "write" in session.ask(requestId=1, create=create)
    with Socket(address) as session:
        status = session.ask(requestId=1, create=create)["status"]
        assert status["details"][0]["reason"] == "CREDENTIALS_REQUIRED"
        assert "authenticate" in session.ask(requestId=2, authenticate={"token": token})
        assert "write" in session.ask(requestId=3, create=create)
    with pytest.raises(InvalidStatus) as caught:
        with Socket(address, additional_headers={"Authorization": "Bearer nonsense"}):
            pass
    assert caught.value.response.status_code == 401
    assert caught.value.response.headers["www-authenticate"] == "Bearer"
    place.server.stop()
