"""The contract as the server's reflection tells it: no generated code."""

import threading

from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

ANY_PREFIX = "type.googleapis.com/"
OPERATIONS = {1: "ADD", 2: "UPDATE", 3: "DELETE"}


class Contract:
    """Message classes by full name, and rows as dictionaries."""

    def __init__(self, channel):
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)
        # Two threads that ask the pool for types of one file both add it, and the second fails.
        self._lock = threading.Lock()
        self._classes = {}
        self._row_types = {}

    def class_of(self, full_name):
        found = self._classes.get(full_name)
        if found is None:
            with self._lock:
                descriptor = self.pool.FindMessageTypeByName(full_name)
                found = self._classes[full_name] = message_factory.GetMessageClass(descriptor)
        return found

    def method(self, service, name):
        with self._lock:
            return self.pool.FindServiceByName(service).FindMethodByName(name)

    def new(self, full_name, **fields):
        """A message from keyword arguments: lists, nested dictionaries and messages are fine."""
        message = self.class_of(full_name)()
        self._fill(message, fields)
        return message

    def _fill(self, message, fields):
        for name, value in fields.items():
            if value is None:
                continue
            field = message.DESCRIPTOR.fields_by_name[name]
            if field.message_type is None:
                if isinstance(value, (list, tuple)):
                    getattr(message, name).extend(value)
                else:
                    setattr(message, name, value)
            elif isinstance(value, (list, tuple)):
                for item in value:
                    self._set(getattr(message, name).add(), item)
            else:
                target = getattr(message, name)
                target.SetInParent()
                self._set(target, value)

    def _set(self, target, value):
        if isinstance(value, dict):
            self._fill(target, value)
        elif isinstance(value, (int, float)) and target.DESCRIPTOR.name == "Duration":
            nanos = round(value * 1_000_000_000)
            sign = -1 if nanos < 0 else 1
            target.seconds = sign * (abs(nanos) // 1_000_000_000)
            target.nanos = sign * (abs(nanos) % 1_000_000_000)
        elif isinstance(value, int) and target.DESCRIPTOR.name == "Timestamp":
            target.seconds, micros = divmod(value, 1_000_000)
            target.nanos = micros * 1000
        else:
            target.ParseFromString(value.SerializeToString())

    # -- rows

    def row_type(self, table):
        """`todo_items` -> `tables.TodoItems`, unless Describe said otherwise."""
        return self._row_types.get(table) or "tables." + "".join(
            part[:1].upper() + part[1:] for part in table.split("_")
        )

    def row(self, table, **values):
        return self.new(self.row_type(table), **values)

    def entity(self, table, **values):
        """A row in google.protobuf.Any."""
        row = self.row(table, **values)
        return self.any(self.row_type(table), row.SerializeToString())

    def any(self, full_name, value, prefix=ANY_PREFIX):
        return self.new("google.protobuf.Any", type_url=prefix + full_name, value=value)

    def row_of(self, any_message):
        """The dictionary of a row in Any: only what is present; None where the Any is unset."""
        if not any_message.type_url:
            return None
        full_name = any_message.type_url.rsplit("/", 1)[-1]
        return plain(self.class_of(full_name).FromString(any_message.value))

    def json(self, message):
        return json_format.MessageToDict(message, preserving_proto_field_name=True)


def plain(row):
    """A row as a dictionary of what is present; timestamps in microseconds since 1970."""
    values = {}
    for field, value in row.ListFields():
        if field.message_type is not None:
            value = value.seconds * 1_000_000 + value.nanos // 1000
        values[field.name] = value
    return values


def seconds_of(duration):
    return duration.seconds + duration.nanos / 1e9
