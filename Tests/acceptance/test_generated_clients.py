"""Code that protoc makes of `datasync proto`, talking to the server. Issue 4, point 4."""

import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from google.protobuf import descriptor_pb2

import server as servers
from conftest import SCHEMAS
from server import ROOT
from session import Session

CLIENTS = pathlib.Path(__file__).parent / "clients"
PROTO = ROOT / "proto"


def proto_of(database, folder):
    """The text of `datasync proto`, in a file as its users would have it."""
    done = servers.run("proto", database)
    assert done.returncode == 0 and not done.stderr, done.stderr
    path = folder / "tables.proto"
    path.write_text(done.stdout)
    return path


def protoc(*arguments):
    """grpcio-tools' protoc, which needs no installation of its own."""
    import importlib.resources

    well_known = importlib.resources.files("grpc_tools") / "_proto"
    done = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *map(str, arguments), f"-I{well_known}"],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr


def described(path, folder):
    """What protoc makes of the text: a FileDescriptorProto."""
    protoc(
        f"-I{folder}", f"-I{PROTO}", f"--descriptor_set_out={folder / 'set'}",
        "--include_source_info", path.name,
    )
    files = descriptor_pb2.FileDescriptorSet.FromString((folder / "set").read_bytes())
    (file,) = files.file
    return file


def reflected(server):
    """What the server says of the same file."""
    return descriptor_pb2.FileDescriptorProto.FromString(
        server.contract.database.FindFileContainingSymbol("tables.TodoItemsTable")
        .SerializeToString()
    )


def comments(file):
    """The comments by path, as far as a path is still the same without its positions."""
    return {
        tuple(location.path): location.leading_comments
        for location in file.source_code_info.location if location.leading_comments
    }


# -- descriptors

MANY = """
CREATE TABLE todo_items ( -- Things to do.
  id TEXT NOT NULL PRIMARY KEY,
  -- What is to be done.
  title TEXT NOT NULL
);
CREATE TABLE a1b2_c3 (key_of_9 TEXT NOT NULL PRIMARY KEY, x_1 TEXT, x__2 INTEGER, Zed BLOB, camelCase DATE);
CREATE TABLE counters (n INTEGER PRIMARY KEY, "message" TEXT, "optional" TEXT, package TEXT, int64 TEXT, "true" TEXT);
CREATE TABLE words (id TEXT NOT NULL PRIMARY KEY, s UUID, j JSON TEXT, t TIME, d DECIMAL TEXT, at DATETIME,
  grade TEXT CHECK (grade IN ('low', 'high')), flag BOOLEAN);
"""


def same(file, other):
    """Two descriptions are one but for where things stand in the text."""
    copies = []
    for each in (file, other):
        copy = descriptor_pb2.FileDescriptorProto()
        copy.CopyFrom(each)
        copy.ClearField("source_code_info")
        copies.append(copy)
    left, right = copies
    assert (left.name, left.package, left.syntax) == (right.name, right.package, right.syntax)
    assert sorted(left.dependency) == sorted(right.dependency)
    for messages in ("message_type", "service"):
        names = [each.name for each in getattr(left, messages)]
        assert names == [each.name for each in getattr(right, messages)]
        for one, two in zip(getattr(left, messages), getattr(right, messages)):
            assert one == two, f"{one}\n---\n{two}"
    assert left == right


