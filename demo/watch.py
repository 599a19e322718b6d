#!/usr/bin/env python3
"""Watches a table as somebody: one line for each row that comes, changes or goes, until it is interrupted.

    python3 demo/watch.py HOST:PORT TOKEN [TABLE]

Needs the packages grpcio and grpcio-reflection; the message types come from the server itself.
"""

import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

OPERATIONS = {1: "ADD", 2: "UPDATE", 3: "DELETE"}
SYSTEM = ("created_at", "updated_at", "version", "deleted")

address, token, table = (*sys.argv[1:], "todo_items")[:3]
channel = grpc.insecure_channel(address)
pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))


def type_named(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def shown(change):
    if not change.HasField("entity"):
        return change.id
    row = type_named(change.entity.type_url.rsplit("/", 1)[-1]).FromString(change.entity.value)
    return " ".join(f"{f.name}={value}" for f, value in row.ListFields() if f.name not in SYSTEM)


subscribe = channel.unary_stream(
    "/datasync.v1.Datasync/Subscribe",
    request_serializer=lambda request: request.SerializeToString(),
    response_deserializer=type_named("datasync.v1.Event").FromString,
)
request = type_named("datasync.v1.SubscribeRequest")(table=table)
try:
    for event in subscribe(request, metadata=[("authorization", f"Bearer {token}")]):
        if event.HasField("change"):
            print(OPERATIONS[event.change.operation], shown(event.change), flush=True)
except grpc.RpcError as error:
    sys.exit(f"{error.code().name}: {error.details()}")
except KeyboardInterrupt:
    pass
