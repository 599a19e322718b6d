"""`serve --web` over HTTP/1.1: the same calls as over HTTP/2, and what only HTTP/1.1 can get wrong."""

import json
import socket
import ssl

import pytest
from websockets.sync.client import connect

from conftest import SCHEMAS
from server import Server, until
from test_tls import certificates  # noqa: F401  (a fixture)
from test_web import DATASYNC, Web, web_address
from web_stream import framed

EMPTY = {"table": "notes", "id": "none"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    server = Server(
        tmp_path_factory.mktemp("http1") / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--web", "127.0.0.1:0", "--limit", "header_timeout=500ms",
        "--limit", "max_message_bytes=65536", "--limit", "body_idle_timeout=1s",
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def address(served):
    return web_address(served)


class Line:
    """One connection, byte by byte."""

    def __init__(self, address, secure=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        if secure:
            self.socket = secure.wrap_socket(self.socket, server_hostname=host)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def head(self):
        """Status and fields of the next answer."""
        status = int(self.file.readline().split()[1])
        fields = {}
        for line in iter(self.file.readline, b"\r\n"):
            assert line.endswith(b"\r\n"), line
            name, value = line.decode().rstrip("\r\n").split(": ", 1)
            fields[name] = value
        return status, fields

    def answer(self, has_body=True):
        """Status, fields and body of the next answer."""
        status, fields = self.head()
        if not has_body:
            return status, fields, b""
        if fields.get("transfer-encoding") == "chunked":
            body = b"".join(iter(self.chunk, b""))
        else:
            body = self.file.read(int(fields.get("content-length", 0)))
        return status, fields, body

    def chunk(self):
        size = int(self.file.readline(), 16)
        data = self.file.read(size)
        assert self.file.read(2) == b"\r\n"
        return data

    def is_ended(self):
        return self.file.read() == b""


def post(path, body, *fields, version="1.1"):
    lines = [
        f"POST {DATASYNC}/{path} HTTP/{version}", "Host: 127.0.0.1",
        "Content-Type: application/json", *fields]
    if not any(line.lower().startswith("transfer-encoding") for line in fields):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines) + "\r\n\r\n" + body


# -- calls


def test_a_call_is_the_same_as_over_http2(address):
    entity = {"@type": "type.googleapis.com/tables.Notes", "title": "Bréad"}
    one = Web(address, "--http1.1").post(f"{DATASYNC}/Create", {"entity": entity})
    two = Web(address).post(f"{DATASYNC}/Create", {"entity": entity})
    assert one.status == two.status == 200
    ignored = {"content-length"}
    assert ({k: v for k, v in one.fields.items() if k not in ignored}
            == {k: v for k, v in two.fields.items() if k not in ignored})
    row = one.json["entity"]
    got = Web(address, "--http1.1").post(f"{DATASYNC}/Get", {"table": "notes", "id": row["id"]})
    assert got.json["entity"] == row


def test_errors_and_unknown_paths_leave_the_connection_as_it_was(address):
    with Line(address) as line:
        for _ in range(3):
            line.send(post("Get", json.dumps(EMPTY)))
            status, fields, body = line.answer()
            assert (status, json.loads(body)["code"]) == (404, "not_found")
            assert "connection" not in fields
            line.send("GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert line.answer()[0] == 404


def test_pipelined_requests_are_answered_in_order(address):
    with Line(address) as line:
        line.send("".join(post("Get", json.dumps({"table": "notes", "id": f"n{i}"}))
                          for i in range(100)))
        for i in range(100):
            status, _, body = line.answer()
            assert status == 404 and f"n{i}" in json.loads(body)["message"], (i, body)


def test_a_body_may_come_in_chunks(address):
    text = json.dumps(EMPTY)
    chunks = f"5;a=b\r\n{text[:5]}\r\n{len(text) - 5:x}\r\n{text[5:]}\r\n0\r\nX: y\r\n\r\n"
    with Line(address) as line:
        for _ in range(2):
            for byte in post("Get", chunks, "Transfer-Encoding: chunked").encode():
                line.send(bytes([byte]))
            assert line.answer()[0] == 404


def test_a_client_may_wait_before_it_sends_the_body(address):
    text = json.dumps(EMPTY)
    with Line(address) as line:
        line.send(post("Get", text, "Expect: 100-continue").removesuffix(text))
        assert line.answer(has_body=False)[0] == 100
        line.send(text)
        assert line.answer()[0] == 404


@pytest.mark.parametrize("fields, status", [
    ((f"POST {DATASYNC}/Nothing HTTP/1.1", "Host: 127.0.0.1"), 404),
    ((f"POST {DATASYNC}/Get HTTP/1.1", "Host: 127.0.0.1", "Origin: https://evil.example"), 403),
    ((f"POST {DATASYNC}/Get HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"), 429),
])
def test_who_asks_first_is_refused_before_he_sends_a_body(address, fields, status):
    with Line(address) as line:
        line.send("\r\n".join([*fields, "Content-Length: 100000000", "Expect: 100-continue", "", ""]))
        assert line.answer()[0] == status
        # What may follow is no request, since the body may.
        assert line.is_ended()


def test_a_body_that_nobody_wants_and_that_does_not_end_is_answered(address):
    with Line(address) as line:
        line.send(f"POST {DATASYNC}/Nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(40):
            line.send(b"x" * 65536)
        assert line.answer()[0] == 404


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_who_ends_his_side_behind_requests_is_answered(address, version):
    body = json.dumps(EMPTY)
    with Line(address) as line:
        count = 2 if version == "1.1" else 1
        line.send(post("Get", body, version=version) * count)
        line.socket.shutdown(socket.SHUT_WR)
        for _ in range(count):
            assert line.answer()[0] == 404
        assert line.is_ended()
    for cut in (post("Get", body)[:-4], "GET / HT", ""):
        with Line(address) as line:
            line.send(cut)
            line.socket.shutdown(socket.SHUT_WR)
            assert line.is_ended()


def test_empty_lines_before_a_request_are_borne_to_a_point(address):
    with Line(address) as line:
        line.send("\r\n" * 4 + post("Get", json.dumps(EMPTY)))
        assert line.answer()[0] == 404
        line.send("\r\n" * 20)
        assert line.answer()[0] == 400
        assert line.is_ended()


def test_http10_has_calls_and_pages(address):
    with Line(address) as line:
        line.send(post("Get", json.dumps(EMPTY), "Connection: keep-alive", version="1.0"))
        status, fields, body = line.answer()
        assert (status, fields["connection"]) == (404, "keep-alive")
        assert int(fields["content-length"]) == len(body)
        line.send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
        status, fields, body = line.answer()
        assert (status, fields["connection"]) == (200, "close") and b"<html" in body
        assert line.is_ended()


def test_a_stream_of_the_server_comes_in_chunks(address):
    request = framed({"table": "notes", "now": {}})
    with Line(address) as line:
        head = post("Subscribe", request.decode("latin-1")).replace(
            "application/json", "application/connect+json")
        line.send(head.encode("latin-1"))
        status, fields = line.head()
        assert (status, fields["transfer-encoding"]) == (200, "chunked")
        assert b"checkpoint" in line.chunk()
        entity = {"@type": "type.googleapis.com/tables.Notes", "title": "chunked"}
        Web(address, "--http1.1").post(f"{DATASYNC}/Create", {"entity": entity})
        assert b"chunked" in line.chunk()


def test_a_stream_that_ends_leaves_the_connection_as_it_was(address):
    request = framed({"table": "notes", "filter": "title eq ''", "once": True}).decode("latin-1")
    with Line(address) as line:
        for _ in range(2):
            head = post("Subscribe", request).replace(
                "application/json", "application/connect+json")
            line.send(head.encode("latin-1"))
            status, _, body = line.answer()
            assert status == 200 and body.endswith(framed({}, flags=2)), body


def test_grpc_web_has_its_trailers_in_the_body(address):
    kind = "application/grpc-web+json"
    request = framed(EMPTY).decode("latin-1")
    with Line(address) as line:
        for _ in range(2):
            line.send(post("Get", request).replace("application/json", kind).encode("latin-1"))
            status, fields, body = line.answer()
            assert (status, fields["content-type"]) == (200, kind)
            assert body[0] == 0x80 and b"grpc-status: 5" in body


@pytest.mark.parametrize("path, version", [("Session", "1.1"), ("Subscribe", "1.0")])
def test_streams_that_this_http_has_not_are_refused(address, path, version):
    with Line(address) as line:
        line.send(post(path, "", version=version).replace(
            "application/json", "application/connect+json"))
        assert line.answer()[0] == 505


def test_head_has_no_body(address):
    with Line(address) as line:
        line.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        lengths = {int(line.answer(has_body=False)[1]["content-length"]) for _ in range(2)}
        assert len(lengths) == 1 and lengths.pop() > 0


def test_close_is_obeyed(address):
    with Line(address) as line:
        line.send(post("Get", json.dumps(EMPTY), "Connection: close"))
        assert line.answer()[1]["connection"] == "close"
        assert line.is_ended()


def test_grpc_is_told_what_it_needs(address):
    with Line(address) as line:
        line.send("POST /datasync.v1.Datasync/Get HTTP/1.1\r\nHost: h.localhost\r\n"
                  "Host: localhost\r\n\r\n")
        assert line.answer()[0] == 400
    with Line(address) as line:
        line.send("POST /datasync.v1.Datasync/Get HTTP/1.1\r\nHost: localhost\r\n"
                  "Content-Type: application/grpc\r\nContent-Length: 0\r\n\r\n")
        status, _, body = line.answer()
        assert status == 505 and b"HTTP/2" in body


def test_tls_has_both(tmp_path, certificates):  # noqa: F811
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach", "--web", "127.0.0.1:0",
        "--tls-cert", certificates / "server.pem", "--tls-key", certificates / "server.key",
    ).start()
    try:
        for offered, agreed in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "h2"), ([], None)):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if offered:
                context.set_alpn_protocols(offered)
            with Line(web_address(server), context) as line:
                assert line.socket.selected_alpn_protocol() == agreed
                if agreed != "h2":
                    line.send(post("Get", json.dumps(EMPTY)))
                    assert line.answer()[0] == 404
        context.set_alpn_protocols(["http/1.1"])
        with connect(f"wss://{web_address(server)}{DATASYNC}/Session", ssl=context,
                     subprotocols=["datasync.v1+json"]) as ws:
            ws.send(json.dumps({"requestId": 1, "get": EMPTY}))
            assert "status" in json.loads(ws.recv(timeout=20))
    finally:
        server.stop()


# -- what clients should not send


@pytest.mark.parametrize("fields, status", [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
    ("Content-Length: 5\r\nContent-Length: 6", 400),
    ("Transfer-Encoding: gzip, chunked", 501),
    ("Transfer-Encoding : chunked", 400),
    ("X: a\r\n b", 400),
    ("X: a\nY: b", 400),
    ("Host: other", 400),
    ("X: " + "a" * 17_000, 431),
    ("X: a\r\n" * 129 + "Y: b", 431),
    ("Expect: wonders", 417),
])
def test_a_request_that_can_be_read_in_two_ways_ends_the_connection(address, fields, status):
    hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Line(address) as line:
        line.send(f"POST {DATASYNC}/Get HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n{hidden}")
        code, answer, _ = line.answer()
        assert (code, answer["connection"]) == (status, "close")
        assert line.is_ended(), "more than one answer"


@pytest.mark.parametrize("chunks", ["x\r\n", "5\r\nhello!\r\n", "1\nx\n0\n\n", "1;" + "a" * 300])
def test_bad_chunks_end_the_connection(address, chunks):
    with Line(address) as line:
        line.send(post("Get", chunks, "Transfer-Encoding: chunked"))
        assert line.answer()[0] == 400
        assert line.is_ended()


def test_a_long_url_and_another_version_are_told(address):
    for first, status in ((f"GET /{'a' * 9000} HTTP/1.1", 414), ("GET / HTTP/3.0", 505),
                          ("nonsense", 400)):
        with Line(address) as line:
            line.send(f"{first}\r\nHost: localhost\r\n\r\n")
            assert line.answer()[0] == status
            assert line.is_ended()


def test_a_slow_head_and_a_slow_body_are_given_up(address):
    with Line(address) as slow, Line(address) as stuck:
        slow.send("GET / HTTP/1.1\r\nHost: local")
        stuck.send(post("Get", "{").replace("Content-Length: 1", "Content-Length: 2"))
        assert slow.answer()[0] == 408 and slow.is_ended()
        assert stuck.answer()[0] == 408 and stuck.is_ended()


def test_a_body_over_the_limit_is_refused(address):
    with Line(address) as line:
        line.send(post("Get", json.dumps({"table": "x" * 70_000})))
        status, _, body = line.answer()
        assert status == 429 and b"max_message_bytes" in body


# -- the end


def test_draining_ends_what_is_idle_and_what_is_answered(tmp_path):
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach", "--web", "127.0.0.1:0",
    ).start()
    address = web_address(server)
    with Line(address) as idle, Line(address) as busy:
        idle.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        idle.answer(has_body=False)
        text = json.dumps(EMPTY)
        busy.send(post("Get", text, "Expect: 100-continue").removesuffix(text))
        assert busy.answer(has_body=False)[0] == 100
        server.process.terminate()
        assert idle.is_ended()
        busy.send(text)
        status, fields, _ = busy.answer()
        assert (status, fields["connection"]) == (404, "close") and busy.is_ended()
    until(lambda: server.process.poll() is not None, message="the server has not ended")
    assert server.process.returncode == 0
