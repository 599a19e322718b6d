"""The oracle's tests use the acceptance suite's client."""

import pathlib
import random
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "acceptance"))

SEED = random.randrange(2**32)


def pytest_addoption(parser):
    parser.addoption("--seed", help="the random histories' seed; a number or any text")
    parser.addoption(
        "--oracle-seconds", type=float, default=60, help="how long the oracle's run takes"
    )
    parser.addoption("--full", action="store_true", help="the load test at its full size")


def seed_of(config):
    return config.getoption("--seed") or str(SEED)


def pytest_report_header(config):
    return f"datasync oracle: seed {seed_of(config)}"


@pytest.fixture
def seed(request):
    return seed_of(request.config)


def pytest_terminal_summary(terminalreporter):
    """What tests measured is shown whether they passed or not."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")
