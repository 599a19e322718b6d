"""Random histories under an access file whose memberships, rules and callers change, and whether each subscriber
had at each checkpoint what the rules showed it then: the validator RuleExact.

The rules are read a second time here, from the contract: nothing of the server's own reading is used.
"""

import collections
import dataclasses
import random
import sqlite3
import threading
import time

from errors import Refused
from history import History
from server import Server, run
from session import Change, Session, event_of

NAMES = ["ann", "bob", "cleo"]
SQL = """
CREATE TABLE members (id TEXT PRIMARY KEY, user_id TEXT, team_id TEXT);
CREATE TABLE team_lists (id TEXT PRIMARY KEY, team_id TEXT, list_id INTEGER);
CREATE TABLE items (id TEXT PRIMARY KEY, list_id INTEGER, owner TEXT, title TEXT);
CREATE INDEX members_user ON members (user_id);
CREATE INDEX lists_team ON team_lists (team_id);
"""
FILE = """
credentials: {{ tokens: tokens.txt }}
roles: {{ admin: [root], helper: [{helpers}] }}
memberships:
  teams: {{ table: members, value: team_id, where: "user_id eq @principal.id" }}
  lists: {{ table: team_lists, value: list_id, where: "team_id in @principal.teams" }}
tables:
  items:
    read: "'admin' in @principal.roles or list_id in @principal.lists or owner eq @principal.id or title eq 't0' and 'helper' in @principal.roles"
    create: "'admin' in @principal.roles"
    update: "'admin' in @principal.roles"
    delete: "'admin' in @principal.roles"
  '*':
    read: "'admin' in @principal.roles"
    create: "'admin' in @principal.roles"
    update: "'admin' in @principal.roles"
    delete: "'admin' in @principal.roles"
"""
TABLES = {
    "members": {"user_id": NAMES, "team_id": ["red", "blue", "green"]},
    "team_lists": {"team_id": ["red", "blue", "green"], "list_id": [1, 2, 3, 4, 5]},
    "items": {"list_id": [1, 2, 3, 4, 5, 6], "owner": [*NAMES, "nobody"], "title": ["t0", "t1", "t2"]},
}
KEYS = {"members": 6, "team_lists": 8, "items": 40}
# How long a change of the access file may take to be noticed, beside what a busy machine adds.
RELOAD_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class View:
    """A subscription as it is asked for."""

    table: str
    title: str = ""

    @property
    def fields(self):
        wanted = {"table": self.table, "heartbeat_interval": {"nanos": 200_000_000}}
        return wanted | ({"filter": f"title eq '{self.title}'"} if self.title else {})

    def contains(self, table, row):
        return (not self.table or table == self.table) and (not self.title or row.get("title") == self.title)


class Follower:
    """One subscription over all its resumptions: what it heard, with the callers that it may have had."""

    def __init__(self, view, name):
        self.view, self.name = view, name
        # "begin", "resume" and "caller" with a name, "event" with an event; each with its time.
        self.heard = []
        self.events = None
        self.token = ""

    def note(self, kind, value):
        self.heard.append((kind, value, time.monotonic()))


class Client(threading.Thread):
    """A session with several subscriptions; shows other credentials now and then, and resumes."""

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.world, self.random = world, random.Random(seed)
        self.name_of_caller = self.random.choice(NAMES)
        views = [View("items"), View("items", "t1"), View("")]
        self.followers = [Follower(view, self.name_of_caller) for view in views]
        self.counts = collections.Counter()
        self.error = None
        self.stop = threading.Event()

    def run(self):
        try:
            while not self.stop.is_set():
                self._session(self.random.uniform(0.5, 2.5))
            self._session(None)
        except Exception as error:  # Told of by the round.
            self.error = error

    def _session(self, seconds):
        with Session(self.world.server, metadata=self.world.header(self.name_of_caller), client_id="c") as session:
            for follower in self.followers:
                self._subscribe(session, follower)
            deadline = None if seconds is None else time.monotonic() + seconds
            while deadline is None or time.monotonic() < deadline:
                if self.stop.is_set() and deadline is not None:
                    break
                for follower in self.followers:
                    self._take(session, follower)
                if deadline is None and self.world.is_settled(self.followers):
                    return
                if deadline is not None and self.random.random() < 0.05:
                    self._authenticate(session)
                time.sleep(0.02)

    def _subscribe(self, session, follower):
        resumes = follower.token and self.random.random() < 0.7
        fields = {"resume_token": follower.token} if resumes else {}
        follower.events = session.subscribe(**follower.view.fields, **fields)
        follower.note("resume" if resumes else "begin", self.name_of_caller)
        self.counts["resumed" if resumes else "begun"] += 1

    def _take(self, session, follower):
        position = 0
        for response in session.of(follower.events.request_id)[getattr(follower.events, "taken", 0):]:
            position += 1
            if response.HasField("status"):
                code = session.contract and response.status.code
                if code:
                    self.counts["ended"] += 1
                    follower.token = ""
                    self._subscribe(session, follower)
                    return
                continue
            event = event_of(session.contract, response.event)
            follower.note("event", event)
            if not isinstance(event, Change):
                follower.token = event.resume_token
        follower.events.taken = getattr(follower.events, "taken", 0) + position

    def _authenticate(self, session):
        for _ in range(self.random.choice([1, 1, 3])):
            self.name_of_caller = self.random.choice(NAMES)
            for follower in self.followers:
                follower.note("caller", self.name_of_caller)
            session.send("authenticate", token=self.world.tokens[self.name_of_caller])
            self.counts["authenticated"] += 1


