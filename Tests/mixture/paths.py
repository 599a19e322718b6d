"""Where the modules of the other folders' tests are, for the tests and for their processes."""

import pathlib

TESTS = pathlib.Path(__file__).resolve().parents[1]
# Acceptance first: its `server` is the one meant.
SHARED = [str(TESTS / folder) for folder in ("acceptance", "oracle", "durability", "wire")]
