#!/usr/bin/env bash
# Shows that protoc 3.21 refuses fields for a JSON conflict that their JSON names do not have.
#
# Written for: Debian's protobuf-compiler 3.21.12-3+deb12u1.
# Expected: two proto3 fields conflict in JSON when their JSON names are equal, and json_name
#   settles it, since that is what it is for.
# Seen: names are compared without underscores and without regard to case. `ab` and `a_b` are
#   refused, whose JSON names are ab and aB; so are `foo` and `Foo`. With different json_names,
#   `a1` and `a_1` are refused all the same. In proto2 the same names pass.
# Documentation: https://protobuf.dev/programming-guides/json/ (lowerCamelCase names; json_name).
set -euo pipefail

dpkg-query -W protobuf-compiler

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# attempt SYNTAX FIELDS: compiles a message of these fields; says what protoc thinks of it.
attempt() {
  printf 'syntax = "%s";\nmessage Example { %s }\n' "$1" "$2" >"$work/example.proto"
  if protoc -I "$work" --descriptor_set_out=/dev/null "$work/example.proto" 2>"$work/said"; then
    echo "accepted: $1, $2"
  else
    echo "refused:  $1, $2"
  fi
  sed 's/^.*example.proto[:0-9]* /          /' "$work/said"
}

seen=$(
  attempt proto3 'int32 ab = 1; int32 a_b = 2;'
  attempt proto3 'int32 foo = 1; int32 Foo = 2;'
  attempt proto3 'int32 a1 = 1; int32 a_1 = 2;'
  attempt proto3 'int32 a_b = 1; int32 a__b = 2;'
  attempt proto3 'int32 a1 = 1 [json_name = "one"]; int32 a_1 = 2 [json_name = "two"];'
  attempt proto3 'int32 ab = 1; int32 ba = 2;'
  attempt proto2 'optional int32 ab = 1; optional int32 a_b = 2;'
)
echo "$seen"

verdicts=$(grep -oE '^(accepted|refused)' <<<"$seen" | tr '\n' ' ')
[ "$verdicts" = 'refused refused refused refused refused accepted accepted ' ] || {
  echo 'changed: protoc accepts other names' >&2
  exit 1
}
echo 'as described'
