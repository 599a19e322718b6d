"""The client in a real browser: IndexedDB keeps the queue, one tab of all sends it."""

import pytest

from server import ROOT
from test_tls import certificates  # noqa: F401  (a fixture)

ORIGINS = "SELECT title FROM todo_items ORDER BY rowid"


@pytest.fixture
def served(site):
    return site(ROOT / "demo" / "schema.sql")


@pytest.fixture
def tab(served, window):
    """Opens a page of the server's with a client that has a queue, and a live list of it."""

    def opened(options="{ queue: 'todos', transport: 'websocket' }"):
        page = window(f"{served.url}/datasync.js")
        page.run(f"""
          Object.assign(window, await import('/datasync.js'))
          window.sockets = 0
          window.WebSocket = class extends WebSocket {{
            constructor(...all) {{
              super(...all)
              sockets += 1
            }}
          }}
          window.client = connect({options})
          window.todos = client.table('todo_items')
          window.shown = []
          ;(async () => {{
            for await (const element of todos.live({{ orderBy: 'title' }})) shown.push(element)
          }})().catch((error) => shown.push(error))
          window.titles = () => shown.at(-1)?.rows?.map(({{ title }}) => title).join()""")
        return page

    return opened


def test_what_was_written_outlives_the_page(served, tab):
    page = tab()
    page.wait_for("titles() === ''", what="the empty list")
    # Pages come through, sessions do not.
    served.relay.refused = b"upgrade: websocket"
    served.relay.cut()
    page.wait_for("client.state !== 'live'")
    page.run("for (const title of ['a', 'b', 'c']) await todos.create({ title })")
    page.wait_for("titles() === 'a,b,c'", what="the list of what waits")
    page.close()
    page = tab()
    # With no session there is no list of the server's rows; the queue is there.
    page.wait_for("client.queue.waiting === 3", what="the queue")
    assert served.server.foreign(ORIGINS) == []
    served.relay.refused = None
    page.wait_for("client.queue.waiting === 0 && titles() === 'a,b,c'", 40, "the sending")
    assert served.server.foreign(ORIGINS) == [("a",), ("b",), ("c",)]
    assert page.errors == []


def test_one_tab_sends_for_all(served, tab):
    first, second = tab(), tab()
    for page in (first, second):
        page.wait_for("titles() === ''", what="the empty list")
    origins = second.run("""
      window.origins = new Set()
      const told = client.subscribe({ start: 'now' })
      await told.next()
      ;(async () => { for await (const { origin } of told) if (origin) origins.add(origin) })()
      return [...origins]""")
    second.run("await todos.create({ title: 'of the second' })")
    first.run("await todos.create({ title: 'of the first' })")
    for page in (first, second):
        page.wait_for(
            "titles() === 'of the first,of the second' && !client.queue.waiting"
            " && !shown.at(-1).pending.size", what="both rows")
    # The second has a session for itself, the first one for the queue besides.
    assert [page.evaluate("sockets") for page in (first, second)] == [2, 1]
    # The other takes over once the first is gone, under the same client id.
    first.close()
    second.run("await todos.create({ title: 'later' })")
    second.wait_for("client.queue.waiting === 0", what="the sending by the second tab")
    second.wait_for("titles() === 'later,of the first,of the second'", what="three rows")
    assert second.evaluate("origins.size") == 1 and origins == []
    assert not second.evaluate("origins.has(client.clientId)")


def test_a_tab_that_ends_while_it_sends(served, tab):
    """Another goes on, and nothing is sent twice."""
    first, second = tab(), tab()
    for page in (first, second):
        page.wait_for("titles() === ''", what="the empty list")
    second.run("""
      window.writing = (async () => {
        for (let number = 0; number < 100; number += 1)
          await todos.create({ title: String(number).padStart(3, '0') })
      })()""")
    second.wait_for("shown.at(-1).rows.length > 5", what="some rows")
    first.close()
    second.run("await writing")
    second.wait_for("client.queue.waiting === 0 && shown.at(-1).rows.length === 100", what="all rows")
    titles = served.server.foreign(ORIGINS)
    assert [title for (title,) in titles] == [f"{number:03}" for number in range(100)]


def test_a_page_connects_at_once_when_the_net_is_back(served, tab):
    page = tab("{}")
    page.wait_for("client.state === 'live'")
    # Of its own accord it would never try again.
    page.evaluate("window.setTimeout = () => 0")
    served.relay.cut()
    page.wait_for("client.state !== 'live'")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for("client.state === 'live'", what="the connection after `online`")
    served.relay.cut()
    page.wait_for("client.state !== 'live'")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for("client.state === 'live'", what="the connection after the page was shown")


@pytest.mark.parametrize("transport", ["websocket", "connect"])
def test_over_http_2_all_is_on_one_connection(site, window, certificates, transport):  # noqa: F811
    """Pages, the session or the calls, and every subscription as a stream."""
    served = site(
        ROOT / "demo" / "schema.sql", "--tls-cert", certificates / "server.pem",
        "--tls-key", certificates / "server.key")
    page = window()
    page.send("Security.setIgnoreCertificateErrors", ignore=True)
    page.goto(f"{served.url}/datasync.js")
    page.run(f"""
      Object.assign(window, await import('/datasync.js'))
      window.calls = []
      const {{ fetch }} = window
      window.fetch = (url, ...all) => (calls.push(url.split('/').pop()), fetch(url, ...all))
      window.client = connect({{ transport: '{transport}' }})
      window.todos = client.table('todo_items')
      window.lists = [[], [], [], [], [], [], [], []]
      for (const list of lists) (async () => {{
        for await (const {{ rows }} of todos.live()) list.push(rows.map(({{ title }}) => title).join())
      }})()
      await todos.create({{ title: 'a' }})""")
    page.wait_for("lists.every((list) => list.at(-1) === 'a')", what="eight lists")
    assert served.relay.accepted <= 2
    calls = page.evaluate("calls")
    streams = 8 if transport == "connect" else 0
    assert calls.count("Subscribe") == streams and calls.count("Changes") == (streams and 1)
