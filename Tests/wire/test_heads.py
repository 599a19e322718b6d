"""The head of a request, right or wrong, and what each gets, call by call.

Every wrong one ends its own call; the connection serves the next.
"""

import gzip
import socket
import struct
import time

import pytest

from grpc_wire import Client, check, check_status, frame_message
from http2 import NO_ERROR, RST_STREAM, SETTINGS, Connection
from messages import conformance, testing

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"
UNARY = "/grpc.testing.TestService/UnaryCall"
INPUT = "/grpc.testing.TestService/StreamingInputCall"
DUPLEX = "/grpc.testing.TestService/FullDuplexCall"


@pytest.fixture
def client(server):
    with Client(server.address) as client:
        yield client
        # Still good for one more.
        assert check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0


def ask(client, path=EMPTY_CALL, body=frame_message(b""), change=None, drop=(), **options):
    fields = [(key, (change or {}).get(key, value))
              for key, value in client.fields(path, **options) if key not in drop]
    fields += [(key, value) for key, value in (change or {}).items()
               if key not in dict(client.fields(path))]
    call = client.open(path, fields=fields, end=not body)
    if body:
        call.send_bytes(body, end=True)
    return call.finish()


@pytest.mark.parametrize("type", ["application/grpc", "application/grpc+proto",
                                  "application/grpc;charset=utf-8"])
def test_a_content_type_of_grpc_is_served(client, type):
    assert check(ask(client, change={"content-type": type})).status == 0


@pytest.mark.parametrize("type", ["application/json", "text/html", "application/grpcfoo",
                                  "application/grpc-web", "application/grpc-web+proto", ""])
def test_another_content_type_is_http_415(client, type):
    assert ask(client, change={"content-type": type}).http_status == 415


def test_no_content_type_is_http_415(client):
    assert ask(client, drop=["content-type"]).http_status == 415


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_another_method_than_post_is_http_405(client, method):
    outcome = ask(client, method=method)
    assert outcome.http_status == 405
    assert outcome.status in (None, 2, 12, 13)


def test_te_may_be_missing(client):
    assert check(ask(client, drop=["te"])).status == 0


@pytest.mark.parametrize("path", ["/EmptyCall", "/", "//", "/grpc.testing.TestService/",
                                  "//grpc.testing.TestService/EmptyCall",
                                  "/grpc.testing.TestService//EmptyCall",
                                  "/grpc.testing.testservice/EmptyCall",
                                  "/grpc.testing.TestService/emptyCall",
                                  "/grpc.testing.TestService/EmptyCall/",
                                  "/grpc.testing.TestService/EmptyCall?x=1",
                                  "/no.Such/EmptyCall", "/grpc.testing.TestService/NoSuch"])
def test_a_path_that_is_no_method_is_unimplemented(client, path):
    outcome = check(ask(client, path=path))
    assert outcome.status == 12 and outcome.is_trailers_only
    assert outcome.message


@pytest.mark.parametrize("path", ["grpc.testing.TestService/EmptyCall", "EmptyCall", "*", ""])
def test_what_is_no_path_at_all_is_no_request(client, path):
    """A path that does not begin with a slash makes the request malformed, and a malformed request
    is a stream error PROTOCOL_ERROR: RFC 9113, sections 8.3.1 and 8.1.1. nghttp2 sees to that before
    anyone hears of the request, so that it is not answered with UNIMPLEMENTED, as grpc-go does; what
    matters is that it reaches no method."""
    assert ask(client, path=path).reset == 1


def test_a_path_that_is_missing_or_there_twice_is_no_request(client):
    assert ask(client, drop=[":path"]).reset == 1
    fields = client.fields(EMPTY_CALL)
    call = client.open(EMPTY_CALL, fields=[fields[0], (":path", "/x"), *fields[1:]], end=True)
    assert call.finish().reset == 1


@pytest.mark.parametrize("te", ["gzip", "", "trailers, deflate"])
def test_another_te_than_trailers_is_no_request(client, te):
    assert ask(client, change={"te": te}).reset == 1


