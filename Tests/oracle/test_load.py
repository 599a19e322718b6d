"""Many subscriptions, and one client that stops reading under load.

By default 1,000 subscriptions on 20 connections; `--full`: 10,000 on 100, and a minute's sleep: all
of it takes four minutes and, for as long, 20 GB of disk.
"""

import pytest

import load

# What the server may grow by while one sleeps, beyond what the same writes cost it while nobody
# does: the marks of one call, and an allocator's rest.
MAX_GROWTH_BYTES = 16 << 20


@pytest.fixture
def size(request):
    if request.config.getoption("--full"):
        return load.Size(10_000, 100, 60)
    return load.Size(1000, 20, 12, writes=1000)


@pytest.fixture
def server(tmp_path):
    server = load.start_server(tmp_path)
    yield server
    try:
        server.stop()
    finally:
        # At the full size too much to be kept.
        for file in tmp_path.glob("load.db*"):
            if not file.name.endswith(".log"):
                file.unlink()


def growth(phase):
    return (phase["highest_kib"] - phase["base_kib"]) << 10


@pytest.mark.timeout(900)
def test_a_sleeper_costs_nobody_anything(server, size, record_property):
    report = load.run(server, size)
    assert not report["violations"], "\n".join(report["found"])
    phases = report["phases"]
    before, asleep, waking, after = (
        phases[name] for name in ("awake", "asleep", "catching up", "awake again")
    )
    # What came to its socket but was not read was none of the server's business any more.
    owed = report["lacked"] * load.BODY_BYTES - report["unread_bytes"]
    record_property(
        "load",
        f"{size.subscriptions} subscriptions, {size.connections} connections: latency p50/p95 "
        + ", ".join(
            f"{name} {phase['p50_ms']:.1f}/{phase['p95_ms']:.1f} ms"
            for name, phase in phases.items() if phase["writes"]
        )
        + f"; {asleep['writes']} writes, {owed >> 20} MiB owed; memory grew "
        + ", ".join(f"{name} {growth(phase) >> 20} MiB" for name, phase in phases.items())
        + f", to {report['rss_kib'] >> 10} MiB; caught up in {waking['seconds']:.1f} s; client"
        f" {report['driver_busy'] * 100:.0f} % of a core, {report['driver_kib'] >> 10} MiB",
    )
    assert owed > 2 * MAX_GROWTH_BYTES, "the sleeper was not owed enough to prove anything"
    for phase in asleep, waking:
        assert growth(phase) < growth(before) + MAX_GROWTH_BYTES
    # Within noise, of which the two times without a sleeper tell: others use this machine too.
    assert asleep["p50_ms"] < 1.5 * max(before["p50_ms"], after["p50_ms"]) + 2
    assert asleep["p95_ms"] < 2 * max(before["p95_ms"], after["p95_ms"]) + 20
