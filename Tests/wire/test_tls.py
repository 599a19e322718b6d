"""TLS: what is asked of a client, what is refused, and certificates that change."""

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
            with socket.create_connection(server.address) as half:
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
    with socket.create_connection(server.address) as slow:
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
            with socket.create_connection(server.address) as slow:
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
