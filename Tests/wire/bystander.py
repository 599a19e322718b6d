"""A well-behaved client in a process of its own: calls without pause while others attack.

    python bystander.py HOST PORT

It calls EmptyCall until its standard input ends, and a few times more, then prints as JSON how many calls it made, how
many failed, and the worst latency in seconds.
"""

import json
import select
import sys
import time


# At least so many in all: some attacks are over in no time.
LEAST_CALLS = 30


def run(address):
    from grpc_wire import Client, check

    calls = failures = 0
    worst = 0.0
    reason = ""
    with Client(address, timeout=10) as client:
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0.002)[0] or calls < LEAST_CALLS:
            began = time.monotonic()
            try:
                call = client.open("/grpc.testing.TestService/EmptyCall")
                assert check(call.send(b"", end=True).finish()).status == 0
            except Exception as error:
                failures += 1
                reason = repr(error)
                break
            finally:
                worst = max(worst, time.monotonic() - began)
                calls += 1
            time.sleep(0.001)
    return {"calls": calls, "failures": failures, "worst": worst, "reason": reason}


if __name__ == "__main__":
    print(json.dumps(run((sys.argv[1], int(sys.argv[2])))))
