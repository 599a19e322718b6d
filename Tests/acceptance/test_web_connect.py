"""`serve --web`: Connect's streams, in JSON and in protobuf."""

import base64
import gzip
import json
import signal
import struct
import subprocess

import pytest

from conftest import SCHEMAS
from server import Server
from test_web import ALLOWED, Web, note, served, web, web_address  # noqa: F401  (fixtures)
from web_stream import ask, framed  # noqa: F401  (a fixture)

DATASYNC = "/datasync.v1.Datasync"
WATCH = "/tables.NotesTable/Watch"
JSON = "application/connect+json"
PROTO = "application/connect+proto"
END = 2


def end_of(exchange):
    """What the last message says; nothing follows it, and nothing is compressed in it."""
    *messages, (flags, data) = exchange.frames()
    assert flags == END and all(flags in (0, 1) for flags, _ in messages), messages
    assert exchange.trailers is None
    return json.loads(data)


def refused(exchange, code):
    """The error at the end of a stream whose status is 200 all the same."""
    assert exchange.status == 200
    error = end_of(exchange)["error"]
    assert error["code"] == code, error
    return error


# -- calls


def test_a_stream_tells_what_changes(web, ask):  # noqa: F811
    stream = ask(f"{DATASYNC}/Subscribe", JSON, body=framed({"table": "notes", "now": {}}))
    assert stream.status == 200 and stream.fields["content-type"] == JSON
    assert stream.fields["cache-control"] == "no-store"
    assert stream.fields["x-content-type-options"] == "nosniff"
    assert "checkpoint" in stream.message()
    created = note(web, title="streamed")
    while "change" not in (event := stream.message()):
        pass
    assert event["change"]["entity"] == created


def test_the_head_does_not_wait_for_a_message(ask):
    """Also where the request has not come yet."""
    stream = ask(f"{DATASYNC}/Session", JSON)
    assert stream.status == 200


def test_a_session_in_json(ask):
    session = ask(f"{DATASYNC}/Session", JSON)
    entity = {"@type": "type.googleapis.com/tables.Notes", "title": "of a session"}
    session.send(framed({"requestId": "1", "create": {"entity": entity}}))
    answer = session.message()
    assert answer["requestId"] == "1"
    id = answer["write"]["entity"]["id"]
    session.send(framed({"requestId": "2", "get": {"table": "notes", "id": id}}))
    assert session.message()["get"]["entity"]["title"] == "of a session"
    session.end()
    assert end_of(session) == {}


def test_a_session_in_protobuf(served, ask):  # noqa: F811
    contract = served.contract
    session = ask(f"{DATASYNC}/Session", PROTO)
    assert session.fields["content-type"] == PROTO
    request = contract.new("datasync.v1.SessionRequest", request_id=7, describe={})
    session.send(framed(request.SerializeToString()), end=True)
    (flags, data), (last, end) = session.frames()
    answer = contract.class_of("datasync.v1.SessionResponse").FromString(data)
    assert (flags, answer.request_id, last, json.loads(end)) == (0, 7, END, {})


def test_messages_may_come_in_any_pieces(ask):
    session = ask(f"{DATASYNC}/Session", JSON)
    for byte in framed({"requestId": "1", "describe": {}}):
        session.send(bytes([byte]))
    assert session.message()["requestId"] == "1"


# -- compression


def test_long_messages_are_compressed_where_that_is_taken(ask):
    session = ask(
        f"{DATASYNC}/Session", JSON, "connect-content-encoding: gzip",
        "connect-accept-encoding: br, gzip", "accept-encoding: gzip")
    assert session.fields["connect-content-encoding"] == "gzip"
    assert "content-encoding" not in session.fields
    entity = {"@type": "type.googleapis.com/tables.Notes", "body": "x" * 5000}
    request = json.dumps({"requestId": "1", "create": {"entity": entity}}).encode()
    session.send(framed(gzip.compress(request), 1))
    flags, data = session.frame()
    assert flags == 1 and json.loads(gzip.decompress(data))["write"]["entity"]["body"] == "x" * 5000
    session.send(framed({"requestId": "2", "get": {"table": "notes", "id": "none"}}))
    flags, data = session.frame()
    assert flags == 0 and json.loads(data)["requestId"] == "2"
    session.end()
    assert end_of(session) == {}


def test_nothing_is_compressed_for_those_who_do_not_take_it(ask):
    session = ask(
        f"{DATASYNC}/Session", JSON, "connect-accept-encoding: gzip;q=0", "accept-encoding: gzip")
    entity = {"@type": "type.googleapis.com/tables.Notes", "body": "x" * 5000}
    session.send(framed({"requestId": "1", "create": {"entity": entity}}))
    assert len(session.message()["write"]["entity"]["body"]) == 5000
    assert "connect-content-encoding" not in session.fields


def test_an_encoding_that_is_not_ours(ask):
    error = refused(
        ask(WATCH, JSON, "connect-content-encoding: br", body=framed({})), "unimplemented")
    assert "gzip" in error["message"] and "identity" in error["message"]
    refused(ask(WATCH, JSON, body=framed(gzip.compress(b"{}"), 1)), "internal")


