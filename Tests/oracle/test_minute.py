"""A minute of the oracle."""

import oracle


def test_nothing_is_found_in_random_histories(seed, tmp_path, request, record_property):
    minutes = request.config.getoption("--oracle-seconds") / 60
    outcome = oracle.run(seed, minutes, tmp_path)
    record_property("oracle", f"{outcome.rounds} rounds, {outcome.counts}")
    assert not outcome.found, f"seed {seed}\n{outcome.report()}"
