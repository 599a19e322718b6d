"""The client of browsers and Node: rows, writes, pages, errors, whatever the transport."""

import gzip
import json

import pytest

from conftest import SCHEMAS
from node import SITE, Thrown

EVERYTHING = {
    "flag": True, "whole": 42, "ratio": 1.5, "words": "grün", "moment": "2024-02-29T12:00:00.250Z",
    "day": "2024-02-29", "clock": "02:14:00.5", "price": "12.340", "weight": "7.5",
    "code": "0190d9f0-93a1-7cc4-8f38-6c2a3c9f5d10", "doc": '{"a": [1]}', "grade": "middle",
}


@pytest.fixture(params=["websocket", "connect"])
def client(request, site, node):
    """A client of the shop in a Node, over each transport; `notes` is its table."""
    served = site(SCHEMAS / "shop.sql", "--soft-delete", "soft_notes")
    one = node()
    one.run(f"""
      globalThis.client = connect('{served.url}', {{ transport: '{request.param}' }})
      globalThis.notes = client.table('notes')""")
    one.served = served
    yield one
    assert one.run("client.close(); return failures") == []


def test_rows_are_written_and_read(client):
    made = client.run("return globalThis.made = await notes.create({ title: 'Milk', stars: 2 })")
    assert made["title"] == "Milk" and made["stars"] == 2 and made["body"] is None
    assert client.run("return notes.get(made.id)") == made
    patched = client.run("return notes.update(made.id, { body: 'fresh', slug: null })")
    assert patched == {
        **made, "body": "fresh", "version": patched["version"], "updated_at": patched["updated_at"]}
    # A patch writes NULL; a replacement leaves out what becomes the default.
    assert client.run("return (await notes.update(made.id, { stars: null })).stars") is None
    replaced = client.run("return notes.replace({ id: made.id, title: 'Bread' })")
    assert (replaced["title"], replaced["stars"], replaced["body"]) == ("Bread", 3, None)
    assert client.run("return notes.get(made.id, { select: ['stars'] })") == {
        "id": made["id"], "stars": 3}
    assert client.run("return (await notes.delete(made.id)).title") == "Bread"
    assert client.run("return Object.isFrozen(made)")


def test_what_is_deleted_softly_comes_back(client):
    client.run("globalThis.soft = client.table('soft_notes')")
    made = client.run("return globalThis.made = await soft.create({ title: 'x' })")
    assert client.run("return soft.delete(made.id)")["deleted"] is True
    assert client.run("return soft.get(made.id).catch((error) => error.code)") == "NOT_FOUND"
    assert client.run("return soft.get(made.id, { includeDeleted: true })")["deleted"] is True
    back = client.run(
        "return soft.update(made.id, { deleted: false }, { includeDeleted: true })")
    assert back["deleted"] is False and client.run("return soft.get(made.id)")["id"] == made["id"]


def test_errors_say_what_and_where(client):
    refused = client.run("""
      const made = await notes.create({ title: 'one' })
      await notes.update(made.id, { title: 'two' })
      return notes.update(made.id, { title: 'three' }, { ifVersion: made.version }).catch((error) =>
        [error instanceof DatasyncError, error.code, error.reason, error.row.title,
          error.metadata.table])""")
    assert refused == [True, "FAILED_PRECONDITION", "VERSION_MISMATCH", "two", "notes"]
    assert client.run("""
      const errors = []
      for (const attempt of [
        () => notes.query({ filter: "title eq 'a' and titel eq 'b'" }).page(),
        async () => { for await (const _ of notes.live({ orderBy: 'stars,titel' })); },
        async () => { for await (const _ of notes.subscribe({ filter: 'titel' })); },
        () => client.table('nothing').get('x'),
      ]) errors.push(await attempt().catch(({ reason, position }) => [reason, position]))
      return errors""") == [
        ["BAD_FILTER", 18], ["BAD_ORDER_BY", 7], ["BAD_FILTER", 1], ["TABLE_NOT_FOUND", None]]


