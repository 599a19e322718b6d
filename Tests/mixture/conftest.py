"""What these tests share: the modules of the other folders, and the seed."""

import importlib.util
import sys

import paths

sys.path[:0] = paths.SHARED

_spec = importlib.util.spec_from_file_location(
    "acceptance_conftest", paths.TESTS / "acceptance" / "conftest.py"
)
_acceptance = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_acceptance)

SEED = _acceptance.SEED
serve = _acceptance.serve
pytest_terminal_summary = _acceptance.pytest_terminal_summary


def pytest_report_header(config):
    return f"datasync mixtures: seed {SEED}"
