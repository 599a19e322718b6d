"""SIGKILL at random moments under mixed writers: promises 1, 3, 5, 7 and 10."""

import time

import crash
from conftest import SEED, number
from workload import Crew


def test_nothing_answered_is_lost_and_nothing_happens_twice_when_the_server_is_killed(
    serve, seeded, record_property
):
    rounds = number("DATASYNC_KILL_ROUNDS", 20)
    server = serve("ledger.db", "--schema", crash.LEDGER, "--attach")
    crew = Crew(server, seeded)
    unanswered = kept = 0
    for round in range(rounds):
        crew.follower.start(server)

        def kill():
            time.sleep(seeded.uniform(0.02, 0.5))
            server.kill()

        try:
            crew.during(kill)
            happened = crash.recover(crew)
            unanswered += sum(len(writer.pending) for writer in crew.writers)
            kept += sum(happened.values())
            server.start()
            crew.follower.start(server)
            crash.settle(crew, happened)
            crew.follower.stop()
        except BaseException:
            print(f"round {round} of seed {SEED}")
            raise
    done = sum(writer.done for writer in crew.writers)
    outside = crew.outsider.number
    assert done > rounds * 10, "hardly anything was written: the rounds show nothing"
    record_property(
        "kill -9",
        f"{rounds} rounds, {done} operations and {outside} of another program, {unanswered} "
        f"unanswered at the kill ({kept} of them had happened), {crew.follower.resumed} resumptions",
    )
