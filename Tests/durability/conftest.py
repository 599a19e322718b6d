"""What the durability tests share: the acceptance tests' client, and the seed."""

import importlib.util
import os
import pathlib
import sys

ACCEPTANCE = pathlib.Path(__file__).resolve().parents[1] / "acceptance"
sys.path.insert(0, str(ACCEPTANCE))

_spec = importlib.util.spec_from_file_location("acceptance_conftest", ACCEPTANCE / "conftest.py")
_acceptance = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_acceptance)

SEED = _acceptance.SEED
seeded = _acceptance.seeded
serve = _acceptance.serve
own_shop = _acceptance.own_shop
pytest_terminal_summary = _acceptance.pytest_terminal_summary


def number(name, default):
    """A bound that the environment may raise: DATASYNC_KILL_ROUNDS=200."""
    return int(os.environ.get(name) or default)
