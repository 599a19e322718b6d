"""Servers and the driver as processes: started on free ports, all ended with the benchmark."""

import atexit
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import build

START_SECONDS = 60
_running = []
_directories = []


def directory():
    """A directory of its own on the disk that the repository is on; gone with the benchmark."""
    build.OUT.mkdir(exist_ok=True)
    path = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=build.OUT))
    _directories.append(path)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that listens on a loopback port."""

    def __init__(self, command, port=None, ready=None, environment=None,
                 start_seconds=START_SECONDS):
        """`ready`: a pattern of its first line whose group is the port; else the port is tried."""
        self.log = tempfile.TemporaryFile(dir=build.OUT)
        began = time.monotonic()
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, env=environment,
            stdout=subprocess.PIPE if ready else self.log, stderr=self.log)
        _running.append(self.process)
        self.pid = self.process.pid
        self.start_seconds = start_seconds
        self.port = self._read_port(ready) if ready else self._await(port)
        self.seconds_to_ready = time.monotonic() - began

    def _read_port(self, ready):
        output = b""
        until = time.monotonic() + self.start_seconds
        while b"\n" not in output and time.monotonic() < until:
            if select.select([self.process.stdout], [], [], 1)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                if not more:
                    break
                output += more
        found = re.search(ready, output.decode(errors="replace"))
        if not found:
            raise RuntimeError(f"{self.process.args[0]} did not start: {output!r} {self.errors()}")
        return int(found[1])

    def _await(self, port):
        until = time.monotonic() + self.start_seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return port
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.process.args[0]} did not start: {self.errors()}")

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]

    def cpu_us(self):
        """User and system time of all its threads so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")

    def resident_kib(self):
        pages = int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") // 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        if self.process in _running:
            _running.remove(self.process)


@atexit.register
def end_all():
    for process in _running:
        if process.poll() is None:
            process.kill()
    for path in _directories:
        shutil.rmtree(path, ignore_errors=True)


def started(command, stdin=subprocess.DEVNULL):
    """A program that ends with the benchmark, or by `end`."""
    process = subprocess.Popen(
        [str(word) for word in command], stdin=stdin, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    _running.append(process)
    return process


def end(process):
    if process.poll() is None:
        process.kill()
        process.wait(5)
    _running.remove(process)


def measure(command, seconds):
    """Runs a program that prints one line of JSON."""
    process = started(command)
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{command[0]} {command[1]} took more than {seconds} s") from None
    finally:
        end(process)
    if process.returncode:
        raise RuntimeError(errors.strip()[-500:] or f"exit {process.returncode}")
    result = json.loads(output.splitlines()[-1])
    if errors.strip():
        result["said"] = errors.strip()[-500:]
    return result
