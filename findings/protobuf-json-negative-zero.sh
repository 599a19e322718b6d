#!/usr/bin/env bash
# Shows that protobuf's C++ library writes -0.0 as JSON in a way that it reads as +0.0, and Python too.
#
# Written for: Debian's libprotobuf-dev 3.21.12-3+deb12u1 and PyPI's protobuf 7.36.2.
# Expected: a double that a library writes as JSON is the same double when the library reads it.
# Seen: C++ writes -0, reads -0 as +0.0, and -0.0 as it is. Python reads -0 as +0.0 as well, -0.0 and
#   -0e0 as they are, and writes -0.0: what has neither point nor exponent is an integer to both
#   parsers, and integers have no negative zero. Field, wrapper and google.protobuf.Value are alike.
# Documentation: https://protobuf.dev/programming-guides/json/ (float, double); RFC 8259, section 6, whose
#   grammar has the sign with and without a point.
set -euo pipefail

dpkg-query -W libprotobuf-dev
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
"$work/venv/bin/pip" list 2>/dev/null | grep '^protobuf '

cat >"$work/zero.cc" <<'CC'
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>

#include <cmath>
#include <cstdio>

namespace protobuf = google::protobuf;

int main() {
  protobuf::DoubleValue value;
  value.set_value(-0.0);
  std::string written;
  if (!protobuf::util::MessageToJsonString(value, &written).ok()) return 1;
  std::printf("C++ writes %s\n", written.c_str());
  for (const char *text : {"-0", "-0.0"}) {
    protobuf::DoubleValue read;
    if (!protobuf::util::JsonStringToMessage(text, &read).ok()) return 1;
    std::printf("C++ reads %s as %s0.0\n", text, std::signbit(read.value()) ? "-" : "+");
  }
}
CC
g++ -o "$work/zero" "$work/zero.cc" -lprotobuf -lpthread

seen=$(
  "$work/zero"
  "$work/venv/bin/python" - <<'PY'
import math
from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import DoubleValue

print("Python writes", json_format.MessageToJson(DoubleValue(value=-0.0)))
for text in ["-0", "-0.0", "-0e0"]:
    value = json_format.Parse(text, DoubleValue()).value
    print(f"Python reads {text} as {'-' if math.copysign(1, value) < 0 else '+'}0.0")
PY
)
echo "$seen"
expected='C++ writes -0
C++ reads -0 as +0.0
C++ reads -0.0 as -0.0
Python writes -0.0
Python reads -0 as +0.0
Python reads -0.0 as -0.0
Python reads -0e0 as -0.0'
[ "$seen" = "$expected" ] || { echo 'changed: the sign is kept, or lost elsewhere' >&2; exit 1; }
echo 'as described'
