"""TLS: agreed by ALPN, with client certificates where they are demanded, and new certificates without
a dropped connection."""

import shutil
import signal
import subprocess
import time

import grpc
import pytest

from contract import Contract
from server import run, until

TABLE = "CREATE TABLE pears (id TEXT PRIMARY KEY, weight INTEGER);"

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificates")


def openssl(*arguments, cwd):
    subprocess.run(
        ["openssl", *map(str, arguments)], cwd=cwd, check=True, capture_output=True, timeout=60
    )


def authority(folder, name):
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", f"{name}.key", "-out", f"{name}.pem", cwd=folder,
    )


def certificate(folder, name, signer):
    (folder / f"{name}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/O=Orchard/CN={name}",
        "-keyout", f"{name}.key", "-out", f"{name}.csr", cwd=folder,
    )
    openssl(
        "x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.pem", "-CAkey", f"{signer}.key",
        "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem", cwd=folder,
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("root", "other"):
        authority(folder, name)
    certificate(folder, "server", "root")
    certificate(folder, "next", "other")
    certificate(folder, "client", "root")
    certificate(folder, "stranger", "other")
    return folder


def channel(server, folder, root="root", client=None):
    read = lambda name: (folder / name).read_bytes()
    credentials = grpc.ssl_channel_credentials(
        read(f"{root}.pem"),
        read(f"{client}.key") if client else None,
        read(f"{client}.pem") if client else None,
    )
    return grpc.secure_channel(server.address, credentials)


def tables(channel):
    contract = Contract(channel)
    describe = channel.unary_unary(
        "/datasync.v1.Datasync/Describe",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=contract.class_of("datasync.v1.DescribeResponse").FromString,
    )
    answer = describe(contract.class_of("datasync.v1.DescribeRequest")(), timeout=10)
    return [table.name for table in answer.tables]


def refused(server, folder, **options):
    with channel(server, folder, **options) as refused_channel:
        with pytest.raises(grpc.FutureTimeoutError):
            grpc.channel_ready_future(refused_channel).result(timeout=3)


def tls(folder, name="server"):
    return ["--tls-cert", folder / f"{name}.pem", "--tls-key", folder / f"{name}.key"]


def test_a_client_that_trusts_the_authority_is_served(serve, certificates):
    server = serve("a.db", "--attach", *tls(certificates), sql=TABLE)
    with channel(server, certificates) as trusted:
        assert tables(trusted) == ["pears"]
    refused(server, certificates, root="other")
    with grpc.insecure_channel(server.address) as plain:
        with pytest.raises(grpc.FutureTimeoutError):
            grpc.channel_ready_future(plain).result(timeout=3)


def test_a_client_certificate_is_demanded_where_an_authority_is_given(serve, certificates):
    server = serve(
        "a.db", "--attach", *tls(certificates), "--tls-client-ca", certificates / "root.pem",
        sql=TABLE,
    )
    with channel(server, certificates, client="client") as known:
        assert tables(known) == ["pears"]
    with channel(server, certificates) as nameless:
        with pytest.raises(grpc.RpcError):
            tables(nameless)
    with channel(server, certificates, client="stranger") as stranger:
        with pytest.raises(grpc.RpcError):
            tables(stranger)


def test_sighup_takes_new_certificates_and_drops_no_connection(serve, certificates, tmp_path):
    for suffix in ("pem", "key"):
        shutil.copy(certificates / f"server.{suffix}", tmp_path / f"live.{suffix}")
    server = serve("a.db", "--attach", *tls(tmp_path, "live"), sql=TABLE)
    with channel(server, certificates) as old:
        assert tables(old) == ["pears"]
        for suffix in ("pem", "key"):
            shutil.copy(certificates / f"next.{suffix}", tmp_path / f"live.{suffix}")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while True:
            with channel(server, certificates, root="other") as new:
                try:
                    grpc.channel_ready_future(new).result(timeout=2)
                    assert tables(new) == ["pears"]
                    break
                except grpc.FutureTimeoutError:
                    assert time.monotonic() < deadline, server.log()
        assert tables(old) == ["pears"]
        # Files that do not fit together are refused, and the certificates in use stay.
        shutil.copy(certificates / "server.key", tmp_path / "live.key")
        server.process.send_signal(signal.SIGHUP)
        with channel(server, certificates, root="other") as new:
            assert tables(new) == ["pears"]


def test_an_address_that_others_reach_needs_tls_or_a_word(tmp_path, certificates):
    result = run("serve", tmp_path / "a.db", "--listen", "0.0.0.0:0")
    assert result.returncode != 0 and "--allow-plaintext" in result.stderr
    result = run("serve", tmp_path / "a.db", *tls(certificates)[:2])
    assert result.returncode != 0 and "--tls-key" in result.stderr
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    result = run("serve", tmp_path / "a.db", "--tls-cert", bad, "--tls-key", bad)
    assert result.returncode != 0 and "--tls-cert" in result.stderr


EMPTY = {
    "empty": lambda folder: b"",
    "blank": lambda folder: b"\n\n",
    "text": lambda folder: b"none yet\n",
    "a key alone": lambda folder: (folder / "client.key").read_bytes(),
    "cut short": lambda folder: (folder / "root.pem").read_bytes()[:400],
}


def files(certificates, folder):
    """Files that fit together, under names that a test may overwrite."""
    for name, source in [("cert", "server.pem"), ("key", "server.key"), ("client-ca", "root.pem")]:
        shutil.copy(certificates / source, folder / f"{name}.pem")
    return [
        word for name in ("cert", "key", "client-ca")
        for word in (f"--tls-{name}", folder / f"{name}.pem")
    ]


@pytest.mark.parametrize("content", EMPTY)
@pytest.mark.parametrize("name", ["cert", "key", "client-ca"])
def test_a_tls_option_that_holds_nothing_stops_the_start(certificates, tmp_path, name, content):
    if (name, content) == ("key", "a key alone"):
        content = "cut short"
    options = files(certificates, tmp_path)
    (tmp_path / f"{name}.pem").write_bytes(EMPTY[content](certificates))
    result = run(
        "serve", tmp_path / "a.db", "--schema", "/dev/null", "--listen", "127.0.0.1:0", *options
    )
    assert result.returncode != 0 and "listening" not in result.stdout
    assert str(tmp_path / f"{name}.pem") in result.stderr, result.stderr
    assert f"--tls-{name}" in result.stderr, result.stderr


def test_an_option_without_a_file_name_stops_the_start(certificates, tmp_path):
    options = files(certificates, tmp_path)
    for place in (1, 3, 5):
        given = [*options]
        given[place] = ""
        result = run("serve", tmp_path / "a.db", "--schema", "/dev/null", *given)
        assert result.returncode != 0 and "listening" not in result.stdout
        assert given[place - 1] in result.stderr, result.stderr


@pytest.mark.parametrize("name", ["cert", "key", "client-ca"])
def test_a_tls_option_that_holds_nothing_is_not_taken_on_sighup(
    serve, certificates, tmp_path, name
):
    server = serve("a.db", "--attach", *files(certificates, tmp_path), sql=TABLE)
    for content in EMPTY:
        if (name, content) == ("key", "a key alone"):
            continue
        (tmp_path / f"{name}.pem").write_bytes(EMPTY[content](certificates))
        before = server.log().count("certificates not reloaded")
        server.process.send_signal(signal.SIGHUP)
        until(
            lambda: server.log().count("certificates not reloaded") > before,
            message=f"no word in the log of a file that is {content}",
        )
        assert str(tmp_path / f"{name}.pem") in server.log()
        # As before: those who show a certificate of the authority, and nobody else.
        with channel(server, certificates, client="client") as known:
            assert tables(known) == ["pears"]
        with channel(server, certificates) as nameless:
            with pytest.raises(grpc.RpcError):
                tables(nameless)


def test_sighup_without_end_does_not_fill_the_log(serve, certificates, tmp_path):
    server = serve("a.db", "--attach", *files(certificates, tmp_path), sql=TABLE)
    for _ in range(200):
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.005)
    lines = server.log_path.read_text().count("certificates reloaded")
    assert 1 <= lines <= 8, f"{lines} lines"
