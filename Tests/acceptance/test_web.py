"""`serve --web`: Connect's unary calls, in JSON and in protobuf, on the same methods as gRPC."""

import base64
import concurrent.futures
import gzip
import json
import re
import shlex
import shutil
import socket
import subprocess
import urllib.parse

import grpc
import h2.events
import pytest
from h2.connection import H2Connection

from conftest import SCHEMAS
from server import ROOT, Server, binary, run, until
from test_tls import certificates  # noqa: F401  (a fixture)

WEB_READY = re.compile(r"^datasync web listening on (\S+:\d+)$")
DATASYNC = "/datasync.v1.Datasync"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl asks")


def web_address(server):
    def found():
        return next((m[1] for m in map(WEB_READY.match, server.output) if m), None)

    return until(found, message=f"no line for the web: {server.output}")


class Answer:
    def __init__(self, output):
        head, self.body = output.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = dict(line.split(": ", 1) for line in lines[1:])

    @property
    def json(self):
        return json.loads(self.body)

    def refused(self, status, code):
        """The error, which has this status and this code."""
        assert (self.status, self.json["code"]) == (status, code), (self.status, self.body)
        assert self.fields["content-type"] == "application/json"
        return self.json


class Web:
    """What curl gets from a web listener."""

    def __init__(self, address, *options, scheme="http"):
        self.url = f"{scheme}://{address}"
        self.options = options or ("--http2-prior-knowledge",)

    def curl(self, path, *options, body=None):
        result = subprocess.run(
            ["curl", "-sS", "-i", "--max-time", "20", *self.options, *options, self.url + path],
            input=body, capture_output=True, timeout=30,
        )
        assert result.returncode == 0, result.stderr
        return Answer(result.stdout)

    def post(self, path, body, kind="application/json", *fields):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = [option for field in fields for option in ("-H", field)]
        return self.curl(
            path, "-H", f"content-type: {kind}", *headers, "--data-binary", "@-", body=body)

    def get(self, path, *fields, **query):
        headers = [option for field in fields for option in ("-H", field)]
        return self.curl(f"{path}?{urllib.parse.urlencode(query)}", *headers)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "shop.db"
    server = Server(
        path, "--schema", SCHEMAS / "shop.sql", "--attach", "--web", "127.0.0.1:0",
        "--limit", "max_message_bytes=65536", "--web-origin", "https://app.example.com",
        "--web-host", "pears.local",
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def web(served):
    return Web(web_address(served))


def note(web, **fields):
    entity = {"@type": "type.googleapis.com/tables.Notes", **fields}
    answer = web.post(f"{DATASYNC}/Create", {"entity": entity})
    assert answer.status == 200, answer.body
    return answer.json["entity"]


# -- calls


def test_a_row_is_created_and_read_in_json(web, served):
    created = note(web, title="Bréad", stars=4)
    assert created["title"] == "Bréad" and created["stars"] == "4"
    answer = web.post(f"{DATASYNC}/Get", {"table": "notes", "id": created["id"]})
    assert answer.status == 200 and answer.json["entity"] == created
    assert answer.fields["content-type"] == "application/json"
    assert answer.fields["content-length"] == str(len(answer.body))
    assert answer.fields["cache-control"] == "no-store"
    assert answer.fields["x-content-type-options"] == "nosniff"
    assert answer.fields["vary"] == "Origin"
    row = served.typed("NotesTable", "Get", id=created["id"])
    assert row.title == "Bréad"


def test_a_typed_method_tells_its_sequence_as_a_trailer(web):
    answer = web.post("/tables.NotesTable/Create", {"title": "typed"})
    assert answer.status == 200 and answer.json["title"] == "typed"
    assert answer.fields["trailer-datasync-sequence"] == answer.json["version"]


def test_protobuf_in_and_out(web, served):
    Row = served.contract.class_of("tables.Notes")
    answer = web.post(
        "/tables.NotesTable/Create", Row(title="binary").SerializeToString(), "application/proto")
    assert answer.status == 200 and answer.fields["content-type"] == "application/proto"
    assert Row.FromString(answer.body).title == "binary"


@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["", "="])
def test_what_has_no_side_effects_is_asked_for_with_get(web, alphabet, padding):
    created = note(web, title="get ???>>>")
    message = json.dumps({"table": "notes", "id": created["id"]})
    answer = web.get(f"{DATASYNC}/Get", connect="v1", encoding="json", message=message)
    assert answer.status == 200 and answer.json["entity"] == created
    text = alphabet(message.encode()).decode().rstrip("=")
    text += padding * (-len(text) % 4)
    answer = web.get(f"{DATASYNC}/Get", encoding="json", base64=1, message=text)
    assert answer.status == 200 and answer.json["entity"] == created