class World:
    """A server, its access file, the one who writes, and those who follow."""

    def __init__(self, seed, folder, fault="", seconds=5, clients=4):
        self.random = random.Random(f"{seed} policies")
        self.folder, self.seconds = folder, seconds
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "policies.db"
        connection = sqlite3.connect(self.path)
        connection.executescript(SQL)
        connection.close()
        made = {name: run("token", name).stdout.splitlines() for name in [*NAMES, "root"]}
        self.tokens = {name: lines[0].split(": ", 1)[1] for name, lines in made.items()}
        (folder / "tokens.txt").write_text(
            "".join(lines[1].split(": ", 1)[1] + "\n" for lines in made.values()))
        # The helpers, and since when that has been written.
        self.files = []
        self.write_file([])
        limits = {
            "DATASYNC_LIMITS": f"page-rows={self.random.choice([3, 7, 100])},"
            f"tail-bytes={self.random.choice([2000, 1 << 20])},replay-bytes={self.random.choice([600, 1 << 18])}"
        }
        self.server = Server(
            self.path, "--attach", "--access", folder / "access.yml",
            environment={"DATASYNC_FAULT": fault, **limits}).start()
        self.history = History(self.path)
        self.clients = [Client(self, f"{seed} {number}") for number in range(clients)]
        self.counts = collections.Counter()
        self.last = None

    def header(self, name):
        return [("authorization", f"Bearer {self.tokens[name]}")]

    def write_file(self, helpers):
        (self.folder / "access.tmp").write_text(FILE.format(helpers=", ".join(helpers)))
        (self.folder / "access.tmp").rename(self.folder / "access.yml")
        self.files.append((time.monotonic(), helpers))

    def run(self):
        try:
            self.history.begin()
            for client in self.clients:
                client.start()
            self._write()
            for client in self.clients:
                client.stop.set()
            for client in self.clients:
                client.join(90)
                if client.error:
                    raise client.error
                assert not client.is_alive(), "a client did not come to its end"
                self.counts += client.counts
            tables = [type("Table", (), {"name": name}) for name in TABLES]
            self.history.set_base({})
            self.history.end(self.server.contract, tables)
            self.history.index()
        finally:
            self.server.stop()

    def is_settled(self, followers):
        """Each has said that it stands at the last write, or after it, by the last file."""
        since = self.files[-1][0] + RELOAD_SECONDS / 4 if len(self.files) > 1 else 0
        return self.last is not None and all(
            any(
                kind == "event" and not isinstance(event, Change) and event.sequence >= self.last
                and at > since
                for kind, event, at in reversed(follower.heard[-8:]))
            for follower in followers)

    # -- writing

    def _write(self):
        deadline = time.monotonic() + self.seconds
        with Session(self.server, metadata=self.header("root"), client_id="w") as root:
            while time.monotonic() < deadline:
                choice = self.random.random()
                if choice < 0.15:
                    self._foreign()
                elif choice < 0.17:
                    self.write_file([name for name in NAMES if self.random.random() < 0.5])
                else:
                    self._commit(root)
                time.sleep(self.random.choice([0, 0, 0.01, 0.05]))
            self.last = self._commit(root, "last")

    def _values(self, table):
        return {name: self.random.choice(values) for name, values in TABLES[table].items()}

    def _place(self):
        table = self.random.choice(["members", "team_lists", "items", "items", "items"])
        return table, f"{table[0]}{self.random.randrange(KEYS[table])}"

    def _commit(self, root, key=None):
        writes = []
        for _ in range(1 if key else self.random.choice([1, 1, 2, 5, 12])):
            table, place = ("items", key) if key else self._place()
            if not key and self.random.random() < 0.3:
                writes.append({"delete": {"table": table, "id": place}})
            else:
                entity = root.contract.entity(table, id=place, **self._values(table))
                writes.append({"replace": {"entity": entity, "allow_missing": True}})
        try:
            answer = root.call("commit", writes=writes)
        except Refused as refused:
            # A row that is not there.
            assert refused.code == "NOT_FOUND", refused
            return None
        self.counts["commits"] += 1
        return max(result.sequence for result in answer.writes)

    def _foreign(self):
        connection = sqlite3.connect(self.path, timeout=20)
        with connection:
            for _ in range(self.random.choice([1, 3])):
                table, key = self._place()
                values = self._values(table)
                names = ", ".join(["id", *values])
                connection.execute(f"DELETE FROM {table} WHERE id = ?", (key,))
                if self.random.random() < 0.7:
                    connection.execute(
                        f"INSERT INTO {table} ({names}) VALUES (?{', ?' * len(values)})",
                        (key, *values.values()))
        connection.close()
        self.counts["foreign"] += 1


