#!/usr/bin/env bash
# Shows that protobuf-c leaves -0.0 out of a proto3 message, so it arrives as +0.0.
#
# Written for: Debian's libprotobuf-c-dev 1.4.1-1+b1, beside PyPI's protobuf 7.36.2.
# Expected: a proto3 double or float is left out when it is +0 only; -0 is distinct and is sent.
# Seen: protobuf-c packs a message whose fields are all -0.0 into no bytes, while Python's protobuf
#   writes them. When protobuf-c unpacks Python's bytes the sign is there, and packing them again
#   loses it. In a repeated field, where nothing is left out, it stays.
# Documentation: https://protobuf.dev/programming-guides/proto3/#default (says that -0 is distinct).
set -euo pipefail

dpkg-query -W libprotobuf-c-dev protobuf-c-compiler protobuf-compiler
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q grpcio-tools==1.85.1 protobuf==7.36.2
cd "$work"

cat >example.proto <<'PROTO'
syntax = "proto3";
message Example {
  double large = 1;
  float small = 2;
  repeated double many = 3;
}
PROTO
protoc-c --c_out=. example.proto
venv/bin/python -m grpc_tools.protoc -I. --python_out=. example.proto
cat >show.c <<'C'
#include <stdio.h>

#include "example.pb-c.h"

static void show(const char *title, const Example *message) {
  uint8_t bytes[64];
  size_t length = example__pack(message, bytes);
  printf("%s:", title);
  for (size_t i = 0; i < length; i++) printf(" %02x", bytes[i]);
  printf("\n");
}
int main(void) {
  double many[] = {-0.0};
  uint8_t given[64];
  Example message = EXAMPLE__INIT;
  message.large = -0.0;
  message.small = -0.0f;
  show("protobuf-c, singular fields", &message);
  Example list = EXAMPLE__INIT;
  list.many = many;
  list.n_many = 1;
  show("protobuf-c, repeated field", &list);
  Example *read = example__unpack(NULL, fread(given, 1, sizeof given, stdin), given);
  if (read == NULL) return 1;
  printf("protobuf-c reads Python's bytes as %g and %g\n", read->large, read->small);
  show("protobuf-c, packed again", read);
  example__free_unpacked(read, NULL);
  return 0;
}
C
gcc -o show show.c example.pb-c.c -lprotobuf-c
venv/bin/python -c '
import sys, example_pb2
sys.stdout.buffer.write(example_pb2.Example(large=-0.0, small=-0.0).SerializeToString())' >bytes
seen=$(
  echo "Python, singular fields: $(od -An -v -tx1 bytes | xargs)"
  ./show <bytes
)
echo "$seen"
[ "$seen" = "Python, singular fields: 09 00 00 00 00 00 00 00 80 15 00 00 00 80
protobuf-c, singular fields:
protobuf-c, repeated field: 1a 08 00 00 00 00 00 00 00 80
protobuf-c reads Python's bytes as -0 and -0
protobuf-c, packed again:" ] || { echo 'changed: the sign is kept elsewhere' >&2; exit 1; }
echo 'as described'
