"""What a case of h2spec is, and how h2spec judges answers.

The cases reproduce those of h2spec 2.6.0 in strict mode, section by section: what is sent, and
which answers pass. h2spec takes a closed connection for any connection error, and so do these.
"""

from http2 import (DATA, GOAWAY, HEADERS, PING, RST_STREAM, Closed, TimedOut)

CASES = []


def case(section, sentence):
    """Registers a case under its section, numbered in order within it."""
    def register(run):
        number = sum(1 for other in CASES if other[0] == section) + 1
        CASES.append((section, number, sentence, run))
        return run
    return register


# The longest value of a header that h2spec sends.
DUMMY = "x" * 4000


def dummies(count):
    return [(f"x-dummy{index}", DUMMY) for index in range(count)]


def judge(connection, passes, wanted):
    """Reads until a frame passes, or fails with what came instead."""
    seen = []
    while True:
        try:
            frame = connection.read()
        except Closed:
            if passes(None):
                return
            seen.append("closed")
        except TimedOut:
            seen.append("timeout")
        else:
            if passes(frame):
                return
            seen.append(str(frame))
            continue
        raise AssertionError(f"wanted {wanted}, got {', '.join(seen)}")


def connection_closes(c):
    judge(c, lambda f: f is None, "a closed connection")


def connection_error(c, *codes):
    judge(c, lambda f: f is None or (f.type == GOAWAY and f.error in codes),
          f"GOAWAY {codes} or a closed connection")


def stream_error(c, *codes):
    judge(c, lambda f: f is None or (f.type in (GOAWAY, RST_STREAM) and f.error in codes),
          f"RST_STREAM or GOAWAY {codes}, or a closed connection")


def stream_closes(c):
    judge(c, lambda f: f is not None and f.ends_stream, "the end of the stream")


def answers_headers(c, stream=1):
    judge(c, lambda f: f is not None and f.type == HEADERS and f.stream == stream,
          f"HEADERS on stream {stream}")


def answers_type(c, type):
    judge(c, lambda f: f is not None and f.type == type, f"a frame of type {type}")


def answers_ping(c, data):
    judge(c, lambda f: f is not None and f.type == PING and f.is_ack and f.payload == data,
          "PING with ACK")


def answers_ping_or_closes(c, data):
    judge(c, lambda f: f is None or (f.type == PING and f.is_ack and f.payload == data),
          "PING with ACK, or a closed connection")


def answers_data_of(c, length):
    frame = c.wait_for(DATA)
    assert len(frame.payload) == length, f"wanted DATA of {length} B, got {frame}"
