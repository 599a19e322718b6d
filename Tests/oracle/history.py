"""The change log itself, read from the database file: what everything received is held against."""

import bisect
import collections
import dataclasses
import sqlite3
import threading
import time

from contract import plain

POLL_SECONDS = 0.03
TABLE_ATTACHED = 4


class LogLost(Exception):
    """The log was trimmed before the oracle had read it: a fault of the run, not of the server."""


@dataclasses.dataclass
class Entry:
    sequence: int
    table: str
    operation: int
    key: str
    committed_at: int
    origin: str
    before: dict
    after: dict
    # First and last sequence of its commit.
    first: int = 0
    last: int = 0


class History:
    """Copies the log as it grows, since compaction trims it all the while."""

    def __init__(self, path):
        self.path = path
        self.raw = []
        # Sequence before which the copy knows nothing.
        self.start = 0
        self.oldest = 0
        self.error = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    # -- copying

    def begin(self):
        self.start = self.last_sequence()
        self._thread.start()

    def last_sequence(self):
        """What the log says now."""
        connection = self._connect()
        (last,) = connection.execute("SELECT max(sequence) FROM datasync_log").fetchone()
        connection.close()
        return last

    def _connect(self):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        connection.execute("PRAGMA busy_timeout = 10000")
        return connection

    def _poll(self):
        try:
            connection = self._connect()
            while not self._stop.is_set():
                self._copy(connection)
                time.sleep(POLL_SECONDS)
            connection.close()
        except (sqlite3.Error, LogLost) as error:
            self.error = error

    def _copy(self, connection):
        after = self.raw[-1][0] if self.raw else self.start
        rows = connection.execute(
            "SELECT sequence, table_id, operation, key, time, origin, before, after"
            " FROM datasync_log WHERE sequence > ? ORDER BY sequence",
            (after,),
        ).fetchall()
        if rows and rows[0][0] != after + 1:
            raise LogLost(f"the log was copied to {after}, and begins at {rows[0][0]} now")
        self.raw += rows

    def end(self, contract, tables):
        """Copies the rest, checks the copy against what is still there, and decodes it."""
        self._stop.set()
        self._thread.join(20)
        if self.error:
            raise self.error
        connection = self._connect()
        self._copy(connection)
        (self.oldest,) = connection.execute("SELECT oldest FROM datasync_state").fetchone()
        kept = connection.execute(
            "SELECT sequence, table_id, operation, key, time, origin, before, after"
            " FROM datasync_log WHERE sequence > ? ORDER BY sequence",
            (self.start,),
        ).fetchall()
        names = dict(connection.execute("SELECT id, name FROM datasync_tables"))
        connection.close()
        assert kept == self.raw[len(self.raw) - len(kept):], "the log was rewritten"
        self._decode(contract, tables, names)

    def _decode(self, contract, tables, names):
        classes = {table.name: contract.class_of(contract.row_type(table.name)) for table in tables}

        def row(table, image):
            return None if image is None else plain(classes[table].FromString(image))

        self.entries, self.commits = [], []
        moment, origin = 0, ""
        for sequence, table_id, operation, key, at, by, before, after in self.raw:
            table = names[table_id]
            if at is not None:
                moment, origin = at, by or ""
                self.commits.append([])
            entry = Entry(
                sequence, table, operation, key, moment, origin, row(table, before),
                row(table, after),
            )
            self.entries.append(entry)
            self.commits[-1].append(entry)
        for commit in self.commits:
            for entry in commit:
                entry.first, entry.last = commit[0].sequence, commit[-1].sequence
        self._ends = [commit[-1].sequence for commit in self.commits]

    def set_base(self, rows):
        """The rows at the start, by (table, key)."""
        self.base = rows

    def index(self):
        """Prepares ``row_at``; the log must be decoded, the base set."""
        self.versions = collections.defaultdict(list)
        for place, row in self.base.items():
            self.versions[place].append((self.start, row))
        for entry in self.entries:
            self.versions[entry.table, entry.key].append((entry.sequence, entry.after))

    # -- asking

    @property
    def head(self):
        return self.start + len(self.entries)

    def entry(self, sequence):
        """None where the log never had it."""
        index = sequence - self.start - 1
        return self.entries[index] if 0 <= index < len(self.entries) else None

    def commits_between(self, after, through=None):
        """Whole commits after a position, up to one; the end of the log where none is given."""
        low = bisect.bisect_right(self._ends, after)
        high = len(self._ends) if through is None else bisect.bisect_right(self._ends, through)
        return self.commits[low:high]

    def is_commit_end(self, sequence):
        if sequence <= self.start:
            return sequence == self.start
        entry = self.entry(sequence)
        return entry is not None and entry.last == sequence

    def row_at(self, place, sequence):
        """A row's image at a position, None where there was none."""
        versions = self.versions.get(place, [])
        index = bisect.bisect_right(versions, sequence, key=lambda version: version[0])
        return versions[index - 1][1] if index else None

    def rows_at(self, view, sequence):
        """The rows of a view at a position, as they are sent, by (table, key)."""
        rows = {}
        for place in self.versions:
            if view.covers(place[0]):
                row = self.row_at(place, sequence)
                if view.contains(row):
                    rows[place] = view.project(row)
        return rows

