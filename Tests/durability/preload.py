"""Libraries of our own that stand between the server and the system, built when a test needs them."""

import mmap
import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).parent
# As faults.c numbers them, and the size of its `struct control`.
KINDS = {"write": 1, "sync": 2, "truncate": 3, "open": 4, "allocation": 5}
SIZE = 4 * (5 + 6)


def build(name, directory):
    """Compiles NAME.c; returns the library's path."""
    library = pathlib.Path(directory) / f"{name}.so"
    compiled = subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(library),
         str(HERE / f"{name}.c"), "-ldl", "-lpthread"],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )
    assert compiled.returncode == 0, compiled.stderr
    return library


def put_before(server, library):
    """The server has the library from its next start, beside those that it has already."""
    libraries = filter(None, [server.environment.get("LD_PRELOAD"), str(library)])
    server.environment = server.environment | {"LD_PRELOAD": ":".join(libraries)}


class Clock:
    """The calendar's clock as a server sees it."""

    def __init__(self, server, directory):
        path = directory / "clock"
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), 8)
        put_before(server, build("clock", directory))
        server.environment |= {"CLOCK_CONTROL": str(path)}

    def set(self, seconds):
        """So much ahead of the machine's, or back where it is less than nothing."""
        self.shared[:] = struct.pack("q", round(seconds * 1_000_000))


class Faults:
    """What is to fail in a server, and how often it did."""

    def __init__(self, server, directory):
        path = directory / "faults"
        path.write_bytes(bytes(SIZE))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), SIZE)
        put_before(server, build("faults", directory))
        server.environment |= {"FAULTS_DATABASE": str(server.database), "FAULTS_CONTROL": str(path)}

    def arm(self, kind, error, n, sticky=False):
        self.shared[4:20] = struct.pack("iiii", error, n, sticky, 0)
        self.shared[0:4] = struct.pack("i", KINDS[kind])

    def disarm(self):
        self.shared[0:4] = struct.pack("i", 0)

    @property
    def injected(self):
        return struct.unpack("i", self.shared[16:20])[0]

    def calls(self, kind):
        return struct.unpack("6i", self.shared[20:44])[KINDS[kind]]