@pytest.mark.parametrize("name", ["connection", "transfer-encoding", "upgrade", "keep-alive",
                                  "proxy-connection"])
def test_a_field_of_http1_connections_is_no_request(client, name):
    assert ask(client, more=[(name, "x")]).reset == 1


@pytest.mark.parametrize("asked, answered", [
    ("application/grpc", "application/grpc"), ("application/grpc+proto", "application/grpc+proto"),
    ("application/grpc;charset=utf-8", "application/grpc"),
    ("application/grpc+proto;x=y", "application/grpc+proto"),
])
def test_the_content_type_of_an_answer_is_that_of_its_request(client, asked, answered):
    for path, status in [(EMPTY_CALL, 0), ("/grpc.testing.TestService/UnimplementedCall", 12)]:
        outcome = check(ask(client, path=path, change={"content-type": asked}))
        assert outcome.status == status
        assert outcome.values(outcome.headers, "content-type") == [answered]


@pytest.mark.parametrize("type", ["application/grpc+json", "application/grpc+foo",
                                  "application/grpc+", "application/grpc+protobuf"])
def test_another_codec_is_http_415_and_unimplemented(client, type):
    outcome = ask(client, change={"content-type": type})
    assert (outcome.http_status, outcome.status) == (415, 12)
    check_status(outcome)


def test_the_checks_come_in_order(client):
    """Of a request with many faults the first in the order of grpc-go is told."""
    faults = [({"content-type": "image/jpeg"}, 415, 3), ({"grpc-timeout": "x"}, 400, 13),
              ({":method": "PUT"}, 405, 13), ({"grpc-timeout": "0n"}, 200, 4),
              ({":path": "/x"}, 200, 12), ({"grpc-encoding": "foo"}, 200, 12)]
    for first in range(len(faults)):
        change = {}
        for fault, _, _ in reversed(faults[first:]):
            change.update(fault)
        outcome = ask(client, change=change)
        assert (outcome.http_status, outcome.status) == faults[first][1:], change


def test_an_encoding_that_was_used_unasked_is_told_to_be_accepted(client):
    """A client that compresses with what it was not told of learns that it may."""
    body = frame_message(testing.SimpleRequest(response_size=3).SerializeToString(), "deflate")
    outcome = check(ask(client, path=UNARY, body=body, change={"grpc-encoding": "deflate"}))
    assert outcome.status == 0
    assert "deflate" in ",".join(outcome.values(outcome.headers, "grpc-accept-encoding")).split(",")


def test_each_message_is_compressed_or_not_by_itself(client):
    """With an encoding named for the call, a message may come without it; contexts are not shared."""
    one = testing.StreamingInputCallRequest(payload=testing.Payload(body=bytes(1000)))
    message = one.SerializeToString()
    call = client.open(INPUT, fields=client.fields(INPUT, more=[("grpc-encoding", "gzip")]))
    for encoding in ("gzip", None, "gzip", "gzip", None):
        call.send_bytes(frame_message(message, encoding))
    call.send_bytes(b"", end=True)
    outcome = check(call.finish())
    assert outcome.status == 0
    answer = testing.StreamingInputCallResponse.FromString(outcome.messages[0])
    assert answer.aggregated_payload_size == 5000


def test_gzip_of_two_members_is_one_message(client):
    """RFC 1952, section 2.2: members follow one another. grpc-go and grpc-java take them so."""
    message = testing.SimpleRequest(response_size=3).SerializeToString()
    first, second = gzip.compress(message[:1]), gzip.compress(message[1:])
    for parts in ([first, second], [gzip.compress(b""), first, second, gzip.compress(b"")]):
        body = frame_message(b"".join(parts), flag=1)
        outcome = check(ask(client, path=UNARY, body=body, change={"grpc-encoding": "gzip"}))
        assert outcome.status == 0
        answer = testing.SimpleResponse.FromString(outcome.messages[0])
        assert len(answer.payload.body) == 3
    for rest in (b"x", second[:-1], b"\0" * 20):
        body = frame_message(first + rest, flag=1)
        assert check(ask(client, body=body, change={"grpc-encoding": "gzip"})).status == 13


