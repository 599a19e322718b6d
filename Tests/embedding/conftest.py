"""A package outside the repository, which depends on it by its path, built once; its programs, run."""

import pathlib
import re
import signal
import subprocess
import threading

import grpc
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD_SECONDS = 1700
START_SECONDS = 30
STOP_SECONDS = 20


@pytest.fixture(scope="session")
def programs():
    """The folder of the built programs."""
    options = [
        "--package-path", str(HERE / "package"),
        "--scratch-path", str(ROOT / ".build" / "embedding"),
    ]
    built = subprocess.run(
        ["swift", "build", *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BUILD_SECONDS,
    )
    assert built.returncode == 0, f"the package does not build:\n{built.stdout[-2000:]}{built.stderr[-2000:]}"
    shown = subprocess.run(
        ["swift", "build", "--show-bin-path", *options],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )
    return pathlib.Path(shown.stdout.strip())


class Program:
    """One of them, with the lines that it prints."""

    def __init__(self, path, *arguments, cwd):
        self.process = subprocess.Popen(
            [str(path), *map(str, arguments)], cwd=cwd, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.lines = []
        self.errors = []
        self._news = threading.Condition()
        for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.errors)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    def _read(self, stream, lines):
        for line in stream:
            with self._news:
                lines.append(line.rstrip("\n"))
                self._news.notify_all()

    def line(self, pattern, seconds=START_SECONDS):
        """Waits for a line of either stream, and returns the match."""
        def found():
            return next(filter(None, (re.search(pattern, line) for line in self.lines + self.errors)), None)

        with self._news:
            self._news.wait_for(found, seconds)
            match = found()
        assert match, f"no line {pattern!r} in {seconds} s:\n{self.lines}\n{self.errors[-20:]}"
        return match

    def channel(self):
        address = self.line(r"listening on (\S+)").group(1)
        return grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])

    def stop(self, number=signal.SIGTERM):
        """Its exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


@pytest.fixture
def start(programs, tmp_path):
    """Starts a program in a folder of its own; ends it, where the test has not."""
    started = []

    def start(name, *arguments):
        program = Program(programs / name, *arguments, cwd=tmp_path)
        started.append(program)
        return program

    yield start
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait(STOP_SECONDS)
