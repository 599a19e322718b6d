"""What a subscription should see of the log: the oracle's own reading of the contract."""

import dataclasses

import filters

SILENT = {"version", "updated_at"}


@dataclasses.dataclass(frozen=True)
class View:
    """A subscription as asked for. `table` None: every table."""

    table: object = None
    filter: object = None
    select: tuple = ()
    include_deleted: bool = False
    previous: bool = False
    exclude_own: bool = False
    min_interval: float = 0.0
    once: bool = False
    heartbeat: float = 0.2

    @property
    def query_fields(self):
        return {
            "table": self.table.name if self.table else "",
            "filter": filters.text_of(self.filter) if self.filter else "",
            "select": list(self.select),
            "include_deleted": self.include_deleted,
        }

    @property
    def request_fields(self):
        fields = self.query_fields | {
            "previous": self.previous, "exclude_own": self.exclude_own, "once": self.once,
            "heartbeat_interval": self.heartbeat,
        }
        if self.min_interval:
            fields["min_interval"] = self.min_interval
        return fields

    def covers(self, table):
        return self.table is None or self.table.name == table

    def contains(self, row):
        if row is None or (row.get("deleted") and not self.include_deleted):
            return False
        return filters.matches(self.filter, row)

    def project(self, row):
        """What is sent of a row: the key, and what is selected."""
        if row is None or not self.select:
            return row
        kept = {self.table.key.name, *self.select}
        return {name: value for name, value in row.items() if name in kept}

    @property
    def sends_every_update(self):
        return not self.select or bool(SILENT & set(self.select))

    def judge(self, before, after):
        """ADD, UPDATE, DELETE or None."""
        was_in, is_in = self.contains(before), self.contains(after)
        if was_in and is_in:
            touched = self.sends_every_update or set(changed(before, after)) & set(self.select)
            return "UPDATE" if touched else None
        return "ADD" if is_in else "DELETE" if was_in else None


def changed(before, after):
    """Names of the fields whose value differs, `version` and `updated_at` aside."""
    if before is None or after is None:
        return []
    return [
        name
        for name in sorted({*before, *after} - SILENT)
        if before.get(name) != after.get(name)
    ]


@dataclasses.dataclass
class Seen:
    """One change as a subscription sees it; received or expected, in the same form."""

    operation: str
    table: str
    id: str
    sequence: int
    row: dict
    previous: dict
    changed_fields: list
    origin: str
    own: bool
    committed_at: int
    more: bool
    initial: bool
    left_view: bool

    def differences(self, other):
        mine, theirs = vars(self), vars(other)
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}

    def __str__(self):
        marks = "".join(
            f" {mark}" for mark in ("own", "more", "initial", "left_view") if getattr(self, mark)
        )
        return f"{self.operation} {self.table}/{self.id} @{self.sequence}{marks}"


def seen_of(view, client_id, operation, before, entry, more=False):
    """The event for a change whose row was `before` when the subscription last heard of it."""
    after = entry.after
    return Seen(
        operation=operation, table=entry.table, id=entry.key, sequence=entry.sequence,
        row=None if operation == "DELETE" else view.project(after),
        previous=view.project(before) if view.previous and operation != "ADD" else None,
        changed_fields=changed(before, after) if operation == "UPDATE" else [],
        origin=entry.origin, own=bool(client_id) and entry.origin == client_id,
        committed_at=entry.committed_at, more=more, initial=False,
        left_view=operation == "DELETE" and after is not None and not after.get("deleted"),
    )


def replay(view, client_id, commits):
    """Every event for these commits, commit by commit."""
    for commit in commits:
        events = []
        for entry in commit:
            if not view.covers(entry.table):
                continue
            if view.exclude_own and client_id and entry.origin == client_id:
                continue
            operation = view.judge(entry.before, entry.after)
            if operation:
                events.append(seen_of(view, client_id, operation, entry.before, entry, more=True))
        if events:
            events[-1].more = False
        yield from events


def fold(view, client_id, commits):
    """The net events of these commits: one for each row, by its last change."""
    rows = {}
    for commit in commits:
        for entry in commit:
            if not view.covers(entry.table):
                continue
            is_own = bool(client_id) and entry.origin == client_id
            first, _, only_own = rows.pop((entry.table, entry.key), (entry, None, True))
            rows[entry.table, entry.key] = (first, entry, only_own and is_own)
    for first, last, only_own in sorted(rows.values(), key=lambda row: row[1].sequence):
        if view.exclude_own and only_own:
            continue
        operation = view.judge(first.before, last.after)
        if operation:
            yield seen_of(view, client_id, operation, first.before, last)