def test_members_do_not_pass_the_limit_of_a_message(client):
    body = frame_message(gzip.compress(bytes(1 << 20)) * 5, flag=1)
    outcome = check(ask(client, path=UNARY, body=body, change={"grpc-encoding": "gzip"}))
    assert outcome.status == 8 and "max_message_bytes" in outcome.message


def test_reserved_keys_are_no_metadata(client):
    """What HTTP/2 and gRPC say to each other is not shown to handlers, nor sent for them."""
    more = [("grpc-internal", "x"), ("grpc-tags-bin", "AAA"), ("user-agent", "me/1.0"),
            ("x-mine", "1"), ("x-mine", "2"), ("x-mine-bin", "AAE,AAI")]
    wanted = conformance.UnaryResponseDefinition(response_data=b"x", response_headers=[
        conformance.Header(name="grpc-mine", value=["x"]),
        conformance.Header(name="te", value=["x"]),
        conformance.Header(name="x-yours", value=["1", "2"])])
    body = conformance.UnaryRequest(response_definition=wanted).SerializeToString()
    outcome = check(ask(client, path="/connectrpc.conformance.v1.ConformanceService/Unary",
                        body=frame_message(body), more=more))
    info = conformance.UnaryResponse.FromString(outcome.messages[0]).payload.request_info
    seen = {header.name: list(header.value) for header in info.request_headers}
    assert seen.pop("x-mine") == ["1", "2"] and seen.pop("x-mine-bin")
    assert seen == {}
    assert outcome.values(outcome.headers, "x-yours") == ["1", "2"]
    assert not outcome.values(outcome.headers, "grpc-mine") + outcome.values(outcome.headers, "te")


def test_what_is_sent_has_no_spaces_at_its_ends(client):
    """They would make the answer malformed for whoever reads it."""
    wanted = conformance.UnaryResponseDefinition(response_data=b"x", response_headers=[
        conformance.Header(name="x-yours", value=[" a b ", "  "])], response_trailers=[
        conformance.Header(name="x-end", value=["c "])])
    body = conformance.UnaryRequest(response_definition=wanted).SerializeToString()
    outcome = check(ask(client, path="/connectrpc.conformance.v1.ConformanceService/Unary",
                        body=frame_message(body)))
    assert outcome.values(outcome.headers, "x-yours") == ["a b", ""]
    assert outcome.values(outcome.trailers, "x-end") == ["c"]
    wanted = conformance.UnaryResponseDefinition()
    wanted.error.code, wanted.error.message = 3, " spaced "
    body = conformance.UnaryRequest(response_definition=wanted).SerializeToString()
    outcome = check(ask(client, path="/connectrpc.conformance.v1.ConformanceService/Unary",
                        body=frame_message(body)))
    assert (outcome.status, outcome.message) == (3, " spaced ")
    assert check(ask(client, path="//EmptyCall")).message == "unknown service "


@pytest.mark.parametrize("timeout", ["", "1", "S", "1s", "-1S", "1.5S", "123456789S", "1 S", "1SS",
                                     "0x1S", "１S"])
def test_a_malformed_timeout_is_http_400_and_internal(client, timeout):
    outcome = ask(client, change={"grpc-timeout": timeout})
    assert (outcome.http_status, outcome.status) == (400, 13), vars(outcome)


@pytest.mark.parametrize("timeout", ["1H", "1M", "10S", "10000m", "10000000u", "99999999n",
                                     "99999999H"])
def test_every_unit_of_a_timeout_is_understood(client, timeout):
    if timeout == "99999999n":
        timeout = "99999999u"
    assert check(ask(client, change={"grpc-timeout": timeout})).status == 0


@pytest.mark.parametrize("timeout", ["0S", "0n"])
def test_a_timeout_that_is_over_is_not_begun(client, timeout):
    assert check(ask(client, change={"grpc-timeout": timeout})).status == 4


