#!/usr/bin/env bash
# Shows that protobuf reads an int64 that JSON writes with a point or an exponent as another integer.
#
# Written for: Debian's libprotobuf-dev 3.21.12-3+deb12u1 and PyPI's protobuf 7.36.2.
# Expected: the JSON number 9007199254740993.0 is an integer of int64: it is read as that, or refused; the
#   largest int64 is in range, however it is spelled.
# Seen: 9007199254740993.0 is read as ...992 by both, without an error: the text becomes a double first.
#   So does 9.223372036854775807e18, which both refuse, as out of range. Without point and exponent
#   both are read exactly.
# Documentation: https://protobuf.dev/programming-guides/json/ (int64: numbers and strings are accepted,
#   with exponents too).
set -euo pipefail

dpkg-query -W libprotobuf-dev
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
"$work/venv/bin/pip" list 2>/dev/null | grep '^protobuf '

cat >"$work/read.cc" <<'CC'
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/wrappers.pb.h>

#include <iostream>

namespace protobuf = google::protobuf;

int main(int count, char **texts) {
  for (int index = 1; index < count; index++) {
    protobuf::Int64Value read;
    bool fine = protobuf::util::JsonStringToMessage(texts[index], &read).ok();
    std::cout << "C++: " << texts[index] << " is ";
    if (fine) std::cout << read.value() << "\n"; else std::cout << "refused\n";
  }
}
CC
g++ -o "$work/read" "$work/read.cc" -lprotobuf -lpthread
cat >"$work/read.py" <<'PY'
import sys
from google.protobuf import json_format
from google.protobuf.wrappers_pb2 import Int64Value

for text in sys.argv[1:]:
    try:
        print(f"Python: {text} is {json_format.Parse(text, Int64Value()).value}")
    except json_format.ParseError:
        print(f"Python: {text} is refused")
PY

texts=(9007199254740993 9007199254740993.0 9223372036854775807 9.223372036854775807e18)
seen=$("$work/read" "${texts[@]}"; "$work/venv/bin/python" "$work/read.py" "${texts[@]}")
echo "$seen"
expected=$(
  for library in C++ Python; do
    echo "$library: 9007199254740993 is 9007199254740993"
    echo "$library: 9007199254740993.0 is 9007199254740992"
    echo "$library: 9223372036854775807 is 9223372036854775807"
    echo "$library: 9.223372036854775807e18 is refused"
  done
)
[ "$seen" = "$expected" ] || { echo 'changed: these integers are read otherwise' >&2; exit 1; }
echo 'as described'
