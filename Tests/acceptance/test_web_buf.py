"""`serve --web` asked by buf, whose client is connect-go: in each protocol, by the server's reflection."""

import json
import shutil
import subprocess
import sys
import pathlib

import pytest

from server import ROOT, Server
from test_web import web_address

BUF = shutil.which("buf", path=str(pathlib.Path(sys.executable).parent)) or shutil.which("buf")
DATASYNC = "datasync.v1.Datasync"

pytestmark = pytest.mark.skipif(not BUF, reason="buf asks")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("buf") / "demo.db"
    server = Server(
        path, "--schema", ROOT / "demo" / "schema.sql", "--attach", "--web", "127.0.0.1:0"
    ).start()
    yield web_address(server)
    server.stop()


@pytest.mark.parametrize("protocol", ["connect", "grpcweb", "grpc"])
def test_buf_calls_every_kind_of_method(address, tmp_path, protocol):
    def ask(method, *messages):
        result = subprocess.run(
            [BUF, "curl", "--protocol", protocol, "--http2-prior-knowledge",
             "-d", " ".join(map(json.dumps, messages)), f"http://{address}/{method}"],
            capture_output=True, text=True, timeout=60, cwd=tmp_path,
        )
        return result.returncode, parsed(result.stdout), result.stderr

    code, (row,), _ = ask("tables.TodoItemsTable/Create", {"title": protocol})
    assert code == 0 and row["title"] == protocol
    code, events, _ = ask(f"{DATASYNC}/Subscribe", {"table": "todo_items", "once": True})
    assert code == 0 and row["id"] in [event["change"]["id"] for event in events[:-1]]
    assert events[-1]["checkpoint"]["current"]
    code, answers, _ = ask(
        f"{DATASYNC}/Session", {"request_id": 1, "get": {"table": "todo_items", "id": row["id"]}},
        {"request_id": 2, "get": {"table": "todo_items", "id": "none"}})
    assert code == 0
    first, second = sorted(answers, key=lambda answer: answer["requestId"])
    assert first["get"]["entity"]["id"] == row["id"]
    assert second["status"]["details"][0]["reason"] == "ROW_NOT_FOUND"
    code, _, error = ask(f"{DATASYNC}/Get", {"table": "nots", "id": "a"})
    assert code != 0 and '"not_found"' in error and "nots" in error


def parsed(text):
    """The JSON values, one behind the other."""
    decoder, values = json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values
