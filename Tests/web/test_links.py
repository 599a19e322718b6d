"""Links that are lost: nothing is done twice, nothing is missed, and what waits has an end."""

import json
import pathlib
import time

import pytest

from conftest import SCHEMAS
from node import Thrown
from server import ROOT

LINKS = pathlib.Path(__file__).with_name("links.mjs").as_uri()
DEMO = ROOT / "demo" / "schema.sql"
# Reads a feed into `seen`, from before the first await on.
WATCH = """
  globalThis.seen = []
  globalThis.feed = todos.subscribe({ previous: true })
  globalThis.over = (async () => { for await (const event of feed) seen.push(event) })()
  over.catch((error) => (globalThis.failure = error))
"""
# The rows by id as the events tell them; throws where an event does not fit what is known.
FOLD = """
  const rows = new Map()
  const told = new Set()
  let last = 0
  for (const { type, id, row, previous, sequence, initial } of seen) {
    if (type === 'checkpoint') continue
    if (told.has(`${id} ${sequence}`)) throw new Error(`${id} at ${sequence} again`)
    told.add(`${id} ${sequence}`)
    if (!initial && sequence <= last) throw new Error(`${sequence} after ${last}`)
    if (!initial) last = sequence
    if ((type === 'add') === rows.has(id)) throw new Error(`${type} of ${id}`)
    if (previous && JSON.stringify(previous) !== JSON.stringify(rows.get(id)))
      throw new Error(`before ${id}: ${JSON.stringify([previous, rows.get(id)])}`)
    if (type === 'delete') rows.delete(id)
    else rows.set(id, row)
  }
"""


@pytest.fixture
def served(site):
    return site(DEMO)


@pytest.fixture
def client(served, node):
    one = node()
    one.run(f"""
      globalThis.states = []
      Object.assign(globalThis, await import('{LINKS}'))
      globalThis.url = '{served.url}'
      globalThis.client = connect(url)
      client.addEventListener('statechange', () => states.push(client.state))
      globalThis.todos = client.table('todo_items')""")
    yield one
    assert one.run("client.close(); return failures") == []


@pytest.mark.parametrize("how", ["lost", "restart"])
def test_writes_are_done_once_whatever_happens_to_the_link(served, client, how):
    """Links are lost with answers on them; or the server ends, and begins again."""
    if how == "lost":
        client.run("let n = 0; links.cut = () => 3 + (n++ % 9)")
    client.run("""
      client.close()
      globalThis.client = connect(url)
      globalThis.todos = client.table('todo_items')
      globalThis.answers = []
      globalThis.writing = (async () => {
        for (let round = 0; round < 20; round += 1) {
          const titles = Array.from({ length: 10 }, (_, index) => `${round} ${index}`)
          answers.push(...await Promise.all(titles.map((title) => todos.create({ title }))))
          await new Promise((resolve) => setTimeout(resolve, 5))
          if (links.cuts > 15) links.cut = () => Infinity
        }
      })()
      writing.catch(() => {})""")
    for round in range(2 if how == "restart" else 0):
        client.wait_for(f"answers.length > {round * 80 + 20}", what="the next answers")
        served.restart()
    rows = client.run("""
      await writing
      const rows = []
      for await (const row of todos.query()) rows.push(row)
      return [answers.map(({ id, title }) => [id, title]), rows.map(({ id, title }) => [id, title])]
    """, 60)
    assert sorted(rows[0]) == sorted(rows[1]) and len(rows[0]) == 200
    assert how == "restart" or client.run("return links.cuts") > 5


def test_events_are_neither_lost_nor_doubled(served, client):
    """The link is lost within the first rows, twice, and between changes and their checkpoints."""
    served.server.foreign(
        "WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
        " INSERT INTO todo_items (id, title) SELECT 'r' || i, 'row ' || i FROM n")
    client.run("""
      client.close()
      const cuts = [500, 300, ...Array.from({ length: 40 }, (_, at) => 2 + at % 7)]
      links.cut = () => cuts.shift() ?? Infinity
      links.holdsAfterCut = true
      // Two links that do not open, while they are held, would lead to HTTP, where none is cut.
      globalThis.client = connect(url, { transport: 'websocket' })
      globalThis.todos = client.table('todo_items')""" + WATCH)
    client.wait_for("links.isHeld", what="the first cut")
    served.server.foreign("DELETE FROM todo_items WHERE id IN ('r1', 'r998')")
    served.server.foreign("UPDATE todo_items SET title = 'other' WHERE id IN ('r2', 'r997')")
    client.run("links.isHeld = false")
    client.wait_for("links.isHeld", what="the second cut")
    served.server.foreign("UPDATE todo_items SET title = 'again' WHERE id IN ('r2', 'r996')")
    client.run("links.isHeld = links.holdsAfterCut = false")
    for round in range(20):
        served.server.foreign(
            "UPDATE todo_items SET title = title || '.' WHERE id IN ('r103', 'r104', 'r105')")
        for number in range(4):
            served.server.foreign(
                "UPDATE todo_items SET completed = NOT completed, title = ? WHERE id = ?",
                (f"{round} {number}", f"r{100 + number}"))
        client.wait_for(f"links.cuts >= {min(round, 15)}", what="the next cut")
    client.run("links.cut = () => Infinity")
    served.server.foreign("INSERT INTO todo_items (id, title) VALUES ('last', 'last')")
    # It may be the first of all rows anew: they have come when a checkpoint says so.
    client.wait_for("""(() => {
      const at = seen.findIndex((event) => event.id === 'last')
      const isWhole = ({ type, current }) => type === 'checkpoint' && (current || !seen[at].initial)
      return at >= 0 && seen.slice(at).some(isWhole)
    })()""", what="the last event and those with it")
    told = client.run(FOLD + "return [...rows.values()].map(({ id, title }) => [id, title]).sort()")
    rows = served.server.foreign("SELECT id, title FROM todo_items")
    assert told == sorted(map(list, rows))


