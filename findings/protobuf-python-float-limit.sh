#!/usr/bin/env bash
# Shows that python-protobuf's JSON parser refuses the largest float as its own printer writes it.
#
# Written for: PyPI's protobuf 7.36.2.
# Expected: Parse(MessageToJson(message)) gives the message back for every finite value, the more so
#   for one that is a common "no limit".
# Seen: the largest 32-bit float is printed as 3.4028235e+38, the shortest text that means it, and
#   read back as "Float value too large", since the text, taken as a 64-bit number, lies a little
#   above the limit. The float just below it, the smallest ones and infinity come back, and so does
#   the largest double.
# Documentation: https://protobuf.dev/programming-guides/json/ (float and double).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
"$work/venv/bin/pip" list 2>/dev/null | grep '^protobuf '

"$work/venv/bin/python" - <<'PY'
import struct
import sys

from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import DoubleValue, FloatValue


def of_bits(bits):
    """The 32-bit float of a bit pattern."""
    return struct.unpack(">f", struct.pack(">I", bits))[0]


cases = [
    ("largest float", FloatValue(value=of_bits(0x7F7FFFFF))),
    ("its negative", FloatValue(value=of_bits(0xFF7FFFFF))),
    ("the one below", FloatValue(value=of_bits(0x7F7FFFFE))),
    ("smallest float", FloatValue(value=of_bits(0x00000001))),
    ("infinite float", FloatValue(value=float("inf"))),
    ("largest double", DoubleValue(value=sys.float_info.max)),
]
seen = []
for name, message in cases:
    text = json_format.MessageToJson(message)
    try:
        back = json_format.Parse(text, type(message)())
        seen.append(back == message)
        print(f"{name}: {text} comes back {'equal' if seen[-1] else 'as another value'}")
    except json_format.ParseError as error:
        seen.append(False)
        print(f"{name}: {text} is refused: {error}")

if seen != [False, False, True, True, True, True]:
    raise SystemExit("changed: other values come back")
print("as described")
PY