class RuleExact:
    """At each checkpoint a subscriber has what its caller could read: by the memberships at the checkpoint's
    sequence, or, where it was behind, by later ones; at the end by the last ones alone."""

    def __init__(self, world):
        self.world, self.history = world, world.history
        self.found = []
        self.later = 0
        self.checked = 0
        self.ends = [
            commit[-1].sequence for commit in self.history.commits
            if any(entry.table != "items" for entry in commit)
        ]
        self._sets, self._rows = {}, {}

    def run(self):
        for client in self.world.clients:
            for follower in client.followers:
                self._follow(follower)
        return self.found

    def rows(self, sequence):
        if sequence not in self._rows:
            rows = {place: self.history.row_at(place, sequence) for place in self.history.versions}
            self._rows[sequence] = {place: row for place, row in rows.items() if row}
        return self._rows[sequence]

    def lists(self, name, sequence):
        key = (name, sequence)
        if key not in self._sets:
            rows = self.rows(sequence)
            teams = {
                row.get("team_id") for (table, _), row in rows.items()
                if table == "members" and row.get("user_id") == name
            } - {None}
            self._sets[key] = {
                row.get("list_id") for (table, _), row in rows.items()
                if table == "team_lists" and row.get("team_id") in teams
            } - {None}
        return self._sets[key]

    def shown(self, view, name, helpers, sequence, sets_at):
        lists = self.lists(name, sets_at)
        return {
            place: int(row["version"]) for place, row in self.rows(sequence).items()
            if place[0] == "items" and view.contains(place[0], row)
            and (row.get("list_id") in lists or row.get("owner") == name
                 or name in helpers and row.get("title") == "t0")
        }

    def _helpers(self, at):
        """What the file may have said: what was written last, and what was before, for a while."""
        files = self.world.files
        return [
            helpers for index, (written, helpers) in enumerate(files)
            if written <= at and (index + 1 == len(files) or files[index + 1][0] + RELOAD_SECONDS > at)
        ]

    def _follow(self, follower):
        state, callers, last, at_token = {}, [], None, {}
        for kind, value, at in follower.heard:
            if kind == "begin":
                state, callers, last, at_token = {}, [value], None, {}
            elif kind == "resume":
                state, callers = dict(at_token), [value]
            elif kind == "caller":
                callers = [*callers, value]
            elif isinstance(value, Change):
                self._apply(follower, state, value)
            elif value.current or last is not None:
                last, at_token = value, dict(state)
                callers = self._check(follower, state, callers, value, at)
        if last is not None:
            expected = self.shown(
                follower.view, callers[-1], self.world.files[-1][1], last.sequence, last.sequence)
            if state != expected:
                self.found.append(f"{follower.view} of {callers[-1]} at the end: {difference(state, expected)}")

    def _apply(self, follower, state, change):
        place = (change.table or "items", change.id)
        if change.operation == "DELETE":
            if state.pop(place, None) is None:
                self.found.append(f"{follower.view}: {change} of a row that is not there")
            return
        if (change.operation == "ADD") != (place not in state):
            self.found.append(f"{follower.view}: {change} with {sorted(state)}")
        state[place] = change.sequence

    def _check(self, follower, state, callers, checkpoint, at):
        self.checked += 1
        sequence = checkpoint.sequence
        moments = [sequence, *[end for end in self.ends if end > sequence]]
        for index, sets_at in enumerate(moments):
            for name in callers:
                for helpers in self._helpers(at):
                    if state == self.shown(follower.view, name, helpers, sequence, sets_at):
                        self.later += index > 0
                        return callers[callers.index(name):]
        expected = self.shown(follower.view, callers[-1], self._helpers(at)[-1], sequence, sequence)
        self.found.append(
            f"{follower.view} of {callers} at {checkpoint}: {difference(state, expected)}")
        return callers


def difference(state, expected):
    return (
        f"too many {sorted(set(state) - set(expected))}, missing {sorted(set(expected) - set(state))}, other"
        f" {sorted(place for place in state if place in expected and state[place] != expected[place])}")


def run_round(seed, folder, fault="", seconds=5):
    """What RuleExact found, and what happened."""
    world = World(seed, folder, fault, seconds)
    world.run()
    validator = RuleExact(world)
    found = validator.run()
    return found, f"{dict(world.counts)}, {validator.checked} checkpoints, {validator.later} by later sets"