# Tables' names that look like others', are protobuf's own, or that it cannot spell.
ODD = r"""
CREATE TABLE TodoItems2 (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE "todo items" (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE todo__items (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE todo_items_page (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE todo_items_table (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE "9 lives" (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE "日本" (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE "a""b'c--" (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE timestamp (id TEXT NOT NULL PRIMARY KEY, at TIMESTAMP);
CREATE TABLE "any" (id TEXT NOT NULL PRIMARY KEY, word TEXT -- In */ a comment // with "quotes" \ and ''.
);
CREATE TABLE google (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE datasync (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE tables (id TEXT NOT NULL PRIMARY KEY, word TEXT);
CREATE TABLE message (message INTEGER PRIMARY KEY, "id" TEXT);
"""
# Columns that other languages have uses of their own for.
WORDS = """
CREATE TABLE class (id TEXT NOT NULL PRIMARY KEY, class TEXT, def TEXT, self TEXT, init TEXT, "Type" TEXT,
  protocol TEXT, description TEXT, namespace TEXT, operator TEXT, "default" TEXT, "in" TEXT, "None" TEXT,
  nil TEXT, "return" INTEGER, "import" BLOB, "message" TEXT, "enum" TEXT, "oneof" TEXT, "rpc" TEXT,
  "repeated" TEXT, "reserved" TEXT, "map" TEXT, "bool" BOOLEAN, "string" TEXT, "bytes" BLOB, "double" REAL,
  "optional" TEXT, "package" TEXT, "syntax" TEXT, "service" TEXT, "stream" TEXT, "returns" TEXT, _x TEXT,
  "UPPER" TEXT, "camelCase" TEXT, x1y2 TEXT, "row" TEXT, "table" TEXT, "hashValue" TEXT, "lambda" TEXT);
"""

UNDERSCORED = MANY + "CREATE TABLE scores (id TEXT NOT NULL PRIMARY KEY, _y REAL, z TEXT, _z TEXT);"


@pytest.mark.parametrize("schema", ["demo", "many", "types", "underscored", "odd"])
def test_reflection_says_what_protoc_makes_of_the_text(serve, tmp_path, schema):
    sql = {
        "demo": (ROOT / "demo" / "schema.sql").read_text(),
        "many": MANY,
        "underscored": UNDERSCORED,
        "odd": MANY.split("CREATE TABLE a1b2")[0] + ODD + WORDS,
        "types": MANY.split("CREATE TABLE a1b2")[0] + (SCHEMAS / "types.sql").read_text(),
    }[schema]
    server = serve("described.db", "--attach", sql=sql)
    file = described(proto_of(server.database, tmp_path), tmp_path)
    told = reflected(server)
    same(file, told)
    # Every column has presence, by a oneof of its own, in the columns' order.
    (row,) = [message for message in file.message_type if message.name == "TodoItems"]
    assert all(field.proto3_optional and field.json_name for field in row.field)
    assert [row.oneof_decl[f.oneof_index].name for f in row.field] == [f"_{f.name}" for f in row.field]
    # The schema's comments are told by reflection, too.
    assert comments(told) == comments(file)
    assert any("What is to be done." in text for text in comments(told).values())


def test_odd_tables_are_served_under_names_that_no_other_has(serve):
    sql = MANY.split("CREATE TABLE a1b2")[0] + ODD + WORDS
    server = serve("odd.db", "--attach", sql=sql)
    with Session(server) as session:
        tables = {table.name: table.message_type for table in session.call("describe").tables}
        assert len(tables) == sql.count("CREATE TABLE") and len(set(tables.values())) == len(tables)
        for name, message in tables.items():
            assert message.startswith("tables.") and message[7:8].isalpha() and message[7:].isalnum()
            service = f"{message[7:]}Table"
            row = server.typed(service, "Create", **({} if name != "todo_items" else {"title": "x"}))
            key = str(getattr(row, "id" if name != "message" else "message"))
            assert server.typed(service, "Get", id=key) == row
            assert len(server.typed(service, "Query", order_by="id desc").rows) == 1
            # Under the table's own name, too, with the row in Any.
            found = session.call("get", table=name, id=key)
            assert found.entity.type_url.endswith("/" + message)
            assert found.entity.value == row.SerializeToString(deterministic=True)
        words = {"class": "c", "def": "d", "None": "n", "Type": "t", "return": 5, "bool": True, "import": b"i"}
        row = session.call("create", entity=server.contract.any(
            "tables.Class", server.contract.new("tables.Class", **words).SerializeToString()))
        assert server.contract.row_of(row.entity).items() >= words.items()
        assert session.page("class", filter="class eq 'c' and return eq 5 and $it/def eq 'd'", order_by="Type, in").rows


