#!/usr/bin/env bash
# Shows that gRPC reflection in Python hands out fields whose json_name is missing.
#
# Written for: PyPI's grpcio 1.85.3, grpcio-reflection 1.85.1, grpcio-tools 1.85.1, protobuf 7.36.2.
# Expected: each field of a file that reflection sends has its json_name, since descriptor.proto
#   says that the compiler sets it always, and the set that protoc writes has it.
# Seen: Python's modules embed the file without the names that follow from the rule, and reflection
#   sends that. Only a json_name written by hand arrives. A client that takes the field as it is,
#   without working out the name, has no JSON name; one that compares a reflected file with protoc's
#   set finds every field different.
# Documentation: json_name in descriptor.proto, in src/google/protobuf of
#   https://github.com/protocolbuffers/protobuf
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q grpcio==1.85.3 grpcio-reflection==1.85.1 grpcio-tools==1.85.1 \
  protobuf==7.36.2
cd "$work"

cat >inventory.proto <<'PROTO'
syntax = "proto3";
package example;
message Item {
  string display_name = 1;
  string part_number = 2 [json_name = "partNo"];
}
PROTO
venv/bin/python -m grpc_tools.protoc -I. --python_out=. --descriptor_set_out=set inventory.proto

venv/bin/python - <<'PY'
from concurrent import futures

import grpc
import inventory_pb2
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc


def names(file):
    return {f.name: f.json_name if f.HasField("json_name") else None
            for f in file.message_type[0].field}


server = grpc.server(futures.ThreadPoolExecutor(1))
reflection.enable_server_reflection([reflection.SERVICE_NAME], server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    question = reflection_pb2.ServerReflectionRequest(file_by_filename="inventory.proto")
    answer = next(iter(stub.ServerReflectionInfo(iter([question]), timeout=20)))
server.stop(None)
files = answer.file_descriptor_response.file_descriptor_proto
by_reflection = names(descriptor_pb2.FileDescriptorProto.FromString(files[0]))
with open("set", "rb") as file:
    by_protoc = names(descriptor_pb2.FileDescriptorSet.FromString(file.read()).file[0])
print(f"protoc's set: {by_protoc}\nreflection:   {by_reflection}")

if by_protoc != {"display_name": "displayName", "part_number": "partNo"}:
    raise SystemExit("changed: protoc leaves names out")
if by_reflection != {"display_name": None, "part_number": "partNo"}:
    raise SystemExit("changed: reflection sends other names")
print("as described")
PY
