"""Keys and certificates for one run of the tests, made by openssl."""

import pathlib
import ssl
import subprocess
from dataclasses import dataclass

import grpc


@dataclass(frozen=True)
class Keys:
    folder: pathlib.Path

    def _read(self, name):
        return (self.folder / name).read_bytes()

    @property
    def server_certificate(self):
        return self._read("server.crt")

    @property
    def server_key(self):
        return self._read("server.key")

    @property
    def client_certificate(self):
        """Signed by itself, as in the public suites: the one certificate that the server trusts."""
        return self._read("client.crt")

    def options(self, with_client_ca=False):
        """What the server takes on its command line."""
        options = ["--tls-cert", str(self.folder / "server.crt"),
                   "--tls-key", str(self.folder / "server.key")]
        return options + (["--tls-client-ca", str(self.folder / "client.crt")]
                          if with_client_ca else [])

    def renew(self):
        """Other keys for the server, in the same files."""
        _make(self.folder, "server", "/CN=localhost", "serverAuth", *SERVER_NAMES)

    def context(self, with_client=False, protocols=("h2",)):
        context = ssl.create_default_context(cafile=str(self.folder / "server.crt"))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if with_client:
            context.load_cert_chain(self.folder / "client.crt", self.folder / "client.key")
        return context

    def credentials(self, with_client=False):
        client = (self._read("client.key"), self._read("client.crt")) if with_client else (None,) * 2
        return grpc.ssl_channel_credentials(self.server_certificate, *client)


SERVER_NAMES = ("DNS:localhost", "IP:127.0.0.1")


def _make(folder, name, subject, purpose, *names, usage=None):
    alternative = ",".join(names) or "DNS:localhost"
    more = ["-addext", f"keyUsage={usage}"] if usage else []
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.crt",
         "-utf8", "-multivalue-rdn", "-subj", subject, "-addext", f"subjectAltName={alternative}",
         "-addext", f"extendedKeyUsage={purpose}", *more],
        cwd=folder, check=True, capture_output=True, timeout=30)


def make(folder, subject="/CN=conformance client"):
    """Keys in a folder of their own, with the client's name as openssl writes it."""
    _make(folder, "server", "/CN=localhost", "serverAuth", *SERVER_NAMES)
    _make(folder, "client", subject, "clientAuth", usage="digitalSignature")
    return Keys(pathlib.Path(folder))


def _openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def signed_by_itself(folder, name, subject, extensions, start=None, end=None):
    """A key and its certificate with these extensions alone; times as `20200131000000Z`."""
    (folder / "index.txt").write_text("")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\npolicy=any\n"
        "default_md=sha256\nrand_serial=yes\nunique_subject=no\nx509_extensions=own_extensions\n"
        "[any]\ncommonName=supplied\norganizationName=optional\n"
        "[own_extensions]\n" + "".join(f"{key}={value}\n" for key, value in extensions.items()))
    _openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    times = ["-startdate", start] if start else []
    times += ["-enddate", end] if end else ["-days", "2"]
    _openssl(folder, "ca", "-batch", "-selfsign", "-config", "ca.cnf", "-notext", "-keyfile",
             f"{name}.key", "-in", f"{name}.csr", "-out", f"{name}.crt", *times)


def signed_by(folder, signer, name, subject):
    """A key and a certificate that another one has signed, whether it may or not."""
    _openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{signer}.crt", "-CAkey",
             f"{signer}.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.crt")