def test_a_call_waits_for_a_link_and_no_longer_than_told(served, node):
    one = node()
    served.relay.down()
    one.run(f"globalThis.client = connect('{served.url}', {{ timeout: 1000 }})")
    began = time.monotonic()
    with pytest.raises(Thrown) as error:
        one.run("return client.table('todo_items').query().page()")
    assert error.value.code == "UNAVAILABLE" and time.monotonic() - began >= 0.9
    assert one.run("return [client.state, client.error.code]") == ["offline", "UNAVAILABLE"]
    one.run("globalThis.late = connect(client.connection ? '" + served.url + "' : '')")
    waiting = one.start("return (await late.table('todo_items').create({ title: 'late' })).title")
    served.relay.up()
    assert one.wait(waiting, what="the write that waited") == "late"
    one.run("client.close(); late.close()")


def test_what_a_client_says_of_itself(served, client):
    client.wait_for("client.state === 'live'")
    served.relay.down()
    client.wait_for("client.state === 'offline'")
    served.relay.up()
    client.wait_for("client.state === 'live'")
    states = client.run("return states")
    assert states[:2] == ["live", "connecting"] and states[-2:] == ["offline", "live"]
    assert client.run("""
      client.close()
      return [client.state, await todos.get('x').catch((error) => error.code)]
    """) == ["offline", "CANCELLED"]


def test_a_link_that_has_gone_silent_is_given_up(served, node):
    """No byte says that it is lost: it is asked after 20 s, and left 25 s later."""
    one = node()
    one.run(f"""
      // The clock of this test: timers of the client run when it is told.
      const timers = new Map()
      let now = Date.now()
      globalThis.setTimeout = (work, time = 0) => (timers.set(timers.size, [now + time, work]), timers.size - 1)
      globalThis.clearTimeout = (id) => timers.delete(id)
      Date.now = () => now
      globalThis.pass = async (milliseconds) => {{
        for (const end = now + milliseconds; now < end; ) {{
          now += 100
          for (const [id, [at, work]] of timers) if (at <= now) (timers.delete(id), work())
          await new Promise((resolve) => setImmediate(resolve))
        }}
      }}
      globalThis.client = connect('{served.url}')
      while (client.state !== 'live') await new Promise((resolve) => setImmediate(resolve))
    """)
    served.relay.stall()
    assert one.run("await pass(44000); return client.state") == "live"
    assert one.run("await pass(2000); return client.state") != "live"
    served.relay.flow()
    one.run("""
      while (client.state !== 'live') await pass(100)
      client.close()""")


def test_a_message_that_is_too_large_fails_alone(served, client):
    codes = client.run("""
      const large = todos.create({ title: 'x'.repeat(5 << 20) }).catch((error) => error.code)
      const small = todos.create({ title: 'small' }).then(({ title }) => title)
      return Promise.all([large, small])""")
    assert codes == ["RESOURCE_EXHAUSTED", "small"]


def test_without_a_websocket_calls_do(served, node):
    """As behind a proxy that does not know them: one stream, other subscriptions poll."""
    served.relay.refused = b"upgrade: websocket"
    one = node()
    one.run(f"""
      globalThis.client = connect('{served.url}')
      globalThis.todos = client.table('todo_items')
      globalThis.lists = [[], [], []]
      lists.forEach((list, index) => (async () => {{
        for await (const {{ rows }} of todos.live({{ orderBy: 'title' }})) list.push(rows.map((row) => row.title))
      }})())""")
    assert one.run("return (await todos.create({ title: 'b' })).title") == "b"
    one.wait_for("lists.every((list) => list.at(-1)?.join() === 'b')", what="three lists")
    one.run("await todos.create({ title: 'a' })")
    one.wait_for("lists.every((list) => list.at(-1)?.join() === 'a,b')", what="three lists again")
    served.relay.cut()
    one.run("await todos.create({ title: 'c' })")
    one.wait_for("lists.every((list) => list.at(-1)?.join() === 'a,b,c')", what="lists after a cut")
    assert one.run("client.close(); return failures") == []


def test_who_does_not_read_stops_that_subscription_alone(served, client):
    """It is stopped before it grows, and goes on where it stopped."""
    client.run("""
      client.close()
      globalThis.client = connect(url)
      globalThis.todos = client.table('todo_items')
      globalThis.slow = todos.subscribe({ start: 'now' })
      await slow.next()
      globalThis.count = async (table) => { let n = 0; for await (const _ of table.query()) n += 1; return n }
    """)
    for chunk in range(6):
        served.server.foreign(
            "WITH n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 499)"
            f" INSERT INTO todo_items (id, title) SELECT 'c{chunk}-' || i, '' FROM n")
        client.wait_for(f"count(todos).then((n) => n === {500 * (chunk + 1)})")
    assert client.run("return (await todos.create({ title: 'quick' })).title") == "quick"
    # 1,000 events may wait, and what a last transaction brings.
    assert 1000 < client.run("return links.events") < 2000
    events = client.run("""
      const ids = []
      for (;;) {
        const { value } = await slow.next()
        if (value.type === 'add') ids.push(value.id)
        if (value.row?.title === 'quick') break
      }
      await slow.return()
      return ids""")
    assert len(events) == 3001 == len(set(events)), json.dumps(events[:3])