def test_get_without_what_it_needs(web):
    answer = web.get(f"{DATASYNC}/Describe", message="{}")
    assert answer.status == 415 and "accept-post" in answer.fields
    web.get(f"{DATASYNC}/Describe", encoding="json").refused(400, "invalid_argument")
    web.get(f"{DATASYNC}/Describe", encoding="json", base64=1, message="{}").refused(
        400, "invalid_argument")
    web.get(f"{DATASYNC}/Describe", encoding="json", connect="v2", message="{}").refused(
        400, "invalid_argument")
    answer = web.get(f"{DATASYNC}/Create", encoding="json", message="{}")
    assert answer.status == 405 and answer.fields["allow"] == "POST"


def test_bodies_and_answers_are_compressed(web):
    big = "x" * 5000
    body = gzip.compress(json.dumps({"title": "zip", "body": big}).encode())
    answer = web.post(
        "/tables.NotesTable/Create", body, "application/json", "content-encoding: gzip",
        "accept-encoding: br, gzip;q=0.5")
    assert answer.status == 200 and answer.fields["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.body))["body"] == big
    row = {"title": "plain", "body": big}
    answer = web.post(
        "/tables.NotesTable/Create", row, "application/json", "accept-encoding: gzip;q=0")
    assert "content-encoding" not in answer.fields and answer.json["body"] == big
    error = web.post(
        f"{DATASYNC}/Describe", {}, "application/json", "content-encoding: br"
    ).refused(501, "unimplemented")
    assert "gzip" in error["message"] and "identity" in error["message"]
    web.post(
        f"{DATASYNC}/Describe", b"no gzip", "application/json", "content-encoding: gzip"
    ).refused(400, "invalid_argument")


def test_descriptors_say_what_has_no_side_effects(served):
    for service, names in (
        ("datasync.v1.Datasync", {"Get", "Query", "Changes", "Describe"}),
        ("tables.NotesTable", {"Get", "Query"}),
    ):
        methods = served.contract.pool.FindServiceByName(service).methods_by_name
        assert {n for n, m in methods.items() if m.GetOptions().idempotency_level == 1} == names
    assert run("proto", served.database).stdout.count("idempotency_level = NO_SIDE_EFFECTS") >= 2


def test_many_calls_at_once_are_all_answered(web):
    """All in one piece, more of them than a turn takes."""
    body = gzip.compress(json.dumps({"title": "many", "body": " " * 20_000}).encode())
    host, port = web.url.removeprefix("http://").split(":")
    connection = H2Connection()
    connection.initiate_connection()
    count = 100
    for stream in range(1, 2 * count, 2):
        connection.send_headers(stream, [
            (":method", "POST"), (":scheme", "http"), (":authority", f"{host}:{port}"),
            (":path", "/tables.NotesTable/Create"), ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ])
        connection.send_data(stream, body, end_stream=True)
    statuses, ended = {}, set()
    with socket.create_connection((host, int(port)), timeout=30) as link:
        link.sendall(connection.data_to_send())
        while len(ended) < count:
            data = link.recv(65536)
            assert data, "the connection was closed"
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    statuses[event.stream_id] = dict(event.headers)[b":status"]
                elif isinstance(event, h2.events.DataReceived):
                    connection.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
            link.sendall(connection.data_to_send())
    assert set(statuses.values()) == {b"200"} and len(statuses) == count


def test_large_answers_are_whole(tmp_path):
    """They are written beside the event loop, and several at once."""
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--web", "127.0.0.1:0", "--loops", "1").start()
    try:
        web = Web(web_address(server))
        body = "".join(f"{number} é\n" for number in range(35_000))
        id = note(web, body=body)["id"]
        Row = server.contract.class_of("tables.Notes")
        method = server.contract.method("tables.NotesTable", "Get")
        Get = server.contract.class_of(method.input_type.full_name)

        def ask(codec, encoding):
            is_json = codec == "json"
            answer = web.post(
                "/tables.NotesTable/Get",
                {"id": id} if is_json else Get(id=id).SerializeToString(),
                f"application/{codec}", f"accept-encoding: {encoding}")
            assert answer.status == 200 and answer.fields["content-type"] == f"application/{codec}"
            assert answer.fields.get("content-encoding", "identity") == encoding
            data = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
            return json.loads(data)["body"] if is_json else Row.FromString(data).body

        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            found = threads.map(
                ask, ["json", "json", "proto", "proto"] * 2, ["gzip", "identity"] * 4)
            assert all(text == body for text in found)
    finally:
        server.stop()


# -- errors


def test_an_error_is_json_with_its_details(web):
    error = web.post(f"{DATASYNC}/Get", {"table": "nots", "id": "a"}).refused(404, "not_found")
    info = error["details"][0]
    assert info["type"] == "google.rpc.ErrorInfo"
    assert info["debug"]["reason"] == "TABLE_NOT_FOUND" and "=" not in info["value"]
    assert b"TABLE_NOT_FOUND" in base64.b64decode(info["value"] + "==")


def test_a_conflict_holds_the_row(web):
    created = note(web, title="first")
    request = {"row": {"id": created["id"], "title": "x"}, "ifVersion": "1"}
    error = web.post("/tables.NotesTable/Replace", request)
    assert error.status in (400, 409), error.body
    assert any(detail["debug"] for detail in error.json["details"])


@pytest.mark.parametrize("body, words", [
    (b"", "{}"), (b"{", ""), (b'{"table": 1}', "table"), (b'{"tabel": "a"}', "tabel"),
    (b'{"table":"notes"} x', ""),
])
def test_a_body_that_is_no_message_is_the_clients_fault(web, body, words):
    error = web.post(f"{DATASYNC}/Get", body).refused(400, "invalid_argument")
    assert error["details"][0]["debug"]["reason"] == "MALFORMED_MESSAGE"
    assert words in error["message"]


def test_protobuf_that_is_no_message_is_the_clients_fault_too(web):
    error = web.post(f"{DATASYNC}/Get", b"\xff\xff", "application/proto").refused(
        400, "invalid_argument")
    assert error["details"][0]["debug"]["reason"] == "MALFORMED_MESSAGE"


def test_what_is_too_large_is_refused(web):
    body = {"title": "y" * 70_000}
    error = web.post("/tables.NotesTable/Create", body).refused(429, "resource_exhausted")
    assert "max_message_bytes" in error["message"]
    bomb = gzip.compress(b" " * 10_000_000)
    web.post(
        "/tables.NotesTable/Create", bomb, "application/json", "content-encoding: gzip"
    ).refused(429, "resource_exhausted")


@pytest.mark.parametrize("field, status, code", [
    ("connect-timeout-ms: 0", 504, "deadline_exceeded"),
    ("connect-timeout-ms: 1s", 400, "invalid_argument"),
    ("connect-timeout-ms: 12345678901", 400, "invalid_argument"),
    ("connect-protocol-version: 2", 400, "invalid_argument"),
    ("x-bin: !!!", 400, "invalid_argument"),
])
def test_fields_that_are_wrong(web, field, status, code):
    web.post(f"{DATASYNC}/Describe", {}, "application/json", field).refused(status, code)


@pytest.mark.parametrize("field", [
    "connect-timeout-ms: 5000", "connect-protocol-version: 1", "grpc-timeout: nonsense",
])
def test_fields_that_are_right(web, field):
    answer = web.post(f"{DATASYNC}/Describe", {}, "application/json; charset=utf-8", field)
    assert answer.status == 200 and answer.json["tables"]


def test_a_deadline_ends_a_call_that_waits(web):
    position = web.post(f"{DATASYNC}/Changes", {}).json["resumeToken"]
    web.post(
        f"{DATASYNC}/Changes", {"table": "notes", "resumeToken": position, "maxWait": "30s"},
        "application/json", "connect-timeout-ms: 200",
    ).refused(504, "deadline_exceeded")


# -- what is no call


def test_a_path_that_is_nowhere_is_told_in_text(web):
    answer = web.post("/datasync.v1.Datasync/Nothing", {})
    assert answer.status == 404 and answer.fields["content-type"].startswith("text/plain")
    assert web.curl("/nowhere").status == 404
    assert web.curl("/").status == 200


def test_types_and_methods_that_are_none(web):
    for kind in ("text/plain", "application/json; charset=latin1", "application/connect+json"):
        answer = web.post(f"{DATASYNC}/Get", {}, kind)
        assert answer.status == 415 and "application/json" in answer.fields["accept-post"]
    assert web.post(f"{DATASYNC}/Subscribe", {}).status == 415
    answer = web.curl(f"{DATASYNC}/Get", "-X", "DELETE")
    assert answer.status == 405 and answer.fields["allow"] == "GET, POST"
    assert web.curl(f"{DATASYNC}/Get", "--head").status == 405


def test_a_page_of_another_origin_may_not_ask(web):
    for origin in ("http://evil.example", "null"):
        answer = web.post(
            "/tables.NotesTable/Create", {"title": "stolen"}, "application/json",
            f"origin: {origin}")
        assert answer.status == 403 and origin in answer.body.decode()
        assert web.curl("/", "-H", f"origin: {origin}").status == 403
    answer = web.post(f"{DATASYNC}/Describe", {}, "application/json", f"origin: {web.url}")
    assert answer.status == 200


ALLOWED = "origin: https://app.example.com"


def test_a_page_of_an_allowed_origin_asks_first_and_then_does(web):
    ask = ("-X", "OPTIONS", "-H", "access-control-request-method: POST")
    answer = web.curl("/tables.NotesTable/Create", *ask, "-H", ALLOWED)
    assert answer.status == 204 and answer.body == b"" and "content-length" not in answer.fields
    assert answer.fields["access-control-allow-origin"] == "https://app.example.com"
    assert answer.fields["access-control-allow-methods"] == "GET, POST"
    assert answer.fields["access-control-max-age"] == "7200"
    assert "connect-timeout-ms" in answer.fields["access-control-allow-headers"].split(", ")
    assert "access-control-allow-credentials" not in answer.fields
    assert web.curl("/tables.NotesTable/Create", *ask).status == 405
    assert web.curl("/tables.NotesTable/Create", *ask, "-H", "origin: https://x.y").status == 403

    for path, body, status in (
        ("/tables.NotesTable/Create", {"title": "from a page"}, 200),
        ("/tables.NotesTable/Get", {"id": "nobody"}, 404),
        ("/tables.NotesTable/Get", [], 400),
        ("/nowhere", {}, 404),
    ):
        answer = web.post(path, body, "application/json", ALLOWED)
        assert answer.status == status and answer.fields["vary"] == "Origin"
        assert answer.fields["access-control-allow-origin"] == "https://app.example.com"
        exposed = answer.fields["access-control-expose-headers"].split(", ")
        assert "trailer-datasync-sequence" in exposed and "retry-after" in exposed
    own = web.post(f"{DATASYNC}/Describe", {}, "application/json", f"origin: {web.url}")
    assert "access-control-allow-origin" not in own.fields


@pytest.mark.parametrize("origin", ["*", "null", "app.example.com", "https://a.b/c"])
def test_an_origin_that_is_none_is_refused(tmp_path, origin):
    result = run(
        "serve", tmp_path / "a.db", "--web", "127.0.0.1:0", "--web-origin", origin, timeout=20)
    assert result.returncode != 0 and "https://app.example.com" in result.stderr


# -- whose server it is


@pytest.mark.parametrize("host", [
    "127.0.0.1", "127.0.0.1:1", "[::1]:80", "10.1.2.3:8080", "localhost", "LOCALHOST:3000",
    "app.example.com", "pears.local:8080",
])
def test_a_server_without_tls_is_asked_by_names_it_knows(web, host):
    assert web.post(f"{DATASYNC}/Describe", {}, "application/json", f"host: {host}").status == 200
    assert web.curl("/", "-H", f"host: {host}").status == 200


@pytest.mark.parametrize("host", [
    "evil.example", "localhost.evil.example", "127.0.0.1.nip.example:80", "pears.local.evil",
])
def test_other_names_are_somebody_elses(web, host):
    """A page of theirs, whose name now leads here, is of the same origin to its browser."""
    for path, body in (("/tables.NotesTable/Create", {"title": "rebound"}), ("/nowhere", {})):
        answer = web.post(
            path, body, "application/json", f"host: {host}", f"origin: http://{host}")
        assert answer.status == 421 and host in answer.body.decode()
        assert "--web-host" in answer.body.decode()
    assert web.post(f"{DATASYNC}/Describe", b"", "application/grpc", f"host: {host}").status == 421
    assert web.curl("/", "-H", f"host: {host}").status == 421


@pytest.mark.parametrize("host", ["a:80", "http://a", "*", ""])
def test_a_host_that_is_none_is_refused(tmp_path, host):
    result = run(
        "serve", tmp_path / "a.db", "--web", "127.0.0.1:0", "--web-host", host, timeout=20)
    assert result.returncode != 0 and "app.example.com" in result.stderr


# -- the listener


def test_the_grpc_listener_is_as_it_was(served):
    # Without a body: it answers before one has come, which curl takes for an error where the rest of the
    # stream ends first.
    answer = Web(served.address).curl(
        f"{DATASYNC}/Describe", "-X", "POST", "-H", "content-type: application/json")
    assert answer.status == 415 and answer.fields["content-type"] == "application/grpc"


def test_one_port_serves_all(tmp_path):
    process = subprocess.Popen(
        [binary(), "serve", tmp_path / "pears.db", "--schema", SCHEMAS / "shop.sql", "--attach",
         "--listen", "off", "--web", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        ready = WEB_READY.match(process.stdout.readline().strip())
        assert ready, "the first line is that of the web"
        assert Web(ready[1]).post(f"{DATASYNC}/Describe", {}).json["tables"]
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(20)


def test_grpc_is_spoken_on_the_webs_port_too(served):
    from contract import Contract

    with grpc.insecure_channel(web_address(served)) as channel:
        contract = Contract(channel)
        describe = channel.unary_unary(
            f"{DATASYNC}/Describe",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=contract.class_of("datasync.v1.DescribeResponse").FromString,
        )
        answer = describe(contract.class_of("datasync.v1.DescribeRequest")(), timeout=10)
        assert "notes" in [table.name for table in answer.tables]


def test_cleartext_is_for_this_machine_alone(tmp_path):
    result = run("serve", tmp_path / "a.db", "--web", "0.0.0.0:0", timeout=20)
    assert result.returncode != 0 and "--allow-plaintext" in result.stderr
    result = run("serve", tmp_path / "a.db", "--listen", "off", timeout=20)
    assert result.returncode != 0 and "--web" in result.stderr


def test_tls_serves_the_web(tmp_path, certificates):  # noqa: F811
    server = Server(
        tmp_path / "pears.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--tls-cert", certificates / "server.pem", "--tls-key", certificates / "server.key",
        "--web", "127.0.0.1:0",
    ).start()
    try:
        web = Web(
            web_address(server), "--http2", "--cacert", str(certificates / "root.pem"),
            scheme="https")
        assert web.post(f"{DATASYNC}/Describe", {}).json["tables"]
        # The certificate vouches for the name.
        other = web.post(f"{DATASYNC}/Describe", {}, "application/json", "host: evil.example")
        assert other.status == 200
    finally:
        server.stop()


def test_the_schema_of_the_moment_counts(tmp_path):
    server = Server(
        tmp_path / "pears.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--web", "127.0.0.1:0", "--limit", "attach_delay=0ms",
    ).start()
    try:
        web = Web(web_address(server))
        server.foreign("CREATE TABLE pears (id TEXT PRIMARY KEY, kind TEXT)")
        answer = until(
            lambda: (found := web.post("/tables.PearsTable/Create", {"kind": "Conference"}))
            and found.status == 200 and found, seconds=15)
        assert answer.json["kind"] == "Conference"
    finally:
        server.stop()


# -- the README


def test_the_readmes_curl_creates_and_reads_a_row(tmp_path):
    section = (ROOT / "README.md").read_text().split("### Without gRPC", 1)[1]
    block = re.search(r"```sh\n(.*?)```", section, re.S)[1].replace("\\\n", " ")
    commands = [shlex.split(line) for line in block.splitlines() if line.startswith("curl ")]
    assert len(commands) == 2
    server = Server(
        tmp_path / "demo.db", "--schema", ROOT / "demo" / "schema.sql", "--attach",
        "--web", "127.0.0.1:0",
    ).start()
    try:
        address = web_address(server)
        id = None
        for command in commands:
            command = [
                part.replace("127.0.0.1:8080", address).replace("ID", id or "ID")
                for part in command
            ]
            result = subprocess.run([*command, "-sS"], capture_output=True, timeout=30)
            row = json.loads(result.stdout)
            id = id or row["id"]
            assert row["id"] == id and row["title"] == "Buy milk"
    finally:
        server.stop()