def test_a_commit_is_all_or_nothing(client):
    rows = client.run("""
      const [made] = await client.commit([{ type: 'create', table: 'notes', row: { title: 'a' } }])
      return client.commit([
        { type: 'update', table: 'notes', id: made.id, patch: { title: 'b' }, ifVersion: made.version },
        { type: 'replace', table: 'notes', row: { id: made.id, title: 'c' } },
        { type: 'delete', table: 'notes', id: made.id },
      ])""")
    assert [row["title"] for row in rows] == ["b", "c", "c"]
    assert client.run("""
      const before = (await notes.query().page()).total
      const error = await client.commit([
        { type: 'create', table: 'notes', row: { title: 'a' } },
        { type: 'delete', table: 'notes', id: 'none' },
      ]).catch((error) => error)
      return [error.code, error.metadata.write_index, (await notes.query().page()).total - before]
    """) == ["NOT_FOUND", "1", 0]


def test_a_query_gives_rows_and_pages(client):
    client.run("""
      await client.commit(Array.from({ length: 25 }, (_, stars) =>
        ({ type: 'create', table: 'notes', row: { title: `n${stars}`, stars: stars % 6 } })))""")
    assert client.run("""
      const titles = []
      for await (const row of notes.query({ filter: 'stars ge 4', orderBy: 'title desc', pageSize: 3 }))
        titles.push(row.title)
      return titles""") == sorted((f"n{n}" for n in range(25) if n % 6 >= 4), reverse=True)
    pages = client.run("""
      const query = notes.query({ orderBy: 'title', select: ['title'], top: 7, pageSize: 4 })
      const first = await query.page()
      const second = await query.page(first.nextPageToken)
      return [first, second]""")
    assert [(len(page["rows"]), page["total"]) for page in pages] == [(4, 25), (3, 25)]
    assert pages[1]["nextPageToken"] == "" and set(pages[0]["rows"][0]) == {"id", "title"}
    # From a page's position on, nothing is missed.
    assert client.run("""
      const { resumeToken } = await notes.query({ top: 1 }).page()
      const { id } = await notes.create({ title: 'after' })
      for await (const event of notes.subscribe({ start: resumeToken }))
        if (event.type === 'add') return [event.id === id, event.row.title, event.own]
    """)[:2] == [True, "after"]


@pytest.mark.parametrize("transport", ["websocket", "connect"])
def test_each_type_goes_there_and_back(site, node, transport):
    served, one = site(SCHEMAS / "types.sql"), node()
    one.run(f"""
      globalThis.client = connect('{served.url}', {{ transport: '{transport}' }})
      globalThis.everything = client.table('everything')""")
    made = one.run(f"return everything.create({json.dumps(EVERYTHING)})")
    assert {name: made[name] for name in EVERYTHING} == EVERYTHING
    assert made["written"] is None and made["blob"] is None
    assert one.run("""
      const blob = Uint8Array.from({ length: 70000 }, (_, index) => index % 251)
      const row = await everything.create({ blob, whole: 9007199254740993n, weight: 2.5,
        moment: new Date(Date.UTC(2020, 1, 3)) })
      const same = row.blob.length === blob.length && row.blob.every((byte, at) => byte === blob[at])
      return [same, row.whole, row.weight, row.moment]
    """) == [True, {"bigint": "9007199254740993"}, "2.5", "2020-02-03T00:00:00Z"]
    described = one.run("return (await client.describe()).tables[0]")
    columns = {column["name"]: column for column in described["columns"]}
    assert columns["grade"]["enumValues"] == ["low", "middle", "high"]
    assert columns["id"]["system"] and columns["whole"]["nullable"]


ODD = """
CREATE TABLE odd (
  id TEXT NOT NULL PRIMARY KEY,
  due_date TEXT, "dueTime" TEXT, line_1 TEXT, _low TEXT, "Title" TEXT, x__y TEXT
);
"""


