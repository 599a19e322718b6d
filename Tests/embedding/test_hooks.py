"""The guide to hooks: its access file and its program, run."""

import hashlib
import re
import sqlite3

import grpc
import pytest

from test_embedding import ROOT, call, message

GUIDE = (ROOT / "Sources/DatasyncServer/Documentation.docc/Hooks.md").read_text()
CREATE = "/tables.OrdersTable/Create"


def test_the_program_in_the_guide_is_the_one_that_is_built():
    shown = re.search(r"```swift\n(import DatasyncServer\n.*?)```", GUIDE, re.S)
    assert shown.group(1) == (ROOT / "Tests/embedding/package/Sources/Orders/Orders.swift").read_text()


@pytest.fixture
def orders(start, tmp_path):
    connection = sqlite3.connect(tmp_path / "orders.db")
    connection.execute(
        "CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT, code TEXT, shipped BOOLEAN NOT NULL DEFAULT 0)")
    connection.close()
    (tmp_path / "access.yml").write_text(re.search(r"```yaml\n(.*?)```", GUIDE, re.S).group(1))
    (tmp_path / "tokens.txt").write_text(
        "".join(f"{hashlib.sha256(token_of(name).encode()).hexdigest()} {name}\n" for name in ("ann", "bob")))
    return start("Orders")


def token_of(name):
    return f"datasync_{name * 14}"[:52]


def as_(name):
    return {"metadata": [("authorization", f"Bearer {token_of(name)}")]}


def test_a_hook_changes_refuses_and_is_told(orders, tmp_path):
    with orders.channel() as channel:
        # Reflection is open to everybody.
        order = message(channel, "tables.Orders")
        made = order.FromString(call(
            channel, CREATE, order(id="o1", code="abc").SerializeToString(), **as_("ann")))
        assert (made.code, made.customer) == ("ABC", "ann")
        orders.line("create o1 by ann$")
        delete = message(channel, "datasync.v1.DeleteRequest")(id="o1").SerializeToString()
        # A row that the caller does not see comes to no hook.
        with pytest.raises(grpc.RpcError) as told:
            call(channel, "/tables.OrdersTable/Delete", delete, **as_("bob"))
        assert told.value.code() == grpc.StatusCode.NOT_FOUND
        update = message(channel, "tables.OrdersUpdate")
        change = update(row={"id": "o1", "shipped": True}, update_mask={"paths": ["shipped"]})
        call(channel, "/tables.OrdersTable/Update", change.SerializeToString(), **as_("ann"))
        orders.line("update o1 by ann$")
        with pytest.raises(grpc.RpcError) as told:
            call(channel, "/tables.OrdersTable/Delete", delete, **as_("ann"))
        assert told.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert told.value.details() == "what was shipped stays on record"
    assert orders.stop() == 0, orders.errors
    rows = sqlite3.connect(tmp_path / "orders.db").execute("SELECT id FROM orders")
    assert rows.fetchall() == [("o1",)]
