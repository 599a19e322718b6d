"""The server under test for the wire: datasync-conformance, alone in its process."""

import pytest

import attack
import certificates
from server import Server


def pytest_addoption(parser):
    group = parser.getgroup("wire")
    group.addoption("--peer", metavar="HOST:PORT",
                    help="run h2spec's cases against another server, to test the tests")
    group.addoption("--soak", action="store_true",
                    help="run the soaks at full length: 100,000 connections, 10,000 calls")


@pytest.fixture(scope="session")
def soak(request):
    return request.config.getoption("--soak")


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def tls_server(keys):
    """With TLS, for clients without a certificate."""
    server = Server.listening(*keys.options())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def server():
    """For tests that leave it as it was."""
    server = Server.listening()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def peer(request):
    """Where h2spec's cases go: our server, or another one."""
    other = request.config.getoption("--peer")
    if other:
        host, port = other.rsplit(":", 1)
        return host, int(port)
    return request.getfixturevalue("server").address


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid.split('::')[-1]}: {name}: {value}")
    if not attack.RECORD:
        return
    terminalreporter.section("attacks: what a bystander saw")
    for name, calls, worst, memory in attack.RECORD:
        terminalreporter.write_line(
            f"{name:36} {calls:5} calls, worst {worst * 1000:6.1f} ms, memory {memory >> 10:+7} KiB")