def test_columns_of_any_name_are_written_and_read(site, node, tmp_path):
    """In JSON some names are others, and a mask tells them by those."""
    (tmp_path / "odd.sql").write_text(ODD)
    served, one = site(tmp_path / "odd.sql"), node()
    one.run(f"globalThis.odd = connect('{served.url}').table('odd')")
    names = ["due_date", "dueTime", "line_1", "_low", "Title", "x__y"]
    values = {name: f"of {name}" for name in names}
    made = one.run(f"return globalThis.made = await odd.create({json.dumps(values)})")
    assert {name: made[name] for name in names} == values
    for name in names:
        patched = one.run(f"return odd.update(made.id, {{ {name}: 'new' }})")
        values[name] = "new"
        assert {one: patched[one] for one in names} == values


def test_an_integer_key(site, node):
    served, one = site(SCHEMAS / "shop.sql"), node()
    one.run(f"globalThis.counters = connect('{served.url}').table('counters')")
    assert one.run("""
      const made = await counters.create({ label: 'a' })
      await counters.create({ number: 12, label: 'b' })
      await counters.create({ number: 5, label: 'c' })
      await counters.update(12, { label: 'd' })
      const lists = counters.live()
      const { value } = await lists.next()
      await lists.return()
      return [made.number, value.rows.map(({ number, label }) => [number, label])]
    """) == [1, [[1, "a"], [5, "c"], [12, "d"]]]


@pytest.mark.parametrize("wrong, says", [
    ("connect('localhost:8080')", "TypeError: .*localhost:8080 is no address of a server, such as https://"),
    ("connect('http://')", "TypeError: .*http:// is no address"),
    ("connect()", "TypeError: connect needs the address"),
    ("connect('http://x', { tokn: 1 })", "TypeError: connect has no option tokn: it has token,"),
    ("connect('http://x', { transport: 'ws' })", "no transport ws: it has auto, websocket, connect"),
    ("connect('http://x', { queue: 'q' })", "There is no IndexedDB here.*MemoryStore"),
    ("delete globalThis.WebSocket; connect('http://x')", "There is no WebSocket here: take Node 22.*transport: 'connect'"),
])
def test_what_cannot_work_is_said_at_once(node, wrong, says):
    with pytest.raises(Thrown, match=says):
        node().run(wrong)


def test_an_option_that_does_not_exist_is_refused(node):
    one = node()
    said = one.run("""
      const client = connect(new URL('http://127.0.0.1:1/'), { transport: 'connect' })
      const table = client.table('notes')
      const told = []
      for (const attempt of [
        () => table.live({ order_by: 'title' }), () => table.query({ page_size: 2 }),
        () => table.subscribe({ orderBy: 'title' }), () => client.subscribe({ tabel: 'notes' }),
        () => table.get('a', { selct: [] }), () => table.update('a', {}, { if_version: 1 }),
        () => client.commit([{ type: 'delete', table: 'notes', id: 'a', ifversion: 1 }]),
      ]) try { await attempt() } catch (error) { told.push(`${error.name} ${error.message}`) }
      client.close()
      return told""")
    assert said == [
        "TypeError live has no option order_by: write orderBy",
        "TypeError query has no option page_size: write pageSize",
        "TypeError subscribe has no option orderBy: it has filter, select, previous, start, excludeOwn, includeDeleted",
        "TypeError subscribe has no option tabel: it has table, filter, select, previous, start, excludeOwn, includeDeleted",
        "TypeError get has no option selct: it has select, includeDeleted",
        "TypeError update has no option if_version: write ifVersion",
        "TypeError commit has no option ifversion: write ifVersion",
    ]


def test_errors_have_what_is_wrong_with_each_field(client):
    assert client.run("""
      const { id } = await notes.create({})
      const { violations } = await notes.update(id, { title: null, owner: null }).catch((error) => error)
      return violations.map(({ field, description }) => [field, typeof description])
    """) == [["title", "string"], ["owner", "string"]]


def test_the_client_stays_small():
    assert len(gzip.compress((SITE / "datasync.js").read_bytes())) <= 30 * 1024
