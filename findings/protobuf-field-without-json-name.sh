#!/usr/bin/env bash
# Shows that a protobuf field may have the empty string for its JSON name.
#
# Written for: Debian's protobuf-compiler 3.21.12-3+deb12u1 and PyPI's protobuf 7.36.2.
# Expected: a field named `_` is refused, or keeps its name in JSON, since the rule that drops
#   underscores leaves nothing of it; and an empty json_name is refused.
# Seen: protoc accepts both without a word and sets json_name to "", which is not the same as unset.
#   Python prints the value under the key "" and reads it back from there. Code that takes an empty
#   json_name for "none given", and falls back on the field's name, writes another key.
# Documentation: https://protobuf.dev/programming-guides/json/ (lowerCamelCase names; json_name).
set -euo pipefail

dpkg-query -W protobuf-compiler
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
cd "$work"

cat >example.proto <<'PROTO'
syntax = "proto3";
message Underscore { int32 _ = 1; }
message Underscores { int32 ___ = 1; }
message Given { int32 count = 1 [json_name = ""]; }
PROTO
protoc --descriptor_set_out=set example.proto

venv/bin/python - <<'PY'
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

with open("set", "rb") as file:
    example = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file[0]
pool = descriptor_pool.DescriptorPool()
pool.Add(example)
seen = []
for message in example.message_type:
    field = message.field[0]
    Message = message_factory.GetMessageClass(pool.FindMessageTypeByName(message.name))
    as_json = json_format.MessageToDict(Message(**{field.name: 7}))
    back = json_format.ParseDict({"": 7}, Message()) == Message(**{field.name: 7})
    seen.append((field.HasField("json_name"), field.json_name, as_json, back))
    print(f"{message.name}.{field.name}: json_name {field.json_name!r}, JSON {as_json},"
          f" read back: {back}")

if seen != [(True, "", {"": 7}, True)] * 3:
    raise SystemExit("changed: the name is refused or another")
print("as described")
PY