# -- errors


def test_an_error_ends_the_stream_with_its_details(ask):
    error = refused(ask(f"{DATASYNC}/Subscribe", JSON, body=framed({"table": "nots"})), "not_found")
    info = error["details"][0]
    assert info["type"] == "google.rpc.ErrorInfo"
    assert info["debug"]["reason"] == "TABLE_NOT_FOUND"
    assert b"TABLE_NOT_FOUND" in base64.b64decode(info["value"] + "==")


@pytest.mark.parametrize("kind, body", [
    (JSON, framed(b"{")), (JSON, framed(b"")), (JSON, framed({"fillter": "a"})),
    (PROTO, framed(b"\xff\xff")), (JSON, framed({}, 2)), (JSON, framed({})[:-1]), (JSON, b"\x00"),
])
def test_what_is_no_message_is_the_clients_fault(ask, kind, body):
    error = refused(ask(WATCH, kind, body=body), "invalid_argument")
    assert error["details"][0]["debug"]["reason"] == "MALFORMED_MESSAGE"


def test_a_compressed_message_that_is_none(ask):
    error = refused(
        ask(WATCH, JSON, "connect-content-encoding: gzip", body=framed(b"no gzip", 1)),
        "invalid_argument")
    assert error["details"][0]["debug"]["reason"] == "MALFORMED_MESSAGE"


def test_where_one_message_is_due_there_is_one(ask):
    refused(ask(WATCH, JSON, body=b""), "unimplemented")
    refused(ask(WATCH, JSON, body=framed({}) * 2), "unimplemented")


def test_what_is_too_large_is_refused(ask):
    error = refused(
        ask(WATCH, JSON, body=framed({"filter": "y" * 70_000})), "resource_exhausted")
    assert "max_message_bytes" in error["message"]
    bomb = framed(gzip.compress(b" " * 10_000_000), 1)
    refused(ask(WATCH, JSON, "connect-content-encoding: gzip", body=bomb), "resource_exhausted")


def test_a_deadline_ends_a_stream(ask):
    refused(ask(WATCH, JSON, "connect-timeout-ms: 200", body=framed({})), "deadline_exceeded")
    refused(ask(WATCH, JSON, "connect-timeout-ms: 0", body=framed({})), "deadline_exceeded")
    refused(ask(WATCH, JSON, "connect-timeout-ms: x", body=framed({})), "invalid_argument")
    stream = ask(WATCH, JSON, "grpc-timeout: 1n", body=framed({}))
    assert stream.frame()[0] == 0


def test_another_version_is_refused(ask):
    refused(ask(WATCH, JSON, "connect-protocol-version: 2", body=framed({})), "invalid_argument")


@pytest.mark.parametrize("path, kind", [
    (WATCH, "application/json"), (f"{DATASYNC}/Session", "application/proto"),
    (f"{DATASYNC}/Get", JSON), (f"{DATASYNC}/Get", PROTO), (WATCH, "application/connect"),
    (WATCH, "application/connect+xml"),
])
def test_a_type_is_of_a_unary_call_or_of_a_stream(ask, path, kind):
    answer = ask(path, kind, body=b"{}")
    assert answer.status == 415 and answer.fields["content-type"].startswith("text/plain")
    types = answer.fields["accept-post"].split(", ")
    assert kind not in types and types[0] in answer.whole().decode()
    # What is named is taken.
    taken = ask(path, types[0], body=framed({}) if "connect" in types[0] else b"{}")
    assert taken.status != 415 and taken.fields["content-type"] in (types[0], "application/json")


def test_a_page_of_an_allowed_origin_reads_a_stream(ask):
    for stream in (ask(WATCH, JSON, ALLOWED, body=framed({})),
                   ask(WATCH, JSON, ALLOWED, "connect-timeout-ms: x", body=framed({}))):
        assert stream.fields["access-control-allow-origin"] == "https://app.example.com"
        assert stream.fields["vary"] == "Origin"
    assert ask(WATCH, JSON, "origin: https://evil.example", body=framed({})).status == 403


# -- the end


def test_a_drain_ends_streams(tmp_path):
    server = Server(
        tmp_path / "shop.db", "--schema", SCHEMAS / "shop.sql", "--attach",
        "--web", "127.0.0.1:0", "--limit", "drain_grace=100ms",
    ).start()
    try:
        curl = subprocess.Popen(
            ["curl", "-sS", "-N", "--max-time", "20", "--http2-prior-knowledge",
             "-H", f"content-type: {JSON}", "--data-binary", "@-",
             f"http://{web_address(server)}{WATCH}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        curl.stdin.write(framed({}))
        curl.stdin.close()
        assert curl.stdout.read(1) == b"\0", "the rows as they are"
        server.process.send_signal(signal.SIGTERM)
        body = b"\0" + curl.stdout.read()
        assert curl.wait(20) == 0
        while body:
            flags, length = struct.unpack(">BI", body[:5])
            last, body = (flags, body[5:5 + length]), body[5 + length:]
        assert last[0] == END and json.loads(last[1])["error"]["code"] == "unavailable"
    finally:
        server.stop()
