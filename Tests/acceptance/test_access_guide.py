"""The recipes of the guide to access: each is served as it stands there, and does what it says.

An HTML comment before a block says that it is a whole file, and of which recipe.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import shutil
import sqlite3
import subprocess
import time

import pytest

from errors import refused
from server import ROOT, Server, binary, run
from session import Change, Session

GUIDE = ROOT / "Sources" / "DatasyncServer" / "Documentation.docc" / "Access.md"
MARKED = re.compile(r"^<!-- (access file|schema): ([^\n]+) -->\n```(\w+)\n(.*?)^```$", re.M | re.S)


def recipes():
    """By name: the access file and the schema."""
    blocks = {"access file": {}, "schema": {}}
    for kind, name, language, text in MARKED.findall(GUIDE.read_text()):
        assert language == {"access file": "yaml", "schema": "sql"}[kind], name
        assert name not in blocks[kind], f"{kind} {name} stands there twice"
        blocks[kind][name] = text
    assert set(blocks["access file"]) == set(blocks["schema"])
    return {name: (file, blocks["schema"][name]) for name, file in blocks["access file"].items()}


def excerpts():
    """The other access files."""
    whole = [file for file, _ in recipes().values()]
    blocks = re.findall(r"^```yaml\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    return [block for block in blocks if block not in whole]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Recipe:
    """A recipe that is served, and callers of it."""

    def __init__(self, name, folder, tokens=()):
        """`tokens`: the words after `datasync token` of each principal."""
        file, schema = recipes()[name]
        self.secret, self.tokens, self.sessions = secrets.token_bytes(32), {}, []
        (folder / "access.yml").write_text(file)
        (folder / "secret.key").write_bytes(self.secret)
        lines = []
        for principal, *arguments in tokens:
            token, line = run("token", principal, *arguments).stdout.splitlines()
            self.tokens[principal] = token.split(": ", 1)[1]
            lines.append(line.split(": ", 1)[1])
        (folder / "tokens.txt").write_text("".join(line + "\n" for line in lines))
        connection = sqlite3.connect(folder / "shop.db")
        connection.executescript(schema)
        connection.close()
        self.server = Server(
            folder / "shop.db", "--attach", "--access", folder / "access.yml"
        ).start()

    def jwt(self, sub, **claims):
        claims = {
            "iss": "https://id.example.com", "aud": "shop", "exp": time.time() + 600, "sub": sub,
            **claims,
        }
        parts = [{"alg": "HS256", "typ": "JWT"}, claims]
        signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        signature = hmac.new(self.secret, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64url(signature)}"

    def anonymous(self):
        session = Session(self.server, client_id="anonymous")
        self.sessions.append(session)
        return session

    def caller(self, id, **claims):
        token = self.tokens.get(id) or self.jwt(id, **claims)
        session = Session(
            self.server, metadata=[("authorization", f"Bearer {token}")], client_id=f"of {id}")
        self.sessions.append(session)
        assert session.opened.principal == id
        return session

    def stop(self):
        for session in self.sessions:
            session.close()
        self.server.stop()


@pytest.fixture
def serve_recipe(tmp_path):
    served = []

    def serve(name, tokens=()):
        served.append(Recipe(name, tmp_path, tokens))
        return served[-1]

    yield serve
    for recipe in served:
        recipe.stop()


def ids(session, table):
    return sorted(row["id"] for row in session.rows(table))


def changes(events, sequence):
    """What a subscription tells up to a commit."""
    return [
        (event.operation, event.id, event.left_view)
        for event in events.until_sequence(sequence) if isinstance(event, Change)
    ]


# -- the recipes


def test_own_rows(serve_recipe):
    recipe = serve_recipe("own rows", [("alice",), ("bob",)])
    alice, bob = recipe.caller("alice"), recipe.caller("bob")
    events = bob.subscribe("notes")
    events.until_current()
    assert alice.create("notes", id="a", text="mine").row["owner"] == "alice"
    assert alice.update("notes", id="a", text="changed").row["text"] == "changed"
    last = bob.create("notes", id="b", text="bob's")
    assert changes(events, last.sequence) == [("ADD", "b", False)]
    assert ids(alice, "notes") == ["a"] and ids(bob, "notes") == ["b"]
    for call in [
        lambda: bob.get("notes", "a"), lambda: bob.update("notes", id="a", text="x"),
        lambda: bob.delete("notes", "a"),
    ]:
        with refused("NOT_FOUND", "ROW_NOT_FOUND"):
            call()
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        alice.create("notes", id="c", owner="bob", text="not mine")
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        alice.update("notes", id="a", owner="bob")
    with refused("ALREADY_EXISTS", "ROW_EXISTS") as error:
        bob.create("notes", id="a", text="taken")
    assert error.row is None
    alice.delete("notes", "a")
    with refused("UNAUTHENTICATED", "CREDENTIALS_REQUIRED"):
        recipe.server.unary("Query", table="notes")


def test_tenants(serve_recipe):
    recipe = serve_recipe("tenants")
    acme, other = recipe.caller("ann", tenant="acme"), recipe.caller("oskar", tenant="other")
    assert acme.create("customers", id="c1", name="First").row["tenant"] == "acme"
    other.create("customers", id="c2", name="Second")
    assert acme.create("orders", id="o1", customer_id="c1", total=5).row["tenant"] == "acme"
    assert ids(acme, "customers") == ["c1"] and ids(other, "orders") == []
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        acme.update("customers", id="c1", tenant="other")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        other.delete("orders", "o1")
    # Another's customer and none are told apart by nothing.
    with refused("FAILED_PRECONDITION", "FOREIGN_KEY_VIOLATION") as unseen:
        acme.create("orders", id="o2", customer_id="c2", total=5)
    with refused("FAILED_PRECONDITION", "FOREIGN_KEY_VIOLATION") as absent:
        acme.create("orders", id="o2", customer_id="c3", total=5)
    assert (unseen.message, unseen.metadata) == (absent.message, absent.metadata)
    assert not recipe.caller("nemo").call("describe").tables
    with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
        recipe.caller("nemo").page("customers")
    with refused("UNAUTHENTICATED", "CREDENTIALS_INVALID"):
        recipe.server.unary(
            "Query", table="customers",
            metadata=[("authorization", "Bearer " + recipe.jwt("ann", tenant=7))])


def test_shared_lists(serve_recipe):
    recipe = serve_recipe("shared lists", [("alice",), ("bob",), ("root",)])
    alice, bob, root = (recipe.caller(name) for name in ("alice", "bob", "root"))
    root.create("team_members", id="m1", user_id="alice", team_id="blue")
    root.create("team_lists", id="l1", team_id="blue", list_id="shopping")
    alice.create("todo_items", id="milk", list_id="shopping", title="milk")
    assert ids(alice, "todo_items") == ["milk"] and ids(bob, "todo_items") == []
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        bob.create("todo_items", id="beer", list_id="shopping", title="beer")
    root.create("team_members", id="m2", user_id="bob", team_id="blue")
    assert ids(bob, "todo_items") == ["milk"]
    assert bob.update("todo_items", id="milk", title="oat milk").row["title"] == "oat milk"
    root.delete("team_members", "m2")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        bob.get("todo_items", "milk")


def test_catalogue(serve_recipe):
    recipe = serve_recipe("catalogue", [("root", "--role", "admin"), ("alice",)])
    root, alice, guest = recipe.caller("root"), recipe.caller("alice"), recipe.anonymous()
    views = [root.subscribe("products"), guest.subscribe("products")]
    for events in views:
        events.until_current()
    root.create("products", id="p", name="Pan", price=7)
    assert ids(guest, "products") == [] and ids(root, "products") == ["p"]
    root.update("products", id="p", published=True)
    assert ids(guest, "products") == ["p"]
    last = root.update("products", id="p", published=False)
    assert changes(views[0], last.sequence) == [
        ("ADD", "p", False), ("UPDATE", "p", False), ("UPDATE", "p", False)]
    assert changes(views[1], last.sequence) == [("ADD", "p", False), ("DELETE", "p", True)]
    for session in (guest, alice):
        assert [list(table.allowed) for table in session.call("describe").tables] == [[1]]
        with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
            session.create("products", id="q", name="Pot", price=1)


def test_roles(serve_recipe):
    recipe = serve_recipe("roles", [("carl",), ("sam",), ("tina",)])
    carl, sam, tina = (recipe.caller(name) for name in ("carl", "sam", "tina"))
    assert carl.create("tickets", id="t", question="Why?").row["customer"] == "carl"
    assert sam.update("tickets", id="t", answer="So.", state="closed").row["state"] == "closed"
    with refused("PERMISSION_DENIED", "ROW_NOT_ALLOWED"):
        sam.update("tickets", id="t", answer="No.")
    assert tina.update("tickets", id="t", answer="Yes.").row["answer"] == "Yes."
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        tina.update("tickets", id="t", question="What?")
    with refused("PERMISSION_DENIED", "RESULT_NOT_ALLOWED"):
        carl.create("tickets", id="u", question="Why?", answer="Because.")
    for call in [
        lambda: carl.update("tickets", id="t", answer="x"), lambda: sam.delete("tickets", "t"),
    ]:
        with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
            call()
    tina.delete("tickets", "t")


def test_hidden_columns(serve_recipe):
    recipe = serve_recipe("hidden columns")
    paula = recipe.caller("paula", roles=["staff", "personnel"])
    emil = recipe.caller("emil", roles="staff")
    for id in ("emil", "paula"):
        paula.create("employees", id=id, name=id, notes="diligent")
        paula.create("pay", id=id, monthly=1)
    assert paula.get("employees", "emil")["notes"] == "diligent"
    assert ids(emil, "employees") == ["emil", "paula"] and ids(emil, "pay") == ["emil"]
    assert all("notes" not in row for row in emil.rows("employees"))
    emil.replace("employees", id="emil", name="Emil", phone="1")
    assert paula.get("employees", "emil")["notes"] == "diligent"
    with refused("INVALID_ARGUMENT", "BAD_FILTER"):
        emil.page("employees", filter="notes eq 'diligent'")
    with refused("PERMISSION_DENIED", "FIELD_NOT_ALLOWED"):
        emil.update("employees", id="emil", notes="very diligent")
    with refused("PERMISSION_DENIED", "ROW_NOT_ALLOWED"):
        emil.update("employees", id="paula", phone="2")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        emil.get("pay", "paula")


def test_anonymous(serve_recipe):
    recipe = serve_recipe("anonymous")
    mia, editor = recipe.caller("mia"), recipe.caller("ed", roles="editor")
    guest = recipe.anonymous()
    assert mia.create("posts", id="all", text="t", readers="public").row["author"] == "mia"
    mia.create("posts", id="few", text="t")
    assert ids(guest, "posts") == ["all"] and ids(editor, "posts") == ["all", "few"]
    assert guest.create("letters", id="l", text="Hello").row is None
    assert ids(editor, "letters") == ["l"]
    with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
        guest.page("letters")
    with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
        guest.create("posts", id="mine", text="t")
    with refused("NOT_FOUND", "ROW_NOT_FOUND"):
        guest.get("posts", "few")
    with refused("PERMISSION_DENIED", "ROW_NOT_ALLOWED"):
        editor.delete("posts", "all")
    events = guest.subscribe("posts")
    events.until_current()
    assert guest.call("authenticate", token=recipe.jwt("new")).principal == "new"
    judged = [event for event in events.until_current() if isinstance(event, Change)]
    assert [(change.operation, change.id) for change in judged] == [("ADD", "few")]
    assert judged[0].initial


# -- all of them


def test_every_recipe_has_a_test():
    names = {name.replace(" ", "_") for name in recipes()}
    assert names == {
        name.removeprefix("test_") for name in globals() if name.removeprefix("test_") in names}
    assert len(names) == 7


def check(folder, file, schema):
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript(schema)
    connection.close()
    assert run("attach", folder / "shop.db").returncode == 0
    (folder / "access.yml").write_text(file)
    (folder / "secret.key").write_bytes(secrets.token_bytes(32))
    (folder / "tokens.txt").write_text("")
    return run("access", "check", "shop.db", "--access", "access.yml", cwd=folder)


@pytest.mark.parametrize("name", list(recipes()))
def test_the_check_has_no_fault_to_tell_of(name, tmp_path):
    done = check(tmp_path, *recipes()[name])
    assert done.returncode == 0, done.stdout
    assert "no rule uses it" not in done.stdout and "exists for nobody" not in done.stdout


@pytest.mark.parametrize("block", excerpts())
def test_what_is_no_whole_file_fits_into_one(block, tmp_path):
    # The public key of RFC 7515, appendix A.3.
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [{
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }]}))
    if "tables:" not in block:
        block += "tables: { notes: { read: 'true' } }\n"
    done = check(tmp_path, block, """
        CREATE TABLE notes (
          id TEXT PRIMARY KEY, owner TEXT, cost INTEGER, shared BOOLEAN, locked BOOLEAN
        );""")
    assert done.returncode == 0, done.stdout


def test_a_fault_is_told_as_the_guide_says(tmp_path):
    file, schema = recipes()["own rows"]
    done = check(tmp_path, file.replace("owner", "ownr", 1), schema)
    assert done.returncode == 1 and f"\n    {done.stdout.splitlines()[0]}\n" in GUIDE.read_text()


# -- the README


def test_the_readme_is_true_when_it_is_pasted(tmp_path):
    text = (ROOT / "README.md").read_text()
    section = re.search(r"^## Who may see what$(.*?)^## ", text, re.M | re.S)[1]
    (file,) = re.findall(r"^```yaml\n(.*?)^```$", section, re.M | re.S)
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    make_token, serve = commands.splitlines()
    (tmp_path / "access.yml").write_text(file)
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript(
        "CREATE TABLE products (id TEXT PRIMARY KEY, name TEXT);"
        "CREATE TABLE orders (id TEXT PRIMARY KEY, customer TEXT, total INTEGER);"
        "INSERT INTO orders VALUES ('o', 'bob', 1);")
    connection.close()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "datasync").symlink_to(shutil.which(binary()))
    made = subprocess.run(
        ["bash", "-c", make_token], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={"PATH": f"{programs}:/usr/bin:/bin"})
    token = re.search(r"^token: (\S+)$", made.stderr, re.M)[1]
    program, verb, database, *arguments = serve.split()
    assert (program, verb, database) == ("datasync", "serve", "shop.db")
    place = arguments.index("--access") + 1
    arguments[place] = tmp_path / arguments[place]
    server = Server(tmp_path / database, *arguments).start()
    try:
        alice = [("authorization", f"Bearer {token}")]
        with Session(server, metadata=alice, client_id="a") as session:
            assert session.create("orders", id="p", total=2).row["customer"] == "alice"
            assert ids(session, "orders") == ["p"]
            with refused("PERMISSION_DENIED", "OPERATION_NOT_ALLOWED"):
                session.create("products", id="x")
        assert not server.unary("Query", table="products").entities
        with refused("NOT_FOUND", "TABLE_NOT_FOUND"):
            server.unary("Query", table="orders")
    finally:
        server.stop()
