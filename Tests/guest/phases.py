"""A database and a program of its owner's: alone, while it is served, and alone again."""

import subprocess
import sys
import textwrap

from owner import detach, execute
from served import MARKS, Served


class Phases:
    """One database that a tool uses: alone, while it is served, and alone again."""

    def __init__(self, path):
        self.path = path
        self.served = None

    def serve(self):
        execute(self.path, MARKS.strip("\n;"))
        self.served = Served(self.path, "--attach")
        return self.served

    def leave(self):
        self.served.end()
        self.served.close()
        self.served = None
        detach(self.path)
        execute(self.path, "DROP TABLE guest_marks")


def python(folder, code, *arguments):
    """A program of its own, so that no tool keeps anything from the time before."""
    script = folder / "program.py"
    script.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=folder
    )
    assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
    return done.stdout