def test_an_encoding_that_is_unknown_is_told_which_are_known(client):
    outcome = check(ask(client, change={"grpc-encoding": "foo"}))
    assert outcome.status == 12
    accepted = ",".join(outcome.values(outcome.headers, "grpc-accept-encoding"))
    assert "gzip" in accepted and "identity" in accepted and "foo" not in accepted


@pytest.mark.parametrize("body,status", [
    (b"", 12), (frame_message(b"") * 2, 12), (b"\x01" + bytes(4), 13), (b"\x02" + bytes(4), 13),
    (b"\x00\x00\x00\x00\x05abc", 13), (b"\x00\x00", 13),
    (struct.pack(">BI", 0, 2**32 - 1) + b"x", 8), (frame_message(b"\xff"), 13),
], ids=["no message", "two", "compressed without an encoding", "unknown flag", "cut short",
        "half a prefix", "too large", "not protobuf"])
def test_a_body_that_is_not_one_message(client, body, status):
    assert check(ask(client, path=UNARY, body=body)).status == status


def test_a_message_that_is_not_gzip_is_internal(client):
    body = frame_message(b"this is not gzip", flag=1)
    assert check(ask(client, body=body, change={"grpc-encoding": "gzip"})).status == 13


@pytest.mark.parametrize("value", [" me", "me ", "\tme", "me\t", " ", "a\0b", "a\nb", "a\rb", "a\x7fb",
                                   "a\x01"])
@pytest.mark.parametrize("name", ["x-mine", "datasync-client-id", "grpc-timeout", "x-mine-bin"])
def test_a_value_with_what_may_not_be_in_it_is_no_request(client, name, value):
    """RFC 9113, section 8.2.1: malformed, with whitespace at an end, or control characters. Never is
    the call served as if the field had not been there."""
    assert ask(client, more=[(name, value)]).reset == 1
    # Nor is it later, from what the connection remembers of heads.
    assert ask(client, more=[(name, value)]).reset == 1


@pytest.mark.parametrize("name", ["x mine", "x\tmine", "x:mine", "x(mine)", "x\x01", "x\xe9", ""])
def test_a_name_with_what_may_not_be_in_it_is_no_request(client, name):
    assert ask(client, more=[(name, "1")]).reset == 1


@pytest.mark.parametrize("name, value", [("x-mine", "me "), ("x mine", "me")])
def test_trailers_that_are_malformed_end_their_call(client, name, value):
    call = client.open(INPUT)
    client.headers(call.stream, client.encode([(name, value)]), end_stream=True)
    assert call.finish().reset == 1


def test_a_value_may_be_empty_or_have_spaces_within(client):
    for value in ("", "a b", "a\tb", "\u00e9"):
        assert check(ask(client, more=[("x-mine", value.encode())])).status == 0


def test_two_hosts_are_refused(client):
    outcome = ask(client, more=[("host", "a"), ("host", "b")])
    assert outcome.reset == 1 or outcome.http_status == 400


def test_host_stands_in_for_authority(client):
    assert check(ask(client, drop=[":authority"], more=[("host", "localhost")])).status == 0


def test_binary_metadata_is_read_padded_or_not_and_split(client):
    for value, wanted in [("q6ur", ["q6ur"]), ("q6s=", ["q6s"]), ("q6s", ["q6s"]),
                          ("q6ur,q6s", ["q6ur", "q6s"])]:
        outcome = check(ask(client, path=UNARY, more=[("x-grpc-test-echo-trailing-bin", value)]))
        got = outcome.values(outcome.trailers, "x-grpc-test-echo-trailing-bin")
        assert ",".join(got).split(",") == wanted, value


def test_a_response_is_compressed_only_for_a_client_that_accepts_it(client):
    request = testing.SimpleRequest(response_size=10_000)
    request.response_compressed.value = True
    body = frame_message(request.SerializeToString())
    for accepted, encoding in [(None, None), ("identity", None), ("br", None), ("gzip", "gzip"),
                               ("br, deflate", "deflate")]:
        more = [("grpc-accept-encoding", accepted)] if accepted else []
        call = client.open(UNARY, fields=client.fields(UNARY, more=more))
        call.encoding = encoding
        call.send_bytes(body, end=True)
        outcome = check(call.finish())
        assert dict(outcome.headers).get("grpc-encoding", "identity") == (encoding or "identity")
        assert len(outcome.messages[0]) > 10_000


