"""TLS: what is asked of a client, what is refused, and certificates that change."""

import datetime
import signal
import socket
import ssl
import struct
import time
import warnings

import grpc
import pytest

import certificates
from grpc_wire import Client, check
from http2 import Connection
from messages import testing
from server import Server
from test_interop import Stub

EMPTY_CALL = "/grpc.testing.TestService/EmptyCall"


def serves(address, context):
    with Client(address, timeout=5, tls=context) as client:
        return check(client.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0


def is_refused(address, context, seconds=3):
    """The handshake fails, or the connection ends before anything is served."""
    try:
        with Connection(address, timeout=seconds, tls=context) as connection:
            connection.handshake()
    except (ssl.SSLError, ConnectionError, OSError):
        return True
    except Exception as error:
        return type(error).__name__ == "Closed"
    return False


@pytest.fixture
def mutual(keys):
    server = Server.listening(*keys.options(with_client_ca=True))
    yield server
    server.stop()


def test_a_grpc_client_is_served(tls_server, keys):
    with grpc.secure_channel(tls_server.target, keys.credentials()) as channel:
        assert Stub(channel).empty(testing.Empty(), timeout=10) == testing.Empty()


def test_alpn_must_be_h2(tls_server, keys):
    assert serves(tls_server.address, keys.context())
    assert is_refused(tls_server.address, keys.context(protocols=()))
    assert is_refused(tls_server.address, keys.context(protocols=("http/1.1",)))


def test_cleartext_is_refused_on_a_port_with_tls(tls_server):
    assert is_refused(tls_server.address, None)


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(tls_server, keys, version):
    context = keys.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = getattr(ssl.TLSVersion, version)
        context.maximum_version = getattr(ssl.TLSVersion, version)
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert is_refused(tls_server.address, context)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_new_versions_are_served(tls_server, keys, version):
    context = keys.context()
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    assert serves(tls_server.address, context)


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA"])
def test_weak_suites_are_refused(tls_server, keys, cipher):
    context = keys.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    assert is_refused(tls_server.address, context)


def test_a_client_certificate_is_asked_for_and_verified(mutual, keys, tmp_path):
    assert serves(mutual.address, keys.context(with_client=True))
    assert is_refused(mutual.address, keys.context())
    strangers = certificates.make(tmp_path)
    stranger = keys.context()
    stranger.load_cert_chain(strangers.folder / "client.crt", strangers.folder / "client.key")
    assert is_refused(mutual.address, stranger)


@pytest.mark.parametrize("subject, written", [
    ("/CN=conformance client", "CN=conformance client"),
    ("/DC=org/DC=example/UID=7/CN=anna", "CN=anna,UID=7,DC=example,DC=org"),
    ("/C=DE/ST=Berlin/L=Mitte/street=Platz 1/O=A/OU=b+CN=c",
     "CN=c+OU=b,O=A,STREET=Platz 1,L=Mitte,ST=Berlin,C=DE"),
    ("/CN=a,O=x", r"CN=a\,O=x"),
    ('/CN=a\\+b";<c>\\\\d', r'CN=a\+b\"\;\<c\>\\d'),
    # An accent upon the comma makes it one character, and a comma still.
    ("/CN=a,\u0301O=x", "CN=a\\,\u0301O=x"),
    ("/CN= a# ", r"CN=\ a#\ "),
    ("/CN=#a b", r"CN=\#a b"),
    ("/CN=a\x01\x7f", r"CN=a\01\7f"),
    ("/CN=Zoë 名前 \U0001F608", "CN=Zoë 名前 \U0001F608"),
    ("/serialNumber=5/CN=a", "CN=a,2.5.4.5=#130135"),
])
def test_the_subject_of_a_client_is_known(tmp_path, subject, written):
    keys = certificates.make(tmp_path, subject)
    server = Server.listening(*keys.options(with_client_ca=True))
    try:
        with grpc.secure_channel(server.target, keys.credentials(with_client=True)) as channel:
            request = testing.SimpleRequest(fill_username=True)
            assert Stub(channel).unary(request, timeout=10).username == written
    finally:
        server.stop()


def test_large_answers_come_whole(tls_server, keys):
    request = testing.StreamingOutputCallRequest(response_parameters=[
        testing.ResponseParameters(size=3_000_000) for _ in range(10)])
    with grpc.secure_channel(tls_server.target, keys.credentials()) as channel:
        for response in Stub(channel).output(request, timeout=20):
            assert response.payload.body == bytes(3_000_000)


def test_connections_that_end_in_their_handshake_are_counted_out(keys):
    server = Server.listening(*keys.options(), max_connections=4)
    try:
        for turn in range(40):
            with socket.create_connection(server.address, timeout=10) as half:
                half.sendall([b"", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n",
                              b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"][turn % 4])
                if turn // 4 % 2:
                    # RST instead of FIN.
                    half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        deadline = time.monotonic() + 5
        while is_refused(server.address, keys.context()):
            assert time.monotonic() < deadline, "their places are not given back"
        assert serves(server.address, keys.context())
    finally:
        server.stop()


def test_a_handshake_under_way_does_not_hold_up_the_end(keys):
    server = Server.listening(*keys.options())
    with socket.create_connection(server.address, timeout=10) as slow:
        slow.sendall(b"\x16\x03\x01")
        assert serves(server.address, keys.context())
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 3
    with pytest.raises(AssertionError, match="ended by itself with 0"):
        server.stop()


def test_a_handshake_that_does_not_end_is_cut_off(keys):
    server = Server.listening(*keys.options(), handshake_timeout="500ms")
    try:
        for start in (b"", b"\x16\x03\x01\x02\x00\x01\x00"):
            with socket.create_connection(server.address, timeout=10) as slow:
                slow.sendall(start)
                slow.settimeout(3)
                assert slow.recv(1) == b"", "still open"
        assert serves(server.address, keys.context())
    finally:
        server.stop()


def test_certificates_are_read_again_on_sighup(tmp_path):
    keys = certificates.make(tmp_path)
    server = Server.listening(*keys.options())
    try:
        with Client(server.address, timeout=5, tls=keys.context()) as before:
            old = keys.context()
            keys.renew()
            server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 5
            while is_refused(server.address, keys.context()):
                assert time.monotonic() < deadline, "still the old certificate"
            assert is_refused(server.address, old)
            # The connection from before goes on.
            assert check(before.open(EMPTY_CALL).send(b"", end=True).finish()).status == 0
    finally:
        server.stop()


def test_faulty_certificates_are_not_taken(tmp_path):
    keys = certificates.make(tmp_path)
    server = Server.listening(*keys.options())
    try:
        context = keys.context()
        certificate = tmp_path / "server.crt"
        good = certificate.read_bytes()
        for turn, bad in enumerate([b"", b"no PEM", good[:len(good) // 2], keys.client_certificate]):
            certificate.write_bytes(bad)
            server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 5
            while server.log().count("certificates not reloaded") <= turn:
                assert time.monotonic() < deadline, f"no word of it: {server.log()}"
                time.sleep(0.02)
            assert serves(server.address, context)
    finally:
        server.stop()


# A client's certificate that is its own authority

PINNED = {"basicConstraints": "critical,CA:FALSE", "keyUsage": "critical,digitalSignature",
          "extendedKeyUsage": "clientAuth"}


def shows(keys, name):
    context = keys.context()
    context.load_cert_chain(keys.folder / f"{name}.crt", keys.folder / f"{name}.key")
    return context


def pinning(keys, *names):
    """A server that trusts these certificates."""
    file = keys.folder / "pinned.pem"
    file.write_bytes(b"".join((keys.folder / f"{name}.crt").read_bytes() for name in names))
    return Server.listening(*keys.options(), "--tls-client-ca", str(file))


@pytest.fixture
def own_keys(tmp_path):
    return certificates.make(tmp_path)


@pytest.mark.parametrize("extensions", [
    PINNED, {"keyUsage": "digitalSignature"}, {**PINNED, "keyUsage": "digitalSignature,keyAgreement"},
    {"basicConstraints": "CA:TRUE", "keyUsage": "digitalSignature"},
], ids=["leaf", "usage alone", "two usages", "authority by name alone"])
def test_a_pinned_certificate_need_not_be_an_authority(own_keys, extensions):
    """As OpenSSL takes it; the public suites make theirs so."""
    folder = own_keys.folder
    certificates.signed_by_itself(folder, "anna", "/CN=anna", extensions)
    certificates.signed_by_itself(folder, "bert", "/CN=bert", extensions)
    # The same name, another key.
    certificates.signed_by_itself(folder, "other", "/CN=anna", extensions)
    # One that may sign nothing has signed it.
    certificates.signed_by(folder, "anna", "child", "/CN=bert")
    server = pinning(own_keys, "anna", "bert")
    try:
        for name in ("anna", "bert"):
            credentials = grpc.ssl_channel_credentials(
                own_keys.server_certificate, (folder / f"{name}.key").read_bytes(),
                (folder / f"{name}.crt").read_bytes())
            with grpc.secure_channel(server.target, credentials) as channel:
                request = testing.SimpleRequest(fill_username=True)
                answer = Stub(channel).unary(request, timeout=10)
                assert answer.username == f"CN={name}"
        for name in ("other", "child", "client"):
            assert is_refused(server.address, shows(own_keys, name)), name
        chain = (folder / "child.crt").read_bytes() + (folder / "anna.crt").read_bytes()
        (folder / "child.crt").write_bytes(chain)
        assert is_refused(server.address, shows(own_keys, "child")), "with its signer"
        assert is_refused(server.address, own_keys.context())
    finally:
        server.stop()


@pytest.mark.parametrize("start, end", [
    ("20200101000000Z", "20200201000000Z"), ("20980101000000Z", "20990101000000Z")])
def test_a_pinned_certificate_has_its_time(own_keys, start, end):
    certificates.signed_by_itself(own_keys.folder, "anna", "/CN=anna", PINNED, start, end)
    server = pinning(own_keys, "anna")
    try:
        assert is_refused(server.address, shows(own_keys, "anna"))
    finally:
        server.stop()


def test_authorities_beside_pinned_certificates_count_still(own_keys):
    """The pinned ones are then no good, and the log says so."""
    folder = own_keys.folder
    certificates.signed_by_itself(folder, "anna", "/CN=anna", PINNED)
    certificates.signed_by_itself(folder, "root", "/CN=root", {"basicConstraints": "CA:TRUE"})
    certificates.signed_by(folder, "root", "child", "/CN=child")
    server = pinning(own_keys, "root", "anna")
    try:
        assert serves(server.address, shows(own_keys, "child"))
        assert is_refused(server.address, shows(own_keys, "anna"))
        assert "CN=anna" in server.log() and "may sign no other" in server.log()
    finally:
        server.stop()


# What the log says


def logged(server, text, seconds=5):
    deadline = time.monotonic() + seconds
    while text not in server.log():
        assert time.monotonic() < deadline, f"no {text!r} in the log: {server.log()}"
        time.sleep(0.02)


def test_a_refused_handshake_is_told_of_with_what_to_do(own_keys):
    server = Server.listening(*own_keys.options(with_client_ca=True))
    try:
        assert is_refused(server.address, own_keys.context())
        logged(server, "--tls-client-ca demands a certificate")
        certificates.signed_by_itself(own_keys.folder, "anna", "/CN=anna", PINNED)
        assert is_refused(server.address, shows(own_keys, "anna"))
        logged(server, "no authority of --tls-client-ca")
        assert is_refused(server.address, None)
        logged(server, "speaks without TLS")
        assert is_refused(server.address, own_keys.context(
            with_client=True, protocols=("http/1.1",)))
        logged(server, "does not offer h2")
        distrustful = ssl.create_default_context()
        assert is_refused(server.address, distrustful)
        logged(server, "does not trust the server's certificate")
        assert server.log().count("TLS handshake refused") == 5
        # Each kind once in a while, whoever calls.
        for _ in range(50):
            assert is_refused(server.address, own_keys.context())
        assert server.log().count("TLS handshake refused") == 5
    finally:
        server.stop()


def test_whoever_only_looks_whether_the_port_is_open_is_not_told_of(own_keys):
    server = Server.listening(*own_keys.options())
    try:
        for _ in range(5):
            socket.create_connection(server.address, timeout=10).close()
        assert serves(server.address, own_keys.context())
        assert "TLS handshake" not in server.log()
    finally:
        server.stop()


def in_days(days):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return moment.strftime("%Y%m%d%H%M%SZ")


def lasting(keys, start, end):
    certificates.signed_by_itself(keys.folder, "server", "/CN=localhost", {
        "subjectAltName": "DNS:localhost,IP:127.0.0.1", "extendedKeyUsage": "serverAuth"}, start, end)


@pytest.mark.parametrize("start, end, said", [
    (-40, -10, "has expired"), (-1, 29, "expires soon"), (3, 300, "is not valid yet"),
    (-1, 31, None)])
def test_a_server_certificate_out_of_its_time_is_told_of(own_keys, start, end, said):
    lasting(own_keys, in_days(start), in_days(end))
    server = Server.listening(*own_keys.options())
    try:
        if said:
            assert server.log().count(said) == 1, server.log()
            assert "CN=localhost" in server.log()
        else:
            assert "certificate" not in server.log()
        # At a reload again.
        lasting(own_keys, in_days(-300), in_days(-200))
        server.process.send_signal(signal.SIGHUP)
        logged(server, "has expired")
    finally:
        server.stop()
