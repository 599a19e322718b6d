#!/usr/bin/env bash
# Shows that python-protobuf cannot write FieldMasks of some valid field names as JSON.
#
# Written for: PyPI's protobuf 7.36.2.
# Expected: a FieldMask that IsValidForDescriptor() accepts can be written as JSON; where a field
#   has a json_name, the mask names the field as the message's own JSON does.
# Seen: `line_2`, `a__b` and `end_`, each a field that protoc accepts and the message's JSON holds,
#   raise ValueError, since the mask's path is turned into camel case by rule and back. json_name is
#   not looked at: the message says "short" where its mask says "longName".
# Documentation: https://protobuf.dev/reference/protobuf/google.protobuf/#field-mask (the rule is
#   there, the names that it leaves out are not).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
"$work/venv/bin/pip" list 2>/dev/null | grep '^protobuf '

"$work/venv/bin/python" - <<'PY'
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.field_mask_pb2 import FieldMask

file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="example", syntax="proto3")
message = file.message_type.add(name="Example")
names = ["plain_name", "row2", "line_2", "a__b", "end_", "long_name"]
for number, name in enumerate(names, 1):
    field = message.field.add(name=name, number=number)
    field.type = descriptor_pb2.FieldDescriptorProto.TYPE_INT32
    field.label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    if name == "long_name":
        field.json_name = "short"
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Example = message_factory.GetMessageClass(pool.FindMessageTypeByName("example.Example"))

seen = {}
for name in names:
    mask = FieldMask(paths=[name])
    assert mask.IsValidForDescriptor(Example.DESCRIPTOR)
    in_message = next(iter(json_format.MessageToDict(Example(**{name: 1}))))
    try:
        seen[name] = json_format.MessageToDict(mask)
    except ValueError as error:
        seen[name] = None
        reason = str(error)
    print(f"{name}: the message says {in_message!r}, the mask {seen[name] or reason!r}")

expected = {"plain_name": "plainName", "row2": "row2", "line_2": None, "a__b": None,
            "end_": None, "long_name": "longName"}
if seen != expected:
    raise SystemExit("changed: other names can be written")
print("as described")
PY