def demo_with(sql, demo_template, tmp_path):
    """The demo, with other tables beside its own: what clients generate has to compile."""
    path = tmp_path / "demo.db"
    shutil.copy(demo_template, path)
    # The demo's tables have their names before the others come, and keep them.
    assert servers.run("attach", path).returncode == 0
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()
    return servers.Server(path, "--attach").start()


@pytest.fixture
def odd_demo(demo_template, tmp_path):
    server = demo_with(ODD + WORDS, demo_template, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def worded_demo(demo_template, tmp_path):
    """Few tables, for compilers that take long."""
    server = demo_with(WORDS, demo_template, tmp_path)
    yield server
    server.stop()


# -- Python

PYTHON = """
import sys, grpc, tables_pb2 as tables, tables_pb2_grpc as services
from datasync.v1 import datasync_pb2 as datasync
from google.protobuf import field_mask_pb2
channel = grpc.insecure_channel(sys.argv[1])
stub = services.TodoItemsTableStub(channel)
deadline = {"timeout": 20}
row = stub.Create(tables.TodoItems(title="from Python"), **deadline)
assert row.id and row.version and row.HasField("completed") and not row.completed
assert stub.Get(datasync.GetRequest(id=row.id), **deadline) == row
changed, call = stub.Update.with_call(
    tables.TodoItemsUpdate(row=tables.TodoItems(id=row.id, completed=True), if_version=row.version),
    **deadline)
assert changed.completed and changed.title == "from Python"
assert dict(call.trailing_metadata())["datasync-sequence"] == str(changed.version)
try:
    stub.Update(tables.TodoItemsUpdate(row=row, if_version=row.version), **deadline)
    raise AssertionError("an old version was taken")
except grpc.RpcError as error:
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION, error
replaced = stub.Replace(
    tables.TodoItemsReplace(row=tables.TodoItems(id=row.id, title="from Python again")), **deadline)
assert not replaced.completed
masked = stub.Update(tables.TodoItemsUpdate(
    row=tables.TodoItems(id=row.id, title="masked", completed=True),
    update_mask=field_mask_pb2.FieldMask(paths=["completed"])), **deadline)
assert masked.completed and masked.title == "from Python again"
page = stub.Query(datasync.QueryRequest(filter="startswith(title, 'from Python')", count=True), **deadline)
assert page.total == 1 and list(page.rows) == [masked] and page.resume_token
films, token = [], ""
while True:
    page = services.MoviesTableStub(channel).Query(
        datasync.QueryRequest(order_by="rating desc, year", page_size=100, page_token=token), **deadline)
    films += page.rows
    token = page.next_page_token
    if not token:
        break
assert len({film.id for film in films}) == 248 and films[0].rating == "NC17"
events = stub.Watch(datasync.SubscribeRequest(filter=f"id eq '{row.id}'", previous=True), timeout=20)
first = next(events)
assert first.operation == datasync.Change.ADD and first.initial and first.row == masked
assert next(events).checkpoint.current
gone = stub.Delete(datasync.DeleteRequest(id=row.id), **deadline)
assert gone == masked
event = next(event for event in events if not event.HasField("checkpoint"))
assert event.operation == datasync.Change.DELETE and event.previous == masked and not event.HasField("row")
events.cancel()
print("ok", row.id)
"""


def test_generated_python_talks_to_the_server(odd_demo, tmp_path):
    demo = odd_demo
    proto_of(demo.database, tmp_path)
    out = tmp_path / "generated"
    out.mkdir()
    protoc(
        f"-I{tmp_path}", f"-I{PROTO}", f"--python_out={out}", f"--grpc_python_out={out}",
        "tables.proto", "datasync/v1/datasync.proto",
    )
    script = out / "client.py"
    script.write_text(PYTHON)
    done = subprocess.run(
        [sys.executable, script, demo.address], capture_output=True, text=True, timeout=60, cwd=out
    )
    assert done.returncode == 0, done.stderr
    check_gone(demo, done.stdout)


def check_gone(server, output):
    """The client's row was there, and is not any more; all else is as it was."""
    word, id = output.split()
    assert word == "ok"
    with Session(server) as session:
        assert session.page("todo_items", filter=f"id eq '{id}'", count=True).total == 0
        assert session.page("movies", count=True).total == 248


# -- C++

TOOLS = [shutil.which(tool) for tool in ("protoc", "grpc_cpp_plugin", "g++")]
HEADERS = pathlib.Path("/usr/include/grpcpp/grpcpp.h")
# pkg-config would say it too, but takes minutes to walk through what gRPC requires.
LIBRARIES = ["-Wl,--copy-dt-needed-entries", "-lgrpc++", "-lgrpc", "-lgpr", "-lprotobuf"]


@pytest.mark.timeout(800)
@pytest.mark.skipif(not all(TOOLS) or not HEADERS.exists(), reason="no gRPC for C++ is installed")
def test_generated_cplusplus_talks_to_the_server(worded_demo, tmp_path):
    demo = worded_demo
    proto_of(demo.database, tmp_path)
    files = ["tables", "datasync/v1/datasync", "google/rpc/status"]
    done = subprocess.run(
        ["protoc", f"-I{tmp_path}", f"-I{PROTO}", f"--cpp_out={tmp_path}", f"--grpc_out={tmp_path}",
         f"--plugin=protoc-gen-grpc={shutil.which('grpc_cpp_plugin')}",
         *(f"{file}.proto" for file in files)],
        capture_output=True, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stderr
    sources = [tmp_path / f"{file}.pb.cc" for file in files] + [tmp_path / "tables.grpc.pb.cc"]
    program = tmp_path / "client"
    done = subprocess.run(
        ["g++", "-std=c++17", "-O0", f"-I{tmp_path}", CLIENTS / "client.cc", *sources, "-o", program,
         *LIBRARIES],
        capture_output=True, text=True, timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    done = subprocess.run([program, demo.address], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    check_gone(demo, done.stdout)


# -- Swift

SWIFT = shutil.which("swift")


def built(package, product, timeout):
    """Builds a product of the package, in a folder that later runs find again."""
    command = ["swift", "build", "--package-path", package, "--product", product]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    shown = subprocess.run(
        [*command, "--show-bin-path"], capture_output=True, text=True, timeout=60, check=True
    )
    return pathlib.Path(shown.stdout.strip()) / product


def refresh(source, target):
    """Copies what has changed, so that nothing else is built again."""
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


@pytest.mark.timeout(1500)  # The first time, swift-protobuf and its generator are built.
@pytest.mark.skipif(SWIFT is None, reason="no Swift is installed")
def test_generated_swift_talks_to_the_server(odd_demo, tmp_path, record_property):
    demo = odd_demo
    package = ROOT / ".build-clients" / "swift"
    for source in (CLIENTS / "swift").rglob("*"):
        if source.is_file():
            refresh(source, package / source.relative_to(CLIENTS / "swift"))
    began = time.monotonic()
    generator = built(package, "protoc-gen-swift", timeout=900)
    proto_of(demo.database, tmp_path)
    files = ["tables", "datasync/v1/datasync", "google/rpc/status"]
    protoc(
        f"-I{tmp_path}", f"-I{PROTO}", f"--plugin=protoc-gen-swift={generator}",
        f"--swift_out={tmp_path}", *(f"{file}.proto" for file in files),
    )
    for file in files:
        name = file.replace("/", "_")
        refresh(tmp_path / f"{file}.pb.swift", package / f"Sources/client/Generated/{name}.pb.swift")
    program = built(package, "client", timeout=600)
    record_property("seconds to build the Swift client", round(time.monotonic() - began))
    done = subprocess.run([program, demo.address], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    check_gone(demo, done.stdout)
