"""The public gRPC interoperability tests, with C++ as the client; see interop.cc.

Needs g++, pkg-config, libgrpc++-dev, protobuf-compiler and protobuf-compiler-grpc; the program is
compiled once, and again where its sources have changed.
"""

import hashlib
import pathlib
import re
import shutil
import subprocess

import pytest

from server import ROOT

SOURCE = pathlib.Path(__file__).with_name("interop.cc")
PROTOS = ["grpc/testing/messages.proto", "grpc/testing/test.proto"]
NAMES = re.findall(r"CASE\((\w+)\)", SOURCE.read_text().split("#define CASE")[1])
TOOLS = ["g++", "pkg-config", "protoc", "grpc_cpp_plugin"]


def compiled():
    """The program, in the build folder under the hash of what it is made of."""
    sources = [SOURCE, *(ROOT / "proto" / proto for proto in PROTOS)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = ROOT / ".build" / "interop-cpp" / digest
    program = folder / "interop"
    if program.exists():
        return program
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)

    def run(*command):
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr[-4000:]
        return result.stdout.split()

    plugin = shutil.which("grpc_cpp_plugin")
    run("protoc", f"--proto_path={ROOT / 'proto'}", "--cpp_out=.", "--grpc_out=.",
        f"--plugin=protoc-gen-grpc={plugin}", *PROTOS)
    generated = [str(path) for path in folder.rglob("*.cc")]
    flags = run("pkg-config", "--cflags", "grpc++", "protobuf")
    libraries = run("pkg-config", "--libs", "grpc++", "protobuf")
    run("g++", "-std=c++17", "-O0", "-I.", *flags, str(SOURCE), *generated, "-o", "interop.new",
        *libraries)
    (folder / "interop.new").rename(program)
    return program


@pytest.fixture(scope="module")
def outcomes(server, soak):
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing or subprocess.run(["pkg-config", "--exists", "grpc++"], timeout=30).returncode:
        pytest.skip(f"no C++ gRPC here: {', '.join(missing) or 'libgrpc++-dev'} is missing")
    result = subprocess.run([compiled(), server.target, "10000" if soak else "200"],
                            capture_output=True, text=True, timeout=600 if soak else 120)
    assert result.returncode == 0, result.stderr
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    return {rest.split(":")[0]: (word, rest) for word, rest in lines}


@pytest.mark.parametrize("name", NAMES)
def test_interop_cpp(name, outcomes):
    assert outcomes[name][0] == "ok", outcomes[name][1]