def test_an_early_answer_is_followed_by_reset_without_error(client):
    """Else the stream keeps its slot: a client with many early errors would be cut off."""
    for _ in range(300):
        call = client.open("/grpc.testing.TestService/NoSuch")
        outcome = call.finish()
        assert outcome.status == 12
        assert client.wait_for(RST_STREAM).error == NO_ERROR


def test_a_status_comes_to_a_client_whose_window_is_closed(server):
    with Connection(server.address) as connection:
        connection.handshake(settings=((4, 0),))
        request = testing.StreamingOutputCallRequest()
        request.response_status.code = 9
        fields = [*connection.request_fields("POST", DUPLEX), ("te", "trailers"),
                  ("content-type", "application/grpc")]
        connection.headers(1, connection.encode(fields), end_stream=False)
        connection.data(1, frame_message(request.SerializeToString()))
        assert any(frame.ends_stream for frame in connection.frames(2)), "no trailers"


def test_a_deadline_ends_a_call_that_waits(client):
    began = time.monotonic()
    call = client.open(INPUT, timeout_ms=200)
    outcome = call.finish()
    assert 0.15 < time.monotonic() - began < 1
    assert outcome.status == 4 or outcome.reset == 8


def test_get_is_greeted_in_plain_text(server):
    with Connection(server.address) as connection:
        connection.handshake()
        connection.headers(1, connection.encode(connection.request_fields()))
        frames = []
        for frame in connection.frames():
            if frame.type not in (SETTINGS, 8):
                frames.append(frame)
            if frame.ends_stream:
                break
        fields = dict(connection.decoder.decode(frames[0].payload))
        assert fields[":status"] == "200" and fields["content-type"].startswith("text/plain")
        assert b"gRPC" in b"".join(frame.payload for frame in frames[1:])


@pytest.mark.parametrize("request_line", [
    b"GET / HTTP/1.1", b"POST /datasync.v1.Datasync/Get HTTP/1.1", b"HEAD /x HTTP/1.0",
    b"PUT / HTTP/1.1", b"PATCH / HTTP/1.1", b"OPTIONS * HTTP/1.1"])
def test_a_client_of_http1_gets_one_line_that_says_what_this_is(server, request_line):
    with socket.create_connection(server.address, timeout=5) as plain:
        plain.sendall(request_line + b"\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc")
        answer = b""
        while part := plain.recv(4096):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.split(b"\r\n")
    assert status == b"HTTP/1.1 505 HTTP Version Not Supported"
    fields = dict(field.lower().split(b": ", 1) for field in fields)
    assert fields[b"connection"] == b"close"
    assert fields[b"content-type"].startswith(b"text/plain")
    if request_line.startswith(b"HEAD"):
        assert body == b""
    else:
        assert int(fields[b"content-length"]) == len(body)
        assert body.endswith(b"\n") and body.count(b"\n") == 1
        assert b"gRPC" in body and b"HTTP/2" in body


def test_a_request_line_of_http1_may_come_in_pieces(server):
    with socket.create_connection(server.address, timeout=5) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"POST /x HT":
            plain.sendall(bytes([byte]))
            time.sleep(0.01)
        assert plain.recv(4096).startswith(b"HTTP/1.1 505 ")


def test_what_is_no_http_at_all_gets_nothing_of_the_sort(server):
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00", b"EHLO me\r\n", b"INVALID PREFACE\r\n\r\n"):
        with socket.create_connection(server.address, timeout=5) as plain:
            plain.sendall(noise)
            answer = b""
            try:
                while part := plain.recv(4096):
                    answer += part
            except ConnectionResetError:
                pass
            assert b"HTTP/1.1" not in answer
