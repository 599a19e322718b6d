"""Random histories under rules that change: nothing is found, and broken policy code is."""

import pytest

import policies

FAULTS = [
    "stale-sets", "no-judged-add", "no-judged-delete", "old-rights-in-commit", "judged-twice",
    "any-mark", "set-index-after-only", "stale-rules",
]
ROUNDS = 4


def test_what_is_shown_is_what_the_rules_show(seed, tmp_path, record_property):
    found, said = policies.run_round(seed, tmp_path, seconds=6)
    record_property("policies", said)
    assert not found, f"seed {seed}: {said}\n" + "\n".join(found[:8])


@pytest.mark.parametrize("fault", FAULTS)
def test_rule_exact_finds_the_fault(fault, seed, tmp_path):
    for number in range(ROUNDS):
        found, said = policies.run_round(f"{seed} {number}", tmp_path / str(number), fault, seconds=2)
        if found:
            return
    pytest.fail(f"{fault} went unnoticed in {ROUNDS} rounds, seed {seed}: {said}")
