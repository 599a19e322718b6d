"""Tokens: asked for anew before they expire, and others put in their place."""

import pathlib

import pytest

from node import Thrown
from server import ROOT

LINKS = pathlib.Path(__file__).with_name("links.mjs").as_uri()
SCHEMA = """
CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL, owner TEXT NOT NULL);
"""
ACCESS = """
credentials:
  jwt: [{ issuer: me, audience: shop, secret: secret, algorithms: [HS256] }]
tables:
  notes:
    read: owner eq @principal.id or owner eq 'all'
    create: owner eq @principal.id or owner eq 'all'
    delete: 'true'
    set: { owner: '@principal.id' }
"""
SECRET = "a secret of the shop's, long enough"
# Makes tokens, as an identity provider would.
PROVIDER = f"""
  const {{ createHmac }} = await import('node:crypto')
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  globalThis.asked = 0
  globalThis.jwt = (sub, seconds = 3600) => {{
    asked += 1
    const exp = Date.now() / 1000 + seconds
    const text = `${{part({{ alg: 'HS256', typ: 'JWT' }})}}.${{part({{ iss: 'me', aud: 'shop', sub, exp }})}}`
    return `${{text}}.${{createHmac('sha256', "{SECRET}").update(text).digest('base64url')}}`
  }}
  globalThis.follow = (notes) => {{
    const lists = []
    ;(async () => {{
      for await (const {{ rows }} of notes.live({{ orderBy: 'title' }})) lists.push(rows.map((row) => row.title).join())
    }})().catch((error) => lists.push(error.reason))
    return lists
  }}
"""


@pytest.fixture
def guarded(site, node, tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "access.yml").write_text(ACCESS)
    (tmp_path / "schema.sql").write_text(SCHEMA)
    one = node()
    one.served = site(tmp_path / "schema.sql", "--access", tmp_path / "access.yml")
    one.run(PROVIDER + f"globalThis.url = '{one.served.url}'")
    yield one
    assert one.run("return failures") == []


@pytest.mark.parametrize("transport", ["websocket", "connect"])
def test_a_token_is_asked_for_anew_before_it_expires(guarded, transport):
    one = guarded
    one.run(f"""
      globalThis.client = connect(url, {{ token: async () => jwt('alice', 3), transport: '{transport}' }})
      globalThis.notes = client.table('notes')
      globalThis.lists = follow(notes)
      await notes.create({{ title: 'a' }})""")
    one.wait_for("lists.at(-1) === 'a'", what="the first list")
    # Over HTTP nobody warns: it is asked for when the old one is refused.
    one.wait_for("asked > 1 || notes.get('none').catch(() => 0)", what="a second token")
    one.run("await notes.create({ title: 'b' })")
    one.wait_for("lists.at(-1) === 'a,b'", what="a list under a later token")
    if transport == "websocket":
        # All of it over one link.
        assert one.served.relay.accepted == 1 and one.run("return client.principal") == "alice"
    one.run("client.close()")


def test_a_token_is_asked_for_when_the_server_warns(guarded):
    """Long before anything is refused."""
    one = guarded
    one.run(f"""
      Object.assign(globalThis, await import('{LINKS}'))
      globalThis.client = connect(url, {{ token: () => jwt('alice') }})
      await client.table('notes').create({{ title: 'a' }})
      links.deliver({{ notice: {{ kind: 'CREDENTIALS_EXPIRING', timeLeft: '60s' }} }})""")
    one.wait_for("asked === 2", what="the second token")
    assert one.run("return (await client.table('notes').create({ title: 'b' })).owner") == "alice"
    one.run("client.close()")


def test_a_token_that_is_refused_fails_what_waits(guarded):
    one = guarded
    assert one.run("""
      globalThis.client = connect(url, { token: 'nonsense' })
      globalThis.notes = client.table('notes')
      const told = await notes.create({ title: 'a' }).catch(({ code, reason }) => [code, reason])
      const list = await notes.live().next().catch(({ reason }) => reason)
      return [told, list, client.state, client.error.reason]
    """) == [["UNAUTHENTICATED", "CREDENTIALS_INVALID"], "CREDENTIALS_INVALID", "offline",
             "CREDENTIALS_INVALID"]
    assert one.run("""
      const wrong = await client.authenticate('wrong').catch(({ reason }) => reason)
      await client.authenticate(jwt('alice'))
      const right = [client.state, client.principal, (await notes.create({ title: 'a' })).owner]
      const worse = await client.authenticate('worse').catch(({ reason }) => reason)
      return [wrong, right, worse, client.principal, (await notes.create({ title: 'b' })).owner]
    """) == ["CREDENTIALS_INVALID", ["live", "alice", "alice"], "CREDENTIALS_INVALID", "alice",
             "alice"]
    assert one.run("""
      client.close()
      const nobody = connect(url)
      const told = await nobody.table('notes').query().page().catch(({ reason }) => reason)
      nobody.close()
      return told""") == "CREDENTIALS_REQUIRED"


def test_a_token_that_cannot_be_had_is_waited_for(guarded):
    one = guarded
    assert one.run("""
      let tries = 0
      globalThis.client = connect(url, { token: () => {
        tries += 1
        if (tries < 3) throw new Error('out of reach')
        return jwt('alice')
      } })
      const { owner } = await client.table('notes').create({ title: 'a' })
      client.close()
      return [owner, tries]""") == ["alice", 3]


def test_a_server_that_takes_no_token_says_so(site, node):
    served, one = site(ROOT / "demo" / "schema.sql"), node()
    with pytest.raises(Thrown, match="takes no credentials"):
        one.run(f"await connect('{served.url}', {{ token: 't' }}).table('todo_items').get('x')")


def test_a_list_is_of_whoever_is_signed_in(guarded):
    one = guarded
    one.run("""
      globalThis.client = connect(url, { token: jwt('alice') })
      globalThis.notes = client.table('notes')
      globalThis.bob = connect(url, { token: jwt('bob') })
      await notes.create({ title: 'of alice' })
      await notes.create({ title: 'of all', owner: 'all' })
      await bob.table('notes').create({ title: 'of bob' })
      globalThis.lists = follow(notes)
      globalThis.events = notes.subscribe()
      globalThis.told = (async () => { for await (const _ of events); })().catch((error) => error.reason)
    """)
    one.wait_for("lists.at(-1) === 'of alice,of all'", what="alice's list")
    # Over the same link the server says what is other; over another, the list begins anew.
    one.run("await client.authenticate(jwt('bob'))")
    one.wait_for("lists.at(-1) === 'of all,of bob'", what="bob's list")
    one.served.relay.down()
    one.wait_for("client.state !== 'live'")
    one.run("globalThis.signing = client.authenticate(jwt('alice'))")
    one.served.relay.up()
    one.run("await signing")
    one.wait_for("lists.at(-1) === 'of alice,of all'", what="alice's list again")
    assert one.run("return told") == "VIEW_CHANGED"
    one.run("client.close(); bob.close()")
