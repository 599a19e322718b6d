"""HTTP/2 to the letter: the 147 cases of h2spec 2.6.0 in strict mode."""

import pytest

import h2spec_generic  # noqa: F401  each registers its cases
import h2spec_http2  # noqa: F401
import h2spec_hpack  # noqa: F401
from h2spec_cases import CASES
from http2 import Connection


def name(case):
    section, number, sentence, _ = case
    return f"{section}/{number}: {sentence}"


def test_all_cases_of_h2spec_are_here():
    groups = [section.split("/")[0] for section, *_ in CASES]
    assert {group: groups.count(group) for group in groups} == {
        "generic": 44, "http2": 95, "hpack": 8}


@pytest.mark.parametrize("case", CASES, ids=map(name, CASES))
def test_h2spec(case, peer):
    with Connection(peer, timeout=2) as connection:
        case[3](connection)


@pytest.mark.parametrize("case", CASES, ids=map(name, CASES))
def test_h2spec_over_tls(case, tls_server, keys):
    with Connection(tls_server.address, timeout=2, tls=keys.context()) as connection:
        case[3](connection)
