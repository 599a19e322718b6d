"""Loss of power at random moments: promise 1 for --synchronous full and normal."""

import os
import sqlite3
import struct
import time
import uuid

import pytest

import crash
from conftest import SEED, number
from errors import Refused
from preload import build
from workload import Crew, Follower

EXIT_CODE = 99


class Power:
    """The supply of a server: goes off on demand, and is back for the next start."""

    def __init__(self, server, random, directory):
        self.server, self.random = server, random
        self.fifo = directory / "power"
        self.boot = directory / "boot_id"
        os.mkfifo(self.fifo)
        server.environment = {
            "LD_PRELOAD": str(build("powerloss", directory)),
            "POWERLOSS_DATABASE": str(server.database),
            "POWERLOSS_FIFO": str(self.fifo),
            "POWERLOSS_BOOT": str(self.boot),
        }

    def on(self):
        self.boot.write_text(f"{uuid.uuid4()}\n")
        self.server.start()

    def off(self):
        """Some calls after a random moment, in the middle of whatever the server is doing."""
        time.sleep(self.random.uniform(0.02, 0.5))
        self.server._ended_on_purpose = True
        with open(self.fifo, "wb") as fifo:
            fifo.write(struct.pack("QQ", self.random.randrange(2**64), self.random.randrange(30)))
        code = self.server.process.wait(15)
        assert code == EXIT_CODE, f"ended with {code}:\n{self.server.log()}"
        self.server._close_channels()


@pytest.mark.parametrize("synchronous", ["full", "normal"])
def test_what_a_power_loss_may_take_is_what_synchronous_says(
    serve, tmp_path, seeded, record_property, synchronous
):
    rounds = number("DATASYNC_POWER_ROUNDS", 10)
    server = serve(
        "ledger.db", "--schema", crash.LEDGER, "--attach", "--synchronous", synchronous
    )
    server.terminate()
    power = Power(server, seeded, tmp_path)
    # The other program's writes do not pass through the library, so it stays out.
    crew = Crew(server, seeded, outsider=False)
    unanswered = kept = gone = replaced = 0
    power.on()
    for round in range(rounds):
        try:
            crew.follower.start(server)
            if synchronous == "full":
                crew.during(power.off)
                happened = crash.recover(crew)
            else:
                before = [dict(writer.rows) for writer in crew.writers]
                crew.during(power.off)
                gone += take_back(crew, before)
                happened = crash.recover(crew)
            unanswered += sum(len(writer.pending) for writer in crew.writers)
            kept += sum(happened.values())
            power.on()
            replaced += resume(crew, server, synchronous)
            crash.settle(crew, happened)
            crew.follower.stop()
            if synchronous == "normal":
                # An end in order syncs all: what is settled here must not be lost later.
                assert server.terminate() == 0
                power.on()
        except BaseException:
            print(f"round {round} of seed {SEED}")
            raise
    done = sum(writer.done for writer in crew.writers)
    assert done > rounds * 10, "hardly anything was written: the rounds show nothing"
    record_property(
        f"power loss, {synchronous}",
        f"{rounds} rounds, {done} operations, {unanswered} unanswered then ({kept} of them had "
        f"happened), {gone} answered and gone, history replaced {replaced} times",
    )


def take_back(crew, before):
    """With `normal` the newest commits may be gone: all of them after one moment, none before it."""
    crash.check(crew.server.database)
    connection = sqlite3.connect(crew.server.database)
    head = connection.execute("SELECT max(sequence) FROM datasync_log").fetchone()[0] or 0
    connection.close()
    count = 0
    for writer, rows in zip(crew.writers, before):
        lost = [o for o in writer.answered if max(o.sequences()) > head]
        count += len(lost)
        assert all(min(o.sequences()) > head for o in lost), "a commit is torn"
        writer.forget(lost)
        writer.rows = rows
        kept, writer.answered = writer.answered, []
        for operation in kept:
            writer._happened(operation)
        writer.done -= len(kept) + len(lost)
    return count


def resume(crew, server, synchronous):
    """Resumes the follower; with `normal` its history may be refused, and it begins anew."""
    crew.follower.start(server)
    try:
        crew.follower.first()
        return 0
    except Refused as error:
        assert synchronous == "normal" and error.reason == "HISTORY_REPLACED", error
    crew.follower.stop()
    crew.follower = Follower()
    crew.follower.start(server)
    crew.follower.reach(0)
    # What happened before is among the rows that it began with, and no event of its.
    crew.uncounted = {o.tag for w in crew.writers for o in w.answered + w.pending}
    return 1
