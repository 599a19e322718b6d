#!/usr/bin/env bash
# Shows that python-protobuf's descriptor pool over a descriptor database is no pool for two threads.
#
# Written for: PyPI's protobuf 7.36.2 (upb).
# Expected: two threads that look up types of one file at the same time both get them: a lookup is a
#   read, and the file is the same.
# Seen: where the file imports another, which the database has to fetch (over the network, as the
#   reflection database of grpcio-reflection does), both threads see that the file is not there yet,
#   and both add it after the import has come: the second lookup raises TypeError "duplicate file
#   name". The type is there, and found a moment later.
# Documentation: https://googleapis.dev/python/protobuf/latest/google/protobuf/descriptor_pool.html
#   (says nothing of threads).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==7.36.2
"$work/venv/bin/pip" list 2>/dev/null | grep '^protobuf '

"$work/venv/bin/python" - <<'PY'
import threading

from google.protobuf import descriptor_pb2, descriptor_pool

imported = descriptor_pb2.FileDescriptorProto(name="imported.proto", syntax="proto3")
file = descriptor_pb2.FileDescriptorProto(
    name="example.proto", package="example", syntax="proto3", dependency=["imported.proto"])
file.message_type.add(name="One")
file.message_type.add(name="Two")


class Slow:
    """A database that has both threads wait until both have asked for the import."""

    def __init__(self):
        self.both = threading.Barrier(2, timeout=10)

    def FindFileContainingSymbol(self, name):
        return file

    def FindFileByName(self, name):
        self.both.wait()
        return imported


pool = descriptor_pool.DescriptorPool(Slow())
seen = {}


def look_up(name):
    try:
        seen[name] = pool.FindMessageTypeByName(name).full_name
    except TypeError as error:
        seen[name] = str(error)


threads = [threading.Thread(target=look_up, args=(f"example.{name}",)) for name in ("One", "Two")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for name in sorted(seen):
    print(f"{name}: {seen[name]}")
failed = [name for name, found in seen.items() if "duplicate file name" in found]
assert all(pool.FindMessageTypeByName(name).full_name == name for name in seen)
print("a moment later both are found")
if len(failed) != 1:
    raise SystemExit("changed: both threads find their type")
print("as described")
PY
