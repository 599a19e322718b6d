"""Live lists: exact at every element, in the server's order, whatever happens meanwhile."""

import json
import pathlib

import pytest

from conftest import SCHEMAS, SEED
from server import ROOT

MODEL, LINKS = (
    pathlib.Path(__file__).with_name(name).as_uri() for name in ("model.mjs", "links.mjs"))
COLUMNS = [
    "flag", "whole", "ratio", "words", "blob", "moment", "day", "clock", "price", "weight", "code",
    "doc", "grade",
]
# Filters, and the same in JavaScript.
FILTERS = {
    "": "() => true",
    "flag eq true": "(row) => row.flag === true",
    "ratio gt 1": "(row) => row.ratio !== null && row.ratio > 1",
    "grade ne 'low'": "(row) => row.grade !== 'low'",
}


@pytest.fixture
def todos(site, node):
    one = node()
    one.served = site(ROOT / "demo" / "schema.sql")
    one.run(f"""
      globalThis.client = connect('{one.served.url}')
      globalThis.todos = client.table('todo_items')""")
    yield one
    assert one.run("client.close(); return failures") == []


def test_random_histories(site, node):
    served, one = site(SCHEMAS / "types.sql"), node()
    orders = [f"{column}{way}" for column in COLUMNS for way in ("", " desc")]
    orders += ["", "id desc", "grade, whole desc"]
    one.run(f"""
      globalThis.model = await import('{MODEL}')
      Object.assign(globalThis, await import('{LINKS}'))
      const next = model.random({SEED})
      // Each list begins some way into a link, and most links are lost.
      links.cut = () => (links.cuts < 25 ? 30 + next(600) : Infinity)
      globalThis.history = new model.History()
      globalThis.clients = [0, 1, 2].map(() => connect('{served.url}'))
      globalThis.filters = {{ {', '.join(f'"{text}": {code}' for text, code in FILTERS.items())} }}
      globalThis.watched = []
      const look = (options) => watched.push(model.watch({{ client: clients[2], seed: {SEED} + watched.length, ...options }}))
      for (const filter of Object.keys(filters)) {{
        look({{ filter, orderBy: 'words desc, flag' }})
        look({{ filter, orderBy: 'price', slow: 120 }})
        look({{ filter, select: ['words'], orderBy: 'whole', slow: 20 }})
      }}
      for (const orderBy of {json.dumps(orders)}) look({{ filter: '', orderBy }})
      globalThis.write = (client, seed, count, pause) => model.write({{ client: clients[client], history, seed, count, pause }})
      globalThis.writing = Promise.all([write(0, {SEED}, 100, 12), write(1, {SEED + 1}, 100, 12)])
      writing.catch(() => {{}})""")
    counts = one.run("""
      await writing
      const [, mark] = await clients[0].commit([
        { type: 'create', table: 'everything', row: { id: 'end' } },
        { type: 'replace', table: 'everything', row: { id: 'mark' }, allowMissing: true },
      ])
      history.note('end', mark.version - 1, await clients[0].table('everything').get('end'))
      history.note('mark', mark.version, mark)
      globalThis.end = mark.version
      const deadline = Date.now() + 15000
      const isThere = ({ elements, failure, options }) =>
        failure || elements.at(-1).sequence >= end ||
        // A list in which nothing changes any more is not told of the end.
        (options.filter && Date.now() > deadline - 12000)
      while (!watched.every(isThere)) {
        if (Date.now() > deadline) throw new Error('some lists did not come to the end')
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      const counts = []
      for (const one of watched) {
        counts.push(await model.check({ client: clients[1], history, watched: one, matches: filters[one.options.filter] }))
        await one.end()
      }
      for (const client of clients) client.close()
      return counts""", 60)
    assert one.run("return failures") == []
    assert one.run("return links.cuts") > 5
    # Quick readers saw many steps, slow ones joined some.
    assert sum(counts) > 3 * len(counts) and min(counts) < max(counts)


def test_the_order_is_the_servers(site, node):
    """Every value of every type, ascending and descending, NULL among them."""
    served, one = site(SCHEMAS / "types.sql"), node()
    assert one.run(f"""
      const {{ VALUES }} = await import('{MODEL}')
      const client = connect('{served.url}')
      const everything = client.table('everything')
      const rows = Array.from({{ length: 14 }}, (_, at) => Object.fromEntries(
        Object.entries(VALUES).map(([column, values]) => [column, values[at] ?? null])))
      await client.commit(rows.map((row) => ({{ type: 'create', table: 'everything', row }})))
      const wrong = []
      const orders = Object.keys(VALUES).flatMap((column) => [column, `${{column}} desc`])
      for (const orderBy of [...orders, 'flag desc, grade, id desc', '']) {{
        const {{ rows }} = await everything.query({{ orderBy }}).page()
        const live = everything.live({{ orderBy }})
        const list = (await live.next()).value.rows
        await live.return()
        const [told, found] = [list, rows].map((all) => all.map((row) => row.id).join())
        if (told !== found) wrong.push(orderBy)
      }}
      client.close()
      return wrong""") == []


