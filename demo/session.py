#!/usr/bin/env python3
"""A session at work: one stream that writes, reads and watches, without generated code.

    python3 demo/session.py [HOST:PORT]

Needs the packages grpcio and grpcio-reflection; the message types come from the server itself.
"""

import queue
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
channel = grpc.insecure_channel(address)
pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))


def type_named(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


Request = type_named("datasync.v1.SessionRequest")
Response = type_named("datasync.v1.SessionResponse")
TodoItem = type_named("tables.TodoItems")
OPERATIONS = {1: "ADD", 2: "UPDATE", 3: "DELETE"}

outbox = queue.SimpleQueue()
responses = channel.stream_stream(
    "/datasync.v1.Datasync/Session",
    request_serializer=Request.SerializeToString,
    response_deserializer=Response.FromString,
)(iter(outbox.get, None))


def ask(request_id, what, **fields):
    print(f"→ {request_id}: {what}")
    outbox.put(Request(request_id=request_id, **fields))


def item(**fields):
    return {"type_url": "type.googleapis.com/tables.TodoItems",
            "value": TodoItem(**fields).SerializeToString()}


def shown(entity):
    row = type_named(entity.type_url.rsplit("/", 1)[-1]).FromString(entity.value)
    system = ("created_at", "updated_at", "version", "deleted")
    fields = {f.name: v for f, v in row.ListFields() if f.name not in system}
    return " ".join(f"{name}={value}" for name, value in fields.items())


ask(1, "subscribe to todo_items", subscribe={"table": "todo_items", "now": {}})
for response in responses:
    kind = response.WhichOneof("response")
    answer = getattr(response, kind)
    if kind == "event" and answer.HasField("checkpoint"):
        print(f"← 1: checkpoint at {answer.checkpoint.sequence}")
        if answer.checkpoint.current:
            ask(2, "create Milk", create={"entity": item(title="Milk")})
            ask(3, "query films of 1994", query={
                "table": "movies", "filter": "year eq 1994", "order_by": "duration desc",
                "select": ["title", "duration"], "top": 2,
            })
    elif kind == "event":
        change = answer.change
        print(f"← 1: {OPERATIONS[change.operation]} {change.table} at {change.sequence}"
              f"{', own' if change.own else ''}: {shown(change.entity)}")
        if change.operation == 1:
            ask(4, "complete it", update={"entity": item(id=change.id, completed=True)})
        else:
            outbox.put(None)
            break
    elif kind == "write":
        print(f"← {response.request_id}: written at {answer.sequence}")
    elif kind == "query":
        for entity in answer.entities:
            print(f"← {response.request_id}: {shown(entity)}")
    else:
        print(f"← {response.request_id}: {kind} {answer}".rstrip())
channel.close()
