"""The reader of answers refuses what the reference client of connectrpc's suites reports."""

import base64

import pytest
from google.rpc import status_pb2

from grpc_wire import Outcome, check

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
FAILED = [("grpc-status", "13"), ("grpc-message", "50%25 of it")]


def details(code=13, message="50% of it"):
    return base64.b64encode(
        status_pb2.Status(code=code, message=message).SerializeToString()).decode()


def outcome(headers=HEADERS, trailers=FAILED, **more):
    return Outcome(headers=list(headers), trailers=list(trailers), **more)


def alone(*fields):
    """A response that is its trailers alone."""
    return outcome([*HEADERS, *fields], [*HEADERS, *fields], is_trailers_only=True)


@pytest.mark.parametrize("right", [
    outcome(), outcome(trailers=[("grpc-status", "0")]), outcome(trailers=[("grpc-status", "16")]),
    outcome(trailers=[*FAILED, ("grpc-status-details-bin", details().rstrip("="))]),
    outcome(trailers=[*FAILED, ("x-bin", "AAA"), ("x-bin", "AAE,AAI"), ("x", "a b")]),
    outcome([*HEADERS, ("grpc-encoding", "gzip")]), outcome(reset=0), alone(*FAILED),
])
def test_what_is_right_passes(right):
    assert check(right) is right


@pytest.mark.parametrize("wrong", [
    outcome(trailers=[]),
    outcome(trailers=[("grpc-message", "x")]),
    outcome(trailers=[("grpc-status", "13"), ("grpc-status", "13")]),
    outcome(trailers=[("grpc-status", "013")]),
    outcome(trailers=[("grpc-status", "17")]),
    outcome(trailers=[("grpc-status", "-1")]),
    outcome(trailers=[("grpc-status", "OK")]),
    outcome(trailers=[("grpc-status", "")]),
    outcome(trailers=[*FAILED, ("grpc-message", "again")]),
    outcome(trailers=[("grpc-status", "13"), ("grpc-message", "50% of it")]),
    outcome(trailers=[("grpc-status", "13"), ("grpc-message", "half %2")]),
    outcome(trailers=[("grpc-status", "13"), ("grpc-message", "caf\u00e9")]),
    outcome(trailers=[("grpc-status", "13"), ("grpc-message", "a\nb")]),
    outcome(trailers=[("grpc-status", "13"), ("grpc-message", "%FF")]),
    outcome(trailers=[("grpc-status", "0"), ("grpc-message", "fine")]),
    outcome(trailers=[*FAILED, ("grpc-status-details-bin", details() + "=")]),
    outcome(trailers=[*FAILED, ("grpc-status-details-bin", "!")]),
    outcome(trailers=[*FAILED, ("grpc-status-details-bin", details(12).rstrip("="))]),
    outcome(trailers=[*FAILED, ("grpc-status-details-bin", details(13, "x").rstrip("="))]),
    outcome(trailers=[*FAILED] + [("grpc-status-details-bin", details().rstrip("="))] * 2),
    outcome(trailers=[("grpc-status", "0"), ("grpc-status-details-bin", "")]),
    outcome(trailers=[*FAILED, ("x-bin", "AA==")]),
    outcome(trailers=[*FAILED, ("x-bin", "A")]),
    outcome(trailers=[*FAILED, ("X-Upper", "1")]),
    outcome(trailers=[*FAILED, (":status", "200")]),
    outcome(trailers=[*FAILED, ("content-type", "application/grpc")]),
    outcome([*HEADERS, ("grpc-status", "0")]),
    outcome([*HEADERS, ("grpc-message", "x")]),
    outcome([*HEADERS, ("grpc-encoding", "br")]),
    outcome([(":status", "200")]),
    outcome([(":status", "200"), ("content-type", "application/json")]),
    outcome([(":status", "500"), ("content-type", "application/grpc")]),
    outcome(reset=2), outcome(reset=8),
    alone(("grpc-status", "13"), ("grpc-status", "13")),
    outcome([*HEADERS, *FAILED], [*HEADERS, *FAILED], is_trailers_only=True, messages=[b"x"]),
])
def test_what_is_wrong_is_found(wrong):
    with pytest.raises((AssertionError, UnicodeDecodeError)):
        check(wrong)
