"""What the tests of browsers share: the acceptance tests' servers, a real browser, and Node."""

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
SCHEMAS = _acceptance.SCHEMAS
seeded = _acceptance.seeded
serve = _acceptance.serve
demo = _acceptance.demo
demo_template = _acceptance.demo_template
own_shop = _acceptance.own_shop
pytest_terminal_summary = _acceptance.pytest_terminal_summary

from browser import Browser, program  # noqa: E402
from node import Node  # noqa: E402
from served import Served  # noqa: E402


@pytest.fixture
def site(tmp_path):
    """Serves databases to the web until the test ends: site(schema or None, "--limit", …)."""
    made = []

    def make(schema, *arguments, name="site.db"):
        schema = ["--schema", schema] if schema else []
        made.append(Served(tmp_path / name, *schema, "--attach", *arguments))
        return made[-1]

    yield make
    for served in made:
        served.close()


@pytest.fixture
def node(tmp_path):
    """Makes processes of Node with the client's module: node().run("…")."""
    made = []

    def make(*flags):
        made.append(Node(tmp_path / f"node-{len(made)}.log", *flags))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def chromium():
    """One browser for all tests of a process; their storage is apart."""
    if not program():
        pytest.skip("there is no Chromium here")
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def window(chromium):
    """Makes pages that share a storage of this test's own: window(url, width=…)."""
    with chromium.context() as page:
        yield page
