"""The test services' messages, from the descriptor set that the server itself carries."""

import re

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from server import ROOT

_POOL = descriptor_pool.DescriptorPool()


def _load():
    source = (ROOT / "Sources/CDatasyncTestMessages/generated/datasync_test_descriptor_set.c")
    numbers = re.search(r"\{(.*?)\}", source.read_text(), re.DOTALL)[1]
    data = bytes(int(number) for number in numbers.split(",") if number.strip())
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        _POOL.Add(file)


_load()


def message(name):
    """The class of a message by its full name."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


class _Package:
    """`conformance.UnaryRequest` for `connectrpc.conformance.v1.UnaryRequest`."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.classes = {}

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self.classes:
            self.classes[name] = message(f"{self.prefix}.{name}")
        return self.classes[name]


testing = _Package("grpc.testing")
conformance = _Package("connectrpc.conformance.v1")
RequestInfo = message("connectrpc.conformance.v1.ConformancePayload.RequestInfo")
Any = message("google.protobuf.Any")


def to_json(message):
    return json_format.MessageToJson(message, descriptor_pool=_POOL).encode()


def from_json(text, type):
    return json_format.Parse(text, type(), descriptor_pool=_POOL)
