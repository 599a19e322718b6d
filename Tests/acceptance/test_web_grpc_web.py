"""`serve --web`: gRPC-Web, in bytes and in base64."""

import base64
import gzip
import json

import pytest
from google.protobuf import json_format

from test_web import ALLOWED, note, served, web, web_address  # noqa: F401  (fixtures)
from web_stream import Exchange, ask, framed  # noqa: F401  (a fixture)

DATASYNC = "/datasync.v1.Datasync"
NOTES = "/tables.NotesTable"
KINDS = [
    "application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json",
    "application/grpc-web-text", "application/grpc-web-text+proto",
]
PLAIN = KINDS[0]
TRAILERS = 0x80


def parts(exchange):
    """The messages and the trailers, which are the last thing of the body and nowhere else."""
    *messages, (flags, data) = exchange.frames()
    assert flags == TRAILERS and all(flags in (0, 1) for flags, _ in messages), (messages, data)
    assert exchange.trailers is None and "grpc-status" not in exchange.fields
    assert data.endswith(b"\r\n")
    trailers = [line.split(": ", 1) for line in data.decode().split("\r\n")[:-1]]
    assert all(name == name.lower() for name, _ in trailers)
    return messages, dict(trailers)


def refused(exchange, code, messages=0):
    assert exchange.status == 200
    found, trailers = parts(exchange)
    assert (trailers["grpc-status"], len(found)) == (str(code), messages), trailers
    return trailers


class Coding:
    """How a kind writes messages."""

    def __init__(self, contract, kind):
        self.contract = contract
        self.is_json = kind.endswith("json")

    def request(self, type, flags=0, **fields):
        message = self.contract.new(type, **fields)
        return framed(
            json_format.MessageToDict(message) if self.is_json else message.SerializeToString(),
            flags)

    def response(self, type, data):
        if self.is_json:
            return json.loads(data)
        return json_format.MessageToDict(
            self.contract.class_of(type).FromString(data), descriptor_pool=self.contract.pool)


