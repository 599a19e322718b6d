#!/usr/bin/env bash
# Shows JSON names that protoc accepts, and that stop the generated Python module from loading.
#
# Written for: PyPI's grpcio-tools 1.85.1 (protoc 35.1) with protobuf 7.35.1, of the same release,
#   and Debian's protobuf-compiler 3.21.12-3+deb12u1.
# Expected: what the compiler accepts, the runtime of the same release loads; a JSON name that is
#   another field's own name is either refused by both or by neither.
# Seen: for `a` with json_name "b" beside `b` with json_name "a", protoc says nothing and writes the
#   module, and importing it raises TypeError, "duplicate json_name ... with original field name".
#   Two equal json_names pass Debian's protoc as well; protoc 35.1 refuses those, as Python does.
# Documentation: https://protobuf.dev/programming-guides/json/ (json_name, and that parsers accept
#   both names of a field).
set -euo pipefail

dpkg-query -W protobuf-compiler
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q grpcio-tools==1.85.1 protobuf==7.35.1
cd "$work"

# verdict COMMAND...: whether the command succeeds; its last line of complaint stays in `said`.
verdict() { if "$@" 2>said; then echo accepts; else echo refuses; fi; }

# attempt NAME FIELDS: a file with one message, through both compilers and the runtime.
attempt() {
  printf 'syntax = "proto3";\npackage %s;\nmessage Example { %s }\n' "$1" "$2" >"$1.proto"
  echo "$2"
  echo "  protoc 3.21.12 $(verdict protoc --descriptor_set_out="$1.set" "$1.proto")"
  echo "  protoc 35.1 $(verdict venv/bin/python -m grpc_tools.protoc -I. --python_out=. "$1.proto")"
  if [ -e "$1_pb2.py" ]; then
    echo "  import $(verdict venv/bin/python -c "import $1_pb2")"
  else
    echo "  its set in Python $(verdict venv/bin/python -c "
from google.protobuf import descriptor_pb2, descriptor_pool
files = descriptor_pb2.FileDescriptorSet.FromString(open('$1.set', 'rb').read())
descriptor_pool.DescriptorPool().Add(files.file[0])")"
  fi
  tail -n 1 said | sed 's/^/    /'
}

seen=$(
  attempt plain 'int32 a = 1 [json_name = "c"]; int32 b = 2;'
  attempt swapped 'int32 a = 1 [json_name = "b"]; int32 b = 2 [json_name = "a"];'
  attempt equal 'int32 a = 1 [json_name = "c"]; int32 b = 2 [json_name = "c"];'
)
echo "$seen"

verdicts=$(grep -oE '(accepts|refuses)$' <<<"$seen" | cut -c 1 | paste -sd '')
[ "$verdicts" = aaaaararr ] || { echo 'changed: other names are accepted' >&2; exit 1; }
echo 'as described'
