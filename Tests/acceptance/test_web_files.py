"""`serve --web`: the files inside the program."""

import gzip
import re
import shutil

import pytest

from server import ROOT, Server
from test_web import Web, web_address

SITE = ROOT / "Sources" / "CDatasyncPages" / "site"
FILES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file())
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
TYPES = {
    "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8", "ts": "text/plain; charset=utf-8",
}
ALLOWED = "origin: https://app.example.com"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl asks")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "demo.db"
    server = Server(
        path, "--schema", ROOT / "demo" / "schema.sql", "--attach", "--web", "127.0.0.1:0",
        "--web-origin", "https://app.example.com",
    ).start()
    yield Web(web_address(server))
    server.stop()


def path_of(name):
    return "/" + re.sub(r"(^|/)index\.html$", r"\1", name)



@pytest.mark.parametrize("name", FILES)
def test_a_file_is_served_as_it_is(web, name):
    answer = web.curl(path_of(name))
    assert answer.status == 200 and answer.body == (SITE / name).read_bytes()
    assert answer.fields["content-length"] == str(len(answer.body))
    kind = name.rsplit(".", 1)[1]
    assert answer.fields["content-type"] == TYPES.get(kind, answer.fields["content-type"])
    assert answer.fields["cache-control"] == "no-cache"
    assert answer.fields["x-content-type-options"] == "nosniff"
    assert answer.fields["referrer-policy"] == "no-referrer"
    assert answer.fields["cross-origin-resource-policy"] == "same-origin"
    assert {item.strip() for item in answer.fields["vary"].split(",")} == {
        "Origin", "Accept-Encoding"}
    assert answer.fields.get("content-security-policy") == (POLICY if kind == "html" else None)


def test_there_is_what_the_pages_need():
    assert {"index.html", "datasync.js", "datasync.d.ts", "todo/index.html"} <= set(FILES)


def test_a_file_is_compressed_where_that_is_taken(web):
    whole = web.curl("/datasync.js")
    short = web.curl("/datasync.js", "-H", "accept-encoding: br, gzip")
    assert short.fields["content-encoding"] == "gzip"
    assert gzip.decompress(short.body) == whole.body and len(short.body) < len(whole.body)
    assert short.fields["content-length"] == str(len(short.body))
    # Other bytes, and so another strong tag.
    assert short.fields["etag"] != whole.fields["etag"]
    refused = web.curl("/datasync.js", "-H", "accept-encoding: gzip;q=0")
    assert refused.body == whole.body and "content-encoding" not in refused.fields


def test_what_is_known_is_not_sent_again(web):
    tag = web.curl("/datasync.js").fields["etag"]
    assert re.fullmatch(r'"[0-9a-f]{24}"', tag)
    for known in (tag, f'"a", W/{tag}', "*"):
        answer = web.curl("/datasync.js", "-H", f"if-none-match: {known}")
        assert answer.status == 304 and answer.body == b"" and answer.fields["etag"] == tag
        assert "content-length" not in answer.fields and "content-type" not in answer.fields
    other = web.curl("/", "-H", f"if-none-match: {tag}")
    assert other.status == 200 and other.fields["etag"] != tag


def test_the_head_alone(web):
    answer = web.curl("/", "--head")
    assert answer.status == 200 and answer.body == b""
    assert answer.fields["content-length"] == str(len((SITE / "index.html").read_bytes()))


def test_a_folder_is_found_without_its_slash(web):
    answer = web.curl("/todo")
    assert answer.status == 308 and answer.fields["location"] == "/todo/"


def test_a_file_is_only_read(web):
    answer = web.curl("/datasync.js", "-X", "DELETE")
    assert answer.status == 405 and answer.fields["allow"] == "GET, HEAD"
    assert answer.fields["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", [
    "/../Package.swift", "/todo/../datasync.js", "/%2e%2e/etc/passwd", "//datasync.js",
    "/datasync.js/", "/index.html", "/todo/todo.js%00",
])
def test_nothing_else_is_there(web, path):
    answer = web.curl(path, "--path-as-is")
    assert answer.status == 404 and answer.fields["content-type"].startswith("text/plain")


def test_a_page_of_an_allowed_origin_may_import_a_file(web):
    answer = web.curl("/datasync.js", "-H", ALLOWED)
    assert answer.fields["access-control-allow-origin"] == "https://app.example.com"
    assert web.curl("/datasync.js", "-H", "origin: https://evil.example").status == 403
