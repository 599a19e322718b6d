"""Client certificates as credentials: whose one name of the kind asked for is the principal."""

import sqlite3
import shutil
import time

import grpc
import pytest

from errors import refused
from server import Server, run
from session import Session
from test_tls import authority, openssl

SQL = """
CREATE TABLE notes (id TEXT PRIMARY KEY, owner TEXT);
INSERT INTO notes VALUES ('a', 'alice'), ('s', 'spiffe://shop/alice'), ('d', 'alice.example.com');
"""
FILE = """
credentials: { certificates: KIND }
anonymous: {}
tables: { notes: { read: owner eq @principal.id } }
"""
# Names by the names of the files that hold the certificates.
CLIENTS = {
    "uri": ("/CN=alice", "URI:spiffe://shop/alice,DNS:other,DNS:another"),
    "dns": ("/CN=other", "DNS:alice.example.com,IP:127.0.0.1,URI:spiffe://shop/other"),
    "email": ("/CN=other", "email:alice@example.com"),
    "subject": ("/O=Orchard/CN=alice", "DNS:other"),
    "two": ("/CN=alice/CN=bob", "URI:spiffe://a,URI:spiffe://b,DNS:a,DNS:b,email:a@b.c,email:b@b.c"),
    "none": ("/O=Orchard", "IP:127.0.0.1"),
}
CONFIGURATION = """
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
[any]
commonName = optional
organizationName = optional
"""

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificates")


def certificate(folder, name, subject, names, until=None):
    """Signed by the authority of the folder, for two days or until a second since 1970."""
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
    openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out",
        f"{name}.csr", cwd=folder)
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(until or time.time() + 172_800))
    openssl(
        "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key",
        "-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.ext", "-enddate", end,
        cwd=folder)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder, "root")
    (folder / "ca.cnf").write_text(CONFIGURATION)
    (folder / "index.txt").touch()
    (folder / "index.txt.attr").write_text("unique_subject = no\n")
    (folder / "serial").write_text("01\n")
    certificate(folder, "server", "/CN=server", "DNS:localhost,IP:127.0.0.1")
    for name, (subject, names) in CLIENTS.items():
        certificate(folder, name, subject, names)
    return folder


class SecureServer(Server):
    """As the client that a certificate is of."""

    def __init__(self, database, *arguments, folder, **options):
        super().__init__(database, *arguments, **options)
        self.folder = folder
        self.client = "uri"

    def channel(self):
        read = lambda name: (self.folder / name).read_bytes()
        credentials = grpc.ssl_channel_credentials(
            read("root.pem"), read(f"{self.client}.key"), read(f"{self.client}.pem"))
        channel = grpc.secure_channel(
            self.address, credentials, options=[("grpc.use_local_subchannel_pool", 1)])
        self._channels.append(channel)
        return channel

    def become(self, client):
        self._close_channels()
        self.client = client


@pytest.fixture
def place(tmp_path, certificates):
    servers = []

    def start(kind, *arguments):
        connection = sqlite3.connect(tmp_path / "a.db")
        connection.executescript(SQL)
        connection.close()
        (tmp_path / "access.yml").write_text(FILE.replace("KIND", kind))
        server = SecureServer(
            tmp_path / "a.db", "--attach", "--access", tmp_path / "access.yml",
            "--tls-cert", certificates / "server.pem", "--tls-key", certificates / "server.key",
            "--tls-client-ca", certificates / "root.pem", *arguments, folder=certificates)
        servers.append(server.start())
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize("kind, client, principal, row", [
    ("san-uri", "uri", "spiffe://shop/alice", "s"), ("san-dns", "dns", "alice.example.com", "d"),
    ("san-email", "email", "alice@example.com", None), ("common-name", "subject", "alice", "a"),
])
def test_the_one_name_of_a_certificate_is_the_principal(place, kind, client, principal, row):
    server = place(kind)
    server.become(client)
    with Session(server, client_id="c") as session:
        opened = session.opened
        assert opened.principal == principal
        assert abs(opened.expires_at.ToSeconds() - time.time() - 172_800) < 300
        assert [found["id"] for found in session.rows("notes")] == ([row] if row else [])
    # Two of the kind name nobody, and none does; nobody becomes anonymous by that.
    for client in ("two", "none"):
        server.become(client)
        with Session(server) as session:
            error = session.ended(20)
        assert (error.code, error.reason) == ("UNAUTHENTICATED", "CREDENTIALS_INVALID")
        with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
            server.unary("Query", table="notes")


def test_a_bearer_goes_before_the_certificate(place):
    server = place("san-uri")
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        server.unary("Query", table="notes", metadata=[("authorization", "Bearer wrong")])
    with Session(server) as session:
        with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
            session.call("authenticate", token="wrong")
        assert session.call("authenticate", token="").principal == "spiffe://shop/alice"


def test_a_session_ends_with_its_certificate(place, certificates):
    certificate(certificates, "short", "/CN=x", "URI:spiffe://shop/alice", int(time.time()) + 6)
    server = place("san-uri")
    server.become("short")
    with Session(server, client_id="c") as session:
        left = session.opened.expires_at.ToSeconds() - time.time()
        assert 0 < left <= 6
        events = session.subscribe("notes")
        events.until_current()
        with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
            events.change(20)
        with refused("UNAUTHENTICATED", "CREDENTIALS_EXPIRED"):
            session.call("query", table="notes")


def test_certificates_are_no_credentials_where_none_is_demanded(tmp_path, certificates):
    sqlite3.connect(tmp_path / "a.db").executescript(SQL)
    (tmp_path / "access.yml").write_text(FILE.replace("KIND", "san-uri"))
    done = run(
        "serve", tmp_path / "a.db", "--attach", "--listen", "127.0.0.1:0", "--access",
        tmp_path / "access.yml")
    assert done.returncode != 0
    assert "credentials.certificates" in done.stderr and "--tls-client-ca" in done.stderr
