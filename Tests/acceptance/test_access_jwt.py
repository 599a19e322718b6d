"""JSON Web Tokens as credentials: who signs them, and what their end brings."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import time

import grpc
import pytest

from errors import refused
from session import Session
from test_access import TABLE, Place

SECRET = b"a secret of the shop's, long enough"
FILE = """
credentials:
  jwt:
    - { issuer: hs, audience: shop, secret: secret, algorithms: [HS256] }
    - { issuer: rs, audience: shop, keys: rs.pem, algorithms: [RS256], roles: rights, prefix: 'r:' }
    - { issuer: es, audience: shop, keys: es.pem, algorithms: [ES256] }
tables:
  todo_items: { read: owner eq @principal.id, create: owner eq @principal.id }
operators: admin
"""
CHANNELZ = "/grpc.channelz.v1.Channelz/GetServers"


def text(value):
    value = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(
        ["openssl", *map(str, arguments)], input=data, check=True, capture_output=True, timeout=60
    ).stdout


def raw(der):
    """The two numbers of an ECDSA signature, 32 bytes each, out of their DER."""
    numbers, rest = b"", der[2:]
    for _ in range(2):
        length = rest[1]
        numbers += rest[2:2 + length].lstrip(b"\0").rjust(32, b"\0")
        rest = rest[2 + length:]
    return numbers


def jwt(folder, seconds=3600.0, algorithm="HS256", issuer=None, **claims):
    issuer = issuer or algorithm[:2].lower()
    claims = {"iss": issuer, "aud": "shop", "sub": "alice", "exp": time.time() + seconds, **claims}
    message = f"{text({'alg': algorithm, 'typ': 'JWT'})}.{text(claims)}"
    if algorithm == "HS256":
        signature = hmac.digest(SECRET, message.encode(), hashlib.sha256)
    else:
        key = folder / f"{algorithm[:2].lower()}.key"
        signature = openssl("dgst", "-sha256", "-sign", key, data=message.encode())
        signature = raw(signature) if algorithm == "ES256" else signature
    return f"{message}.{text(signature)}"


@pytest.fixture
def place(tmp_path):
    places = []

    def start(*limits):
        (tmp_path / "secret").write_bytes(SECRET)
        for name, algorithm in [("rs", ["RSA"]), ("es", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"])]:
            openssl("genpkey", "-algorithm", *algorithm, "-out", tmp_path / f"{name}.key")
            openssl("pkey", "-in", tmp_path / f"{name}.key", "-pubout", "-out", tmp_path / f"{name}.pem")
        options = [word for limit in limits for word in ("--limit", limit)]
        places.append(Place(tmp_path, file=FILE, names=(), options=options))
        return places[-1]

    yield start
    for place in places:
        place.server.stop()


def bearer(token):
    return [("authorization", f"Bearer {token}")]


def notices(session):
    return [response.notice for response in session.log if response.HasField("notice")]


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the keys")
def test_whoever_signs_names_the_principal(place):
    place = place()
    server, folder = place.server, place.folder
    for algorithm, name in [("HS256", "alice"), ("RS256", "r:alice"), ("ES256", "alice")]:
        token = jwt(folder, algorithm=algorithm)
        with Session(server, client_id="c", metadata=bearer(token)) as session:
            assert session.opened.principal == name
            assert abs(session.opened.expires_at.ToSeconds() - time.time() - 3600) < 60
            assert session.create(TABLE, id=algorithm, title="t", owner=name).row["owner"] == name
        head, body, signature = token.split(".")
        forged = ".".join([head, body, signature[:-8] + "AAAAAAAA"])
        for bad in [
            forged, jwt(folder, algorithm=algorithm, aud="other"),
            jwt(folder, algorithm=algorithm, issuer="nobody"), jwt(folder, algorithm=algorithm, sub=7),
            jwt(folder, algorithm=algorithm, nbf=time.time() + 600), jwt(folder, algorithm=algorithm, exp="x"),
        ]:
            with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
                server.unary("Query", metadata=bearer(bad), table=TABLE)
        with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
            server.unary(
                "Query", metadata=bearer(jwt(folder, -1, algorithm=algorithm)), table=TABLE)
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        server.unary(
            "Query", metadata=bearer(jwt(folder, algorithm="HS256", issuer="rs")), table=TABLE)
    # A token may last until the end of all times.
    with Session(server, client_id="c", metadata=bearer(jwt(folder, exp=253402300799))) as session:
        assert session.opened.expires_at.ToSeconds() == 253402300799
        assert session.rows(TABLE)


def test_a_session_is_told_of_the_end_and_goes_on_when_renewed(place):
    place = place("credentials_grace=3s")
    with Session(place.server, client_id="c", metadata=bearer(jwt(place.folder, 5))) as session:
        events = session.subscribe(TABLE)
        events.until_current()
        assert not notices(session)
        with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
            events.change(10)
        (notice,) = notices(session)
        assert notice.kind == 1 and 0 < notice.time_left.ToMicroseconds() <= 550_000
        count = len(session.log)
        for kind, fields in [("query", {"table": TABLE}), ("subscribe", {}), ("describe", {})]:
            with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
                session.call(kind, **fields)
        with refused("NOT_FOUND", "REQUEST_NOT_FOUND"):
            session.cancel(events.request_id)
        assert len(session.log) == count + 4
        with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
            session.call("authenticate", token="wrong")
        answer = session.call("authenticate", token=jwt(place.folder, 4))
        assert answer.principal == "alice"
        assert 0 < answer.expires_at.ToSeconds() - time.time() < 5
        renewed = session.subscribe(TABLE)
        renewed.until_current()
        session.create(TABLE, id="x", title="t", owner="alice")
        assert renewed.change().id == "x"
        with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
            renewed.change(10)
        began = time.monotonic()
        ended = session.ended(20)
        assert (ended.code, ended.reason) == ("UNAUTHENTICATED", "CREDENTIALS_EXPIRED")
        assert 2 < time.monotonic() - began < 8
        assert len(notices(session)) == 2


def test_a_session_without_credentials_ends_soon(place):
    place = place("authentication_timeout=2s", "credentials_warning=0s")
    with Session(place.server) as late, Session(place.server) as session:
        assert session.call("authenticate", token=jwt(place.folder, 4)).principal == "alice"
        ended = late.ended(10)
        assert (ended.code, ended.reason) == ("UNAUTHENTICATED", "CREDENTIALS_REQUIRED")
        events = session.subscribe(TABLE)
        with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
            events.change(10)
        assert not notices(session)


def test_streams_outside_of_sessions_end_with_their_credentials(place):
    place = place()
    server, metadata = place.server, bearer(jwt(place.folder, 3))
    head = server.unary("Query", metadata=metadata, table=TABLE).resume_token
    stream = server.stream("Subscribe", metadata=metadata, table=TABLE)
    began = time.monotonic()
    with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
        server.unary(
            "Changes", metadata=metadata, table=TABLE, resume_token=head, max_wait={"seconds": 60})
    with pytest.raises(grpc.RpcError) as error:
        list(stream)
    assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert time.monotonic() - began < 10


def test_channelz_is_for_operators_and_reflection_and_health_are_for_all(place):
    place = place()
    server = place.server
    with refused("UNAUTHENTICATED", "CREDENTIALS_REQUIRED"):
        server.raw_unary(CHANNELZ, b"")
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        server.raw_unary(CHANNELZ, b"", metadata=bearer("wrong"))
    with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
        server.raw_unary(CHANNELZ, b"", metadata=bearer(jwt(place.folder, -1, roles=["admin"])))
    with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
        server.raw_unary(CHANNELZ, b"", metadata=bearer(jwt(place.folder)))
    assert server.raw_unary(CHANNELZ, b"", metadata=bearer(jwt(place.folder, roles=["admin"])))
    for metadata in ((), bearer("wrong")):
        assert server.raw_unary("/grpc.health.v1.Health/Check", b"", metadata=metadata) == b"\x08\x01"
    assert server.contract.class_of("datasync.v1.SessionRequest")


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the keys")
def test_a_claim_that_is_null_is_as_if_left_out(place):
    started = place()
    header = bearer(jwt(started.folder, nbf=None, roles=None))
    with Session(started.server, client_id="n", metadata=header) as session:
        assert session.opened.principal == "alice"
    with Session(started.server, metadata=bearer(jwt(started.folder, sub=None))) as session:
        assert session.ended(20).reason == "CREDENTIALS_INVALID"
