"""Libraries of our own that stand between the server and the system, built when a test needs them."""

import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent


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
