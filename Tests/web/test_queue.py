"""The queue: what is written while there is no server is kept, shown and sent, once and in order."""

import pathlib

import pytest

from server import ROOT
from test_credentials import guarded  # noqa: F401  (a fixture)

LINKS = pathlib.Path(__file__).with_name("links.mjs").as_uri()
# A client with a queue in `store`, what it shows, and what it refused.
OPEN = """
  globalThis.store ??= new MemoryStore()
  globalThis.open = (options = {}) => {
    const client = connect(url, { queue: { name: 'q', store }, ...options })
    const shown = []
    const refused = []
    client.queue.addEventListener('refused', ({ detail }) => refused.push(detail))
    ;(async () => {
      for await (const element of client.table('todo_items').live({ orderBy: 'title' })) shown.push(element)
    })().catch(() => {})
    const titles = () => shown.at(-1)?.rows.map(({ title, completed }) => title + (completed ? '!' : '')).join()
    return { client, todos: client.table('todo_items'), queue: client.queue, shown, refused, titles }
  }
"""


@pytest.fixture
def served(site):
    return site(ROOT / "demo" / "schema.sql")


@pytest.fixture
def one(served, node):
    one = node()
    one.run(OPEN + f"globalThis.url = '{served.url}'; globalThis.a = open()")
    one.wait_for("a.titles() === ''", what="the empty list")
    yield one
    assert one.run("a.client.close(); return failures") == []


def test_writes_wait_are_shown_and_are_sent(served, one):
    served.relay.down()
    one.wait_for("a.client.state === 'offline'")
    row = one.run("return globalThis.milk = await a.todos.create({ title: 'milk' })")
    assert row["title"] == "milk" and row["id"][14] == "7"
    one.run("""
      await a.todos.update(milk.id, { completed: true })
      const bread = await a.todos.create({ title: 'bread', completed: false })
      const gone = await a.todos.create({ title: 'gone' })
      await a.todos.delete(gone.id)
      await a.client.commit([
        { type: 'create', table: 'todo_items', row: { title: 'x' } },
        { type: 'update', table: 'todo_items', id: bread.id, patch: { title: 'dark bread' } },
      ])""")
    one.wait_for("a.titles() === 'dark bread,milk!,x'", what="the list of what waits")
    assert one.run("return [a.queue.waiting, a.shown.at(-1).pending.size]") == [6, 4]
    served.relay.up()
    one.wait_for("a.queue.waiting === 0 && a.shown.at(-1).pending.size === 0", what="the sending")
    assert one.run("return a.titles()") == "dark bread,milk!,x"
    assert one.run("return a.shown.at(-1).rows.every((row) => row.version > 0)")
    rows = served.server.foreign("SELECT title, completed FROM todo_items ORDER BY title")
    assert rows == [("dark bread", 0), ("milk", 1), ("x", 0)]
    # No list on the way was without what had been written.
    assert one.run("""
      const from = a.shown.findIndex(({ rows }) => rows.some(({ title }) => title === 'x'))
      return a.shown.slice(from).every(({ rows }) => rows.length === 3)""")


def test_a_queue_outlives_its_client_and_its_server(served, one):
    """Sent once, whether or not the answer came."""
    one.run("""
      globalThis.writing = (async () => {
        for (let number = 0; number < 60; number += 1) {
          await a.todos.create({ title: String(number).padStart(2, '0') })
          if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()""")
    served.relay.cut()
    one.run("await writing")
    served.restart()
    # Another program takes the queue over, as after a reload.
    one.run("a.client.close(); globalThis.a = open()")
    one.wait_for("a.queue.waiting === 0 && a.shown.at(-1)?.rows.length === 60", what="all rows")
    titles = served.server.foreign("SELECT title FROM todo_items ORDER BY rowid")
    assert [title for (title,) in titles] == [f"{number:02}" for number in range(60)]