def test_untouched_rows_stay_the_same_objects(todos):
    assert todos.run("""
      const made = []
      for (const title of ['a', 'b', 'c']) made.push(await todos.create({ title }))
      const live = todos.live({ orderBy: 'title' })
      const first = (await live.next()).value
      await todos.update(made[1].id, { title: 'bb' })
      const second = (await live.next()).value
      const same = [0, 1, 2].map((index) => first.rows[index] === second.rows[index])
      await live.return()
      return [same, second.changes.map(({ type, from, to }) => [type, from, to]), (await live.next()).done]
    """) == [[True, False, True], [["update", 1, 1]], True]


def test_a_slow_reader_gets_joined_changes(todos):
    assert todos.run("""
      const live = todos.live({ orderBy: 'title' })
      await live.next()
      const made = await todos.create({ title: 'x' })
      for (let number = 0; number < 50; number += 1) await todos.update(made.id, { title: `t${number}` })
      const gone = await todos.create({ title: 'gone' })
      await todos.delete(gone.id)
      const last = await todos.update(made.id, { title: 'last' })
      // Answers may come before the events that they tell of.
      let element
      do element = (await live.next()).value
      while (element.sequence < last.version)
      await live.return()
      return [element.rows.map(({ title }) => title), element.changes.length, element.changes[0].row.title]
    """) == [["last"], 1, "last"]


def history_replaced(served):
    """A copy from before: what clients know of it is no longer so."""
    database = served.server.database
    backup = database.with_name("backup.db")
    from server import run
    made = run("backup", database, backup)
    assert made.returncode == 0, made.stderr
    return backup


def test_another_history_begins_anew(todos):
    """A restored backup: `live` goes on within one element, `subscribe` says so."""
    served = todos.served
    todos.run("for (const title of ['kept', 'also']) await todos.create({ title })")
    backup = history_replaced(served)
    todos.run("""
      await todos.create({ title: 'later' })
      globalThis.lists = []
      globalThis.live = todos.live({ orderBy: 'title' })
      ;(async () => { for await (const element of live) lists.push(element) })()
      globalThis.checked = false
      globalThis.told = (async () => {
        for await (const event of todos.subscribe()) checked ||= event.type === 'checkpoint'
      })().catch((error) => error)""")
    todos.wait_for("checked && lists.at(-1)?.rows.length === 3", what="the list before")
    todos.run("globalThis.kept = lists.at(-1).rows.find(({ title }) => title === 'kept')")
    served.kill()
    for path in served.server.database.parent.glob("site.db*"):
        if not path.name.endswith(".log"):
            path.unlink()
    backup.rename(served.server.database)
    served.start()
    assert todos.wait_for(
        "lists.at(-1).rows.length === 2 && lists.at(-1).rows.map(({ title }) => title)",
        what="the list after") == ["also", "kept"]
    assert todos.run("""
      const last = lists.at(-1)
      return [last.changes.map(({ type, previous }) => [type, previous.title]), last.rows[1] === kept,
        (await told).reason]""") == [[["delete", "later"]], True, "HISTORY_REPLACED"]
    todos.run("await todos.create({ title: 'new' })")
    todos.wait_for("lists.at(-1).rows.length === 3", what="what comes after")


def test_a_compacted_history_begins_anew(site, node):
    served = site(
        ROOT / "demo" / "schema.sql", "--limit", "max_log_bytes=1", "--limit", "log_retention=0s")
    one = node()
    one.run(f"""
      globalThis.client = connect('{served.url}')
      globalThis.todos = client.table('todo_items')
      for (const title of ['a', 'b']) await todos.create({{ title }})
      globalThis.lists = []
      ;(async () => {{ for await (const element of todos.live({{ orderBy: 'title' }})) lists.push(element) }})()""")
    one.wait_for("lists.at(-1)?.rows.length === 2", what="the list before")
    served.relay.down()
    one.wait_for("client.state === 'offline'")
    served.server.foreign("DELETE FROM todo_items WHERE title = 'a'")
    for number in range(5):
        served.server.foreign(
            "INSERT INTO todo_items (id, title) VALUES (?, ?)", (f"c{number}", f"c{number}"))
    served.restart()
    served.relay.up()
    one.wait_for("lists.at(-1).rows.length === 6", what="the list after")
    assert one.run("return lists.at(-1).changes.map(({ type }) => type)") == ["delete"] + ["add"] * 5
    assert one.run("client.close(); return failures") == []


def test_a_new_column_comes_into_a_list(todos):
    todos.run("""
      await todos.create({ title: 'a' })
      globalThis.lists = []
      ;(async () => { for await (const element of todos.live()) lists.push(element) })()""")
    todos.wait_for("lists.length", what="the list before")
    todos.served.server.foreign("ALTER TABLE todo_items ADD COLUMN note TEXT")
    todos.served.server.foreign("UPDATE todo_items SET note = 'new'")
    todos.wait_for("lists.at(-1).rows[0].note === 'new'", what="the new column")
