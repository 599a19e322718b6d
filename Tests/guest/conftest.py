"""What the guest's tests share: the acceptance tests' client, and a served database of an owner."""

import importlib.util
import pathlib
import sys

import pytest

ACCEPTANCE = pathlib.Path(__file__).resolve().parents[1] / "acceptance"
sys.path.insert(0, str(ACCEPTANCE))

_spec = importlib.util.spec_from_file_location("acceptance_conftest", ACCEPTANCE / "conftest.py")
_acceptance = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_acceptance)

SEED = _acceptance.SEED
seeded = _acceptance.seeded
serve = _acceptance.serve
pytest_terminal_summary = _acceptance.pytest_terminal_summary

from owner import create  # noqa: E402
from phases import Phases  # noqa: E402
from served import MARKS, Served  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="a thousand random schemas")
    parser.addoption("--seed", type=int, help="the random schemas' seed")


def pytest_report_header(config):
    return f"datasync guest: seed {config.getoption('--seed') or SEED}"


@pytest.fixture
def seed(request):
    return request.config.getoption("--seed") or SEED


@pytest.fixture
def guest(tmp_path):
    """Serves databases of an owner until the test ends: guest("CREATE TABLE …", "--soft-delete", …)."""
    made = []

    def make(sql, *arguments, name="owner.db"):
        create(tmp_path / name, sql + MARKS)
        served = Served(tmp_path / name, "--attach", *arguments)
        made.append(served)
        return served

    yield make
    for served in made:
        served.close()


@pytest.fixture
def phases(tmp_path):
    made = Phases(tmp_path / "tool.db")
    yield made
    if made.served:
        made.served.close()