def test_what_is_refused_holds_back_its_row_alone(served, one):
    one.run("""
      globalThis.milk = await a.todos.create({ title: 'milk' })
      globalThis.bread = await a.todos.create({ title: 'bread' })""")
    one.wait_for("a.queue.waiting === 0 && a.titles() === 'bread,milk'", what="two rows")
    served.relay.down()
    one.wait_for("a.client.state !== 'live'")
    served.server.foreign("UPDATE todo_items SET title = 'oat milk' WHERE title = 'milk'")
    one.run("""
      const { version } = a.shown.at(-1).rows.find(({ title }) => title === 'milk')
      await a.todos.update(milk.id, { title: 'soy milk' }, { ifVersion: version })
      await a.todos.update(milk.id, { completed: true })
      await a.todos.update(bread.id, { title: 'dark bread' })""")
    served.relay.up()
    one.wait_for("a.refused.length && a.queue.waiting === 1", what="the refusal")
    assert one.run("""
      const [{ id, writes, error }] = a.queue.refused
      return [id === a.refused[0].id, writes[0].kind, error.reason, error.row.title]
    """) == [True, "update", "VERSION_MISMATCH", "oat milk"]
    # It is shown as written, and counts as pending, until it is settled.
    assert one.run("return a.titles()") == "dark bread,soy milk!"
    assert one.run("return [...a.shown.at(-1).pending].join() === milk.id")
    assert served.server.foreign("SELECT title, completed FROM todo_items ORDER BY title") == [
        ("dark bread", 0), ("oat milk", 0)]
    # Again brings the same; without it, the later write goes.
    one.run("await a.queue.retry(a.queue.refused[0].id)")
    one.wait_for("a.refused.length === 2", what="the second refusal")
    one.run("await a.queue.discard(a.queue.refused[0].id)")
    one.wait_for("a.queue.waiting === 0 && a.titles() === 'dark bread,oat milk!'", what="the end")
    assert one.run("return [a.queue.refused.length, a.shown.at(-1).pending.size]") == [0, 0]


def test_no_element_leaves_out_what_was_written(served, one):
    """From the writing on, a row is in every list, though its answer comes long before its event."""
    assert one.run(f"""
      const {{ links }} = await import('{LINKS}')
      links.eventsLate = 20
      a.client.close()
      globalThis.a = open()
      const missing = []
      for (let number = 0; number < 20; number += 1) {{
        const {{ id }} = await a.todos.create({{ title: `t${{number}}` }})
        const from = a.shown.length
        while (a.queue.waiting) await new Promise((resolve) => setTimeout(resolve, 1))
        await new Promise((resolve) => setTimeout(resolve, number % 5))
        if (a.shown.slice(from).some(({{ rows }}) => !rows.some((row) => row.id === id))) missing.push(number)
        await a.todos.update(id, {{ completed: true }})
        const next = a.shown.length
        while (a.queue.waiting) await new Promise((resolve) => setTimeout(resolve, 1))
        const undone = ({{ rows }}) => !rows.find((row) => row.id === id)?.completed
        if (a.shown.slice(next).some(undone)) missing.push(-number)
      }}
      return missing""") == []


def test_the_queue_comes_again_when_the_server_says(served, one):
    """An error that says when to come again refuses nothing; the same without that does."""
    one.run(f"""
      const {{ links }} = await import('{LINKS}')
      const status = {{ code: 8, message: 'too many' }}
      const later = [{{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '0.020s' }}]
      let left = 3
      links.alter = (text) => {{
        const message = JSON.parse(text)
        if (!message.write || left === 0) return text
        left -= 1
        const details = left ? later : []
        return JSON.stringify({{ requestId: message.requestId, status: {{ ...status, details }} }})
      }}
      a.client.close()
      globalThis.a = open()
      await a.todos.create({{ title: 'x' }})""")
    one.wait_for("a.refused.length", what="the refusal")
    assert one.run("return [a.refused[0].error.code, a.queue.waiting]") == ["RESOURCE_EXHAUSTED", 0]
    # It had been carried out: again it is answered as before.
    one.run("await a.queue.retry(a.refused[0].id)")
    one.wait_for("a.queue.waiting + a.queue.refused.length === 0", what="the sending")
    assert served.server.foreign("SELECT title FROM todo_items") == [("x",)]


def test_another_principals_queue_is_not_sent(guarded):  # noqa: F811
    one = guarded
    one.run("""
      globalThis.store = new MemoryStore()
      globalThis.open = (token) => connect(url, { token, queue: { name: 'q', store } })
      globalThis.client = open(jwt('alice'))
      await client.table('notes').create({ title: 'sent', owner: 'all' })""")
    one.wait_for("client.queue.waiting === 0", what="alice's first write")
    one.served.relay.down()
    one.wait_for("client.state !== 'live'")
    one.run("await client.table('notes').create({ title: 'kept', owner: 'alice' }); client.close()")
    one.served.relay.up()
    one.run("globalThis.client = open(jwt('bob'))")
    assert one.run("""
      await client.table('notes').create({ title: 'of bob', owner: 'bob' })
      return 1""") == 1
    one.wait_for("client.state === 'live' && client.queue.waiting === 0", what="bob's write")
    titles = "SELECT title FROM notes ORDER BY title"
    assert one.served.server.foreign(titles) == [("of bob",), ("sent",)]
    one.run("client.close(); globalThis.client = open(jwt('alice'))")
    one.wait_for("client.state === 'live' && client.queue.waiting === 0", what="alice's write")
    assert one.served.server.foreign(titles) == [("kept",), ("of bob",), ("sent",)]
    one.run("client.close()")