@pytest.mark.parametrize("kind", KINDS)
def test_a_unary_call(served, ask, kind):  # noqa: F811
    coding = Coding(served.contract, kind)
    call = ask(f"{NOTES}/Create", kind, "x-grpc-web: 1", "x-user-agent: grpc-web-javascript/0.1",
               body=coding.request("tables.Notes", title="Bréad"))
    assert call.status == 200 and call.fields["content-type"] == kind
    assert call.fields["cache-control"] == "no-store" and call.fields["vary"] == "Origin"
    ((flags, data),), trailers = parts(call)
    row = coding.response("tables.Notes", data)
    assert flags == 0 and row["title"] == "Bréad"
    assert trailers == {"grpc-status": "0", "datasync-sequence": row["version"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream(web, served, ask, kind):  # noqa: F811
    coding = Coding(served.contract, kind)
    response = "datasync.v1.Event"
    stream = ask(f"{DATASYNC}/Subscribe", kind, body=coding.request(
        "datasync.v1.SubscribeRequest", table="notes", now={}))
    assert stream.fields["content-type"] == kind
    assert "checkpoint" in coding.response(response, stream.frame()[1])
    created = note(web, title="streamed")
    while "change" not in (event := coding.response(response, stream.frame()[1])):
        pass
    assert event["change"]["entity"]["id"] == created["id"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_session(served, ask, kind):  # noqa: F811
    coding = Coding(served.contract, kind)
    session = ask(f"{DATASYNC}/Session", kind)
    assert session.status == 200
    for id in (1, 2):
        session.send(coding.request("datasync.v1.SessionRequest", request_id=id, describe={}))
        answer = coding.response("datasync.v1.SessionResponse", session.frame()[1])
        assert answer["requestId"] == str(id)
    session.end()
    assert parts(session) == ([], {"grpc-status": "0"})


def test_base64_comes_in_any_pieces(served, ask):  # noqa: F811
    coding = Coding(served.contract, KINDS[3])
    request = coding.request("datasync.v1.SessionRequest", request_id=1, describe={})
    session = ask(f"{DATASYNC}/Session", KINDS[3])
    # Each is a chunk of its own, with its padding.
    for byte in request:
        session.send(bytes([byte]))
    assert session.frame()[0] == 0
    session.end()
    assert parts(session)[1]["grpc-status"] == "0"


@pytest.mark.parametrize("text", [b"????", b"AAA", b"=AAA"])
def test_what_is_no_base64_is_refused(served, text):  # noqa: F811
    exchange = Exchange(web_address(served), f"{NOTES}/Get", "application/grpc-web-text")
    with exchange:
        exchange._is_text = False
        exchange.send(text, end=True)
        exchange._is_text = True
        refused(exchange, 13)


# -- errors


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_in_the_trailers(served, ask, kind):  # noqa: F811
    coding = Coding(served.contract, kind)
    body = coding.request("datasync.v1.GetRequest", table="nots", id="é")
    trailers = refused(ask(f"{DATASYNC}/Get", kind, body=body), 5)
    details = base64.b64decode(trailers["grpc-status-details-bin"] + "==")
    assert b"TABLE_NOT_FOUND" in details and "nots" in trailers["grpc-message"]


@pytest.mark.parametrize("kind, body", [
    (PLAIN, framed(b"\xff\xff")), ("application/grpc-web+json", framed(b"{")), (PLAIN, b"\0\0\0"),
    (PLAIN, framed(b"", 0x80)), (PLAIN, framed(gzip.compress(b"", mtime=0), 1)),
])
def test_a_body_that_cannot_be_read_is_internal(ask, kind, body):
    refused(ask(f"{DATASYNC}/Get", kind, body=body), 13)


def test_where_one_message_is_due_there_is_one(ask):
    for path in (f"{DATASYNC}/Describe", f"{NOTES}/Watch"):
        refused(ask(path, PLAIN, body=b""), 12)
        refused(ask(path, PLAIN, body=framed(b"") * 2), 12)


def test_its_own_timeout_counts_and_no_other(ask):
    refused(ask(f"{NOTES}/Watch", PLAIN, "grpc-timeout: 0n", body=framed(b"")), 4)
    refused(ask(f"{NOTES}/Watch", PLAIN, "grpc-timeout: x", body=framed(b"")), 13)
    call = ask(f"{DATASYNC}/Describe", PLAIN, "connect-timeout-ms: 0", body=framed(b""))
    assert parts(call)[1]["grpc-status"] == "0"
    stream = ask(f"{NOTES}/Watch", PLAIN, "grpc-timeout: 200m", body=framed(b""))
    *_, (flags, data) = stream.frames()
    assert flags == TRAILERS and b"grpc-status: 4\r\n" in data


def test_long_messages_are_compressed_where_that_is_taken(served, ask):  # noqa: F811
    Row = served.contract.class_of("tables.Notes")
    row = Row(body="x" * 5000).SerializeToString()
    for kind in (PLAIN, "application/grpc-web-text"):
        call = ask(f"{NOTES}/Create", kind, "grpc-encoding: gzip", "grpc-accept-encoding: gzip",
                   body=framed(gzip.compress(row), 1))
        assert call.fields["grpc-encoding"] == "gzip"
        ((flags, data),), trailers = parts(call)
        assert flags == 1 and Row.FromString(gzip.decompress(data)).body == "x" * 5000
        assert trailers["grpc-status"] == "0"
    trailers = refused(
        ask(f"{NOTES}/Create", PLAIN, "grpc-encoding: br", body=framed(row)), 12)
    assert "br" in trailers["grpc-message"]


# -- what is no call


def test_a_codec_that_is_not_ours(ask):
    for kind in ("application/grpc-web+xml", "application/grpc-web-text+json", "application/grpc-webx"):
        answer = ask(f"{DATASYNC}/Describe", kind, body=framed(b""))
        assert answer.status == 415 and PLAIN in answer.fields["accept-post"].split(", ")


def test_a_path_that_is_nowhere(ask):
    assert ask(f"{DATASYNC}/Nothing", PLAIN, body=framed(b"")).status == 404


def test_the_grpc_listener_does_not_speak_it(served):  # noqa: F811
    with Exchange(served.address, f"{DATASYNC}/Describe", PLAIN, body=framed(b"")) as exchange:
        assert exchange.status == 415 and exchange.fields["content-type"] == "application/grpc"


def test_a_page_of_an_allowed_origin_reads_the_answer(ask):
    for exchange in (
        ask(f"{DATASYNC}/Describe", PLAIN, ALLOWED, body=framed(b"")),
        ask(f"{DATASYNC}/Describe", PLAIN, ALLOWED, "grpc-timeout: x", body=framed(b"")),
    ):
        assert exchange.fields["access-control-allow-origin"] == "https://app.example.com"
    foreign = ask(f"{DATASYNC}/Describe", PLAIN, "origin: null", body=framed(b""))
    assert foreign.status == 403
