"""JSON both ways, against protobuf's own for Python, on random messages of the contract, of a table
and of a type with a field of every kind."""

import json
import math
import os
import pathlib
import random
import re
import string
import struct
import subprocess
import tempfile

import grpc_tools
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parents[2]
KNOWN = pathlib.Path(grpc_tools.__file__).parent / "_proto"
# Of all types together; some ten seconds.
MESSAGES = 4000
TABLE = """syntax = "proto3";
package tables;
import "google/protobuf/timestamp.proto";
message TodoItems {
  optional string id = 1;
  optional google.protobuf.Timestamp created_at = 2;
  optional google.protobuf.Timestamp updated_at = 3;
  optional int64 version = 4;
  optional bool deleted = 5;
  optional string title = 7;
  optional double rating = 12;
  optional bytes picture = 13;
  optional string dueDate = 14;
  optional string line_2 = 15;
}
"""
TYPES = [
    "test.Everything",
    "tables.TodoItems",
    "datasync.v1.SessionRequest",
    "datasync.v1.SessionResponse",
    "datasync.v1.QueryResponse",
    "datasync.v1.ChangesResponse",
    "datasync.v1.DescribeResponse",
]


class Peer:
    """The program under test, one message at a time."""

    def __init__(self, descriptors):
        given = os.environ.get("DATASYNC_JSON_PEER_BIN")
        path = pathlib.Path(given) if given else ROOT / ".build/debug/datasync-json-peer"
        assert path.exists(), f"{path} does not exist; build it, or set DATASYNC_JSON_PEER_BIN"
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask(b"d", "", descriptors)

    def ask(self, kind, name, data):
        name = name.encode()
        parts = [kind, struct.pack("<I", len(name)), name, struct.pack("<I", len(data)), data]
        self.process.stdin.write(b"".join(parts))
        self.process.stdin.flush()
        head = self.process.stdout.read(5)
        data = self.process.stdout.read(struct.unpack("<I", head[1:])[0])
        return head[:1] == b"o", data

    def written(self, message):
        return self.ask(b"w", message.DESCRIPTOR.full_name, message.SerializeToString())

    def read(self, name, text):
        return self.ask(b"r", name, text.encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def descriptors():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        (work / "tables.proto").write_text(TABLE)
        outcome = protoc.main(
            ["protoc", f"-I{ROOT / 'proto'}", f"-I{KNOWN}", f"-I{work}", f"-I{ROOT / 'Tests/oracle'}"]
            + ["--include_imports", f"--descriptor_set_out={work / 'set'}"]
            + ["everything.proto", "tables.proto", "datasync/v1/datasync.proto"]
            + ["google/rpc/error_details.proto"]
        )
        assert outcome == 0
        return (work / "set").read_bytes()


@pytest.fixture(scope="module")
def pool(descriptors):
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    return pool


@pytest.fixture(scope="module")
def peer(descriptors):
    peer = Peer(descriptors)
    yield peer
    peer.process.stdin.close()
    assert peer.process.wait(10) == 0


class Maker:
    """Random messages."""

    def __init__(self, pool, seed):
        self.pool = pool
        self.random = random.Random(seed)

    def class_of(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def make(self, name, depth=0):
        message = self.class_of(name)()
        self.fill(message, depth)
        return message

    def fill(self, message, depth):
        name = message.DESCRIPTOR.full_name
        known = {
            "google.protobuf.Any": self.fill_any,
            "google.protobuf.Timestamp": self.fill_time,
            "google.protobuf.Duration": self.fill_duration,
            "google.protobuf.FieldMask": self.fill_mask,
            "google.protobuf.Value": self.fill_value,
        }.get(name)
        if known:
            return known(message, depth)
        fields = message.DESCRIPTOR.fields
        share = min(0.6, 6 / max(len(fields), 1)) / (1 + depth)
        for field in fields:
            if self.random.random() < share or name.endswith("Value"):
                self.set(message, field, depth)

    def set(self, message, field, depth):
        map_fields = field.message_type and field.message_type.GetOptions().map_entry
        if map_fields:
            key, value = field.message_type.fields
            for _ in range(self.random.randrange(4)):
                entry = getattr(message, field.name)
                if value.message_type:
                    self.fill(entry[self.scalar(key)], depth + 1)
                else:
                    entry[self.scalar(key)] = self.scalar(value)
        elif field.is_repeated:
            for _ in range(self.random.randrange(4)):
                if field.message_type:
                    self.fill(getattr(message, field.name).add(), depth + 1)
                else:
                    getattr(message, field.name).append(self.scalar(field))
        elif field.message_type:
            target = getattr(message, field.name)
            target.SetInParent()
            if depth < 5:
                self.fill(target, depth + 1)
            elif target.DESCRIPTOR.full_name == "google.protobuf.Value":
                target.bool_value = True
        else:
            setattr(message, field.name, self.scalar(field))

    def scalar(self, field):
        pick = self.random
        kind = field.cpp_type
        bits = 64 if kind in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64) else 32
        if kind in (field.CPPTYPE_INT64, field.CPPTYPE_INT32):
            limit = 1 << (bits - 1)
            return pick.choice([0, 1, -1, limit - 1, -limit, pick.randrange(-limit, limit)])
        if kind in (field.CPPTYPE_UINT64, field.CPPTYPE_UINT32):
            return pick.choice([0, 1, (1 << bits) - 1, pick.randrange(1 << bits)])
        if kind == field.CPPTYPE_BOOL:
            return pick.random() < 0.5
        if kind == field.CPPTYPE_ENUM:
            numbers = [value.number for value in field.enum_type.values]
            return pick.choice(numbers + [99, -1])
        if kind == field.CPPTYPE_DOUBLE:
            return self.real()
        if kind == field.CPPTYPE_FLOAT:
            # Of as few digits as every writer of floats gives.
            return pick.choice([0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, pick.randrange(9999) / 16])
        if field.type == field.TYPE_BYTES:
            return pick.randbytes(pick.choice([0, 1, 2, 3, 20]))
        return self.text()

    def real(self):
        some = struct.unpack("<d", self.random.randbytes(8))[0]
        # JSON has one NaN.
        some = math.nan if math.isnan(some) else some
        return self.random.choice([0.0, -0.0, 0.1, 1e300, 5e-324, math.inf, math.nan, 12.0, 1e16, some])

    def text(self):
        alphabet = string.ascii_letters + '"\\/\b\f\n\r\t\x00\x1f\x7f<>&\'é€😀\u2028\ufeff\uffff'
        return "".join(self.random.choices(alphabet, k=self.random.choice([0, 1, 5, 40])))

    def fill_any(self, message, depth):
        if depth > 3 or self.random.random() < 0.1:
            return
        name = self.random.choice(
            ["tables.TodoItems", "tables.TodoItems", "google.rpc.ErrorInfo", "google.rpc.RetryInfo"]
            + ["google.protobuf.Duration", "google.protobuf.Int64Value", "google.protobuf.Empty"]
            + ["google.protobuf.Any", "test.Everything"]
        )
        message.Pack(self.make(name, depth + 2))

    def fill_time(self, message, depth):
        message.seconds = self.random.choice(
            [0, -62135596800, 253402300799, self.random.randrange(-62135596800, 253402300800)]
        )
        message.nanos = self.nanos()

    def nanos(self):
        return self.random.choice(
            [0, 1, 999999999, 500000000, 120000, self.random.randrange(10**9)]
        )

    def fill_duration(self, message, depth):
        sign = self.random.choice([1, -1])
        message.seconds = sign * self.random.choice([0, 1, 315576000000, 90])
        message.nanos = sign * self.nanos() if abs(message.seconds) < 315576000000 else 0

    def fill_mask(self, message, depth):
        message.paths.extend(
            self.random.sample(["title", "due_date", "a.b_c", "row2", "x"], self.random.randrange(4))
        )

    def fill_value(self, message, depth):
        kinds = ["null_value", "number_value", "string_value", "bool_value"]
        kind = self.random.choice(kinds + (["struct_value", "list_value"] if depth < 5 else []))
        if kind == "number_value":
            real = self.real()
            message.number_value = real if math.isfinite(real) else 2.5
        elif kind in ("struct_value", "list_value"):
            self.set(message, message.DESCRIPTOR.fields_by_name[kind], depth + 1)
        else:
            setattr(message, kind, {"null_value": 0, "bool_value": True}.get(kind, self.text()))


def same(left, right):
    """Equal as JSON: an object has no order, a number no spelling."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def canonical(message):
    """Bytes that are equal where the messages are, NaN among them."""
    return message.SerializeToString(deterministic=True)


def repacked(message, pool):
    """The bytes in an Any may be in any order, so they are written again."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        if message.type_url:
            descriptor = pool.FindMessageTypeByName(message.type_url.rsplit("/", 1)[-1])
            inner = message_factory.GetMessageClass(descriptor).FromString(message.value)
            message.value = canonical(repacked(inner, pool))
        return message
    for field, value in message.ListFields():
        if not field.message_type:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type:
                for item in value.values():
                    repacked(item, pool)
        elif field.is_repeated:
            for item in value:
                repacked(item, pool)
        else:
            repacked(value, pool)
    return message


@pytest.mark.parametrize("name", TYPES)
def test_random_messages_are_the_same_for_both(name, peer, pool, seed):
    maker = Maker(pool, f"{seed} {name}")
    for _ in range(MESSAGES // len(TYPES)):
        message = repacked(maker.make(name), pool)
        theirs = json_format.MessageToJson(message, descriptor_pool=pool, ensure_ascii=False)
        fine, ours = peer.written(message)
        assert fine, f"{ours}: {theirs}"
        assert same(json.loads(ours), json.loads(theirs)), f"{ours}\n{theirs}"
        for text in [theirs, ours.decode(), json.dumps(json.loads(theirs)), declared(message, pool)]:
            fine, read = peer.read(name, text)
            assert fine, f"{read}: {text}"
            again = repacked(type(message).FromString(read), pool)
            assert canonical(again) == canonical(message), text
        # What we write is read there as well.
        back = json_format.Parse(ours, type(message)(), descriptor_pool=pool, max_recursion_depth=200)
        assert canonical(repacked(back, pool)) == canonical(message), ours


def declared(message, pool):
    """With declared names, and enums by number."""
    return json_format.MessageToJson(
        message, descriptor_pool=pool, preserving_proto_field_name=True, use_integers_for_enums=True
    )


def is_read_otherwise(text, where):
    """Of an integer with a point or an exponent they make a double first, and so another integer; of a
    double -0 an integer, without its sign."""
    numbers = re.finditer(r"[-+.eE\d]+", text)
    is_long = any(found.start() <= where < found.end() and len(found[0]) > 16 for found in numbers)
    return is_long or re.search(r"-0[^.eE\d]", text)


def test_random_damage_is_read_alike(peer, pool, seed):
    """Texts with a byte changed: what both take is the same message."""
    maker = Maker(pool, f"{seed} damage")
    pick = maker.random
    taken = refused = 0
    for _ in range(600):
        message = maker.make("test.Everything")
        text = json_format.MessageToJson(message, descriptor_pool=pool, indent=None)
        for _ in range(3):
            where = pick.randrange(len(text))
            byte = pick.choice('0123456789-+.eE"{}[]:,ntua_')
            damaged = text[:where] + byte + text[where + 1 :]
            if is_read_otherwise(damaged, where):
                continue
            fine, read = peer.read("test.Everything", damaged)
            if not fine:
                refused += 1
                continue
            try:
                theirs = json_format.Parse(damaged, type(message)(), descriptor_pool=pool)
            except (json_format.ParseError, ValueError):
                continue
            taken += 1
            ours = repacked(type(message).FromString(read), pool)
            assert canonical(ours) == canonical(repacked(theirs, pool)), damaged
    assert taken > 100 and refused > 100
