"""The validators, by name. Each says what must hold of what was received, held against the log."""

import dataclasses
import itertools

import tables
import views
from errors import Refused
from recording import Checkpoint
from views import Seen

SHOWN = 12


@dataclasses.dataclass
class Violation:
    validator: str
    where: str
    what: str

    def __str__(self):
        return f"{self.validator}: {self.what}\n    in {self.where}"


class Validator:
    """Checks one leg at a time, or the round as a whole."""

    def __init__(self, round):
        self.round = round
        self.history = round.history
        self.violations = []

    @property
    def name(self):
        return type(self).__name__

    def run(self):
        for leg in self.round.legs:
            self.check_leg(leg)
        self.check_round()
        return self.violations

    def fail(self, where, what):
        self.violations.append(Violation(self.name, str(where), what))

    def check_leg(self, leg):
        pass

    def check_round(self):
        pass


def batches(leg, history):
    """(position before, events, checkpoint or None) of a leg, after its initial rows.

    The first batch begins where the leg began: at its token, or else at its first checkpoint.
    """
    position = leg.start if isinstance(leg.start, int) else None
    events = []
    for item in leg.items:
        event = item.event
        if isinstance(event, Seen):
            if not event.initial:
                events.append(event)
        elif position is None:
            position = event.sequence
            # Changes before the first checkpoint belong to no position.
            yield (None, events, event)
            events = []
        else:
            yield (position, events, event)
            position, events = event.sequence, []
    yield (position, events, None)


class Ordered(Validator):
    """Initial rows by key, then `current`, then changes whose sequences rise."""

    def check_leg(self, leg):
        last, last_key, is_past_initial = 0, None, leg.start != "rows"
        for item in leg.items:
            event = item.event
            if isinstance(event, Checkpoint):
                is_past_initial = True
            elif event.initial:
                if is_past_initial:
                    self.fail(leg, f"an initial row after the initial rows: {event}")
                key = self.sort_key(event)
                if last_key is not None and key[0] == last_key[0] and key <= last_key:
                    self.fail(leg, f"initial rows out of order: {last_key} before {key}")
                last_key = key
            else:
                if event.sequence < last:
                    self.fail(leg, f"sequence {event.sequence} comes after {last}: {event}")
                if not is_past_initial:
                    self.fail(leg, f"a change among the initial rows: {event}")
                last = max(last, event.sequence)

    def sort_key(self, event):
        table = self.round.table(event.table)
        return (event.table, int(event.id) if table.key.kind == "int" else event.id)


class Unique(Validator):
    """Nothing comes twice."""

    def check_leg(self, leg):
        sequences, initial = set(), set()
        for event in leg.changes:
            seen, key = (
                (initial, (event.table, event.id)) if event.initial
                else (sequences, event.sequence)
            )
            if key in seen:
                self.fail(leg, f"came twice: {event}")
            seen.add(key)


class Atomic(Validator):
    """The changes of one commit come together, all but the last with `more`."""

    def check_leg(self, leg):
        if leg.view.min_interval:
            for event in leg.changes:
                if event.more:
                    self.fail(leg, f"`more` on a net change: {event}")
            return
        open_commit, previous = None, None
        for item in leg.items:
            event = item.event
            if isinstance(event, Checkpoint):
                if open_commit is not None:
                    self.fail(leg, f"checkpoint @{event.sequence} within the commit of {previous}")
                open_commit = None
                continue
            if event.initial:
                if event.more:
                    self.fail(leg, f"`more` on an initial row: {event}")
                continue
            entry = self.history.entry(event.sequence)
            commit = entry.first if entry else event.sequence
            if open_commit is not None and commit != open_commit:
                self.fail(leg, f"{previous} said that more of its commit follow, then came {event}")
            elif open_commit is None and previous is not None and commit == self.commit_of(previous):
                self.fail(leg, f"{previous} was the last of its commit, then came {event}")
            open_commit = commit if event.more else None
            previous = event

    def commit_of(self, event):
        entry = self.history.entry(event.sequence)
        return entry.first if entry else event.sequence


class Filter(Validator):
    """Every row sent is in the view, and everything sent is of the view's table."""

    def check_leg(self, leg):
        view = leg.view
        for event in leg.changes:
            if not view.covers(event.table):
                self.fail(leg, f"another table's: {event}")
                continue
            place = (event.table, event.id)
            # Initial rows may be older than the copy of the log.
            row = self.history.row_at(place, max(event.sequence, self.history.start))
            if event.operation != "DELETE" and not view.contains(row):
                self.fail(leg, f"the row is not in the view: {event}: {row}")
            elif event.operation == "DELETE" and not view.min_interval and view.contains(row):
                self.fail(leg, f"the row is in the view still: {event}: {row}")
            if event.previous is not None and not view.min_interval:
                before = self.history.row_at(place, event.sequence - 1)
                if not view.contains(before):
                    self.fail(leg, f"the previous row was not in the view: {event}: {before}")


class Bookmarkable(Validator):
    """A checkpoint is a position between commits; all up to it has come, and nothing after it."""

    # Beyond the heartbeat; a crowded machine is slow.
    PATIENCE = 10

    def check_leg(self, leg):
        last_checkpoint, last_change, currents = -1, 0, 0
        for item in leg.items:
            event = item.event
            if isinstance(event, Seen):
                if not event.initial:
                    last_change = event.sequence
                    if event.sequence <= last_checkpoint:
                        self.fail(
                            leg, f"after the checkpoint @{last_checkpoint} came {event}"
                        )
                continue
            if not event.token:
                self.fail(leg, f"a checkpoint @{event.sequence} without a token")
            if event.sequence < last_checkpoint:
                self.fail(leg, f"the position went back: {last_checkpoint} to {event.sequence}")
            if event.sequence < last_change:
                self.fail(leg, f"checkpoint @{event.sequence} came after change {last_change}")
            if not self.history.is_commit_end(event.sequence):
                self.fail(leg, f"checkpoint @{event.sequence} is within a commit, or nowhere")
            last_checkpoint = max(last_checkpoint, event.sequence)
            currents += event.current
            if event.current and currents > 1:
                self.fail(leg, f"current once more @{event.sequence}")
        self.check_complete(leg)
        self.check_pulse(leg)

    def check_complete(self, leg):
        """What the view has of a batch has come when its checkpoint comes."""
        view = leg.view
        if view.min_interval:
            return
        for position, events, checkpoint in batches(leg, self.history):
            if checkpoint is None or position is None:
                continue
            commits = self.history.commits_between(position, checkpoint.sequence)
            expected = sum(1 for _ in views.replay(view, leg.client_id, commits))
            came = sum(event.sequence <= checkpoint.sequence for event in events)
            if came < expected:
                self.fail(
                    leg, f"checkpoint @{checkpoint.sequence} claims {expected} changes after"
                    f" {position}; {came} had come",
                )

    def check_pulse(self, leg):
        if leg.is_poll or leg.session.was_stalled:
            return
        beats = [item.time for item in leg.items if isinstance(item.event, Checkpoint)]
        for earlier, later in itertools.pairwise(beats):
            late = self.round.lateness.between(earlier, later)
            if later - earlier > leg.view.heartbeat + self.PATIENCE + 4 * late:
                self.fail(
                    leg, f"no checkpoint for {later - earlier:.1f} s; the machine lost {late:.1f} s"
                )


class Resumable(Validator):
    """From a token, what follows the token comes next; a refusal is true."""

    def check_leg(self, leg):
        if isinstance(leg.start, int):
            self.check_start(leg)
        if isinstance(leg.end, Refused):
            self.check_refusal(leg)

    def check_start(self, leg):
        first = next((e for e in leg.changes), None)
        if first is not None and first.sequence <= leg.start:
            return self.fail(leg, f"before the token's position: {first}")
        if leg.view.min_interval:
            return
        reached = next((i.event.sequence for i in leg.items if isinstance(i.event, Checkpoint)), None)
        if reached is not None and reached < leg.start:
            self.fail(leg, f"the first checkpoint @{reached} is before the token's position")
        commits = self.history.commits_between(leg.start)
        expected = next(views.replay(leg.view, leg.client_id, commits), None)
        due = expected is not None and reached is not None and expected.sequence <= reached
        if (due or first is not None) and (
            first is None or expected is None or first.sequence != expected.sequence
        ):
            self.fail(leg, f"after the token should come {expected}; came {first}")

    def check_refusal(self, leg):
        error = leg.end
        if error.reason != "HISTORY_COMPACTED":
            return self.fail(leg, f"ended with {error}")
        oldest = int(error.metadata.get("oldest", -1))
        # The last that it is known to have sent.
        reached = [leg.start] if isinstance(leg.start, int) else []
        reached += [i.event.sequence for i in leg.items if not getattr(i.event, "initial", False)]
        if not 0 < oldest <= self.history.oldest:
            self.fail(leg, f"refused, the log's oldest being {self.history.oldest}: {error}")
        elif reached and oldest <= max(reached):
            self.fail(leg, f"refused at {max(reached)}, though the log began at {oldest}: {error}")


class Reliable(Validator):
    """What was received equals the log's replay for the view."""

    def check_leg(self, leg):
        if leg.start == "rows":
            self.check_initial(leg)
        view = leg.view
        through = None
        for position, events, checkpoint in batches(leg, self.history):
            if position is None:
                if events:
                    self.fail(leg, f"a change before any position: {events[0]}")
                continue
            through = checkpoint.sequence if checkpoint else None
            commits = self.history.commits_between(position, through)
            if view.min_interval:
                self.check_net(leg, position, commits, events, checkpoint)
            else:
                expected = views.replay(view, leg.client_id, commits)
                self.compare(leg, events, expected, is_complete=checkpoint is not None)
        if leg.had_to_finish and leg.end is None:
            reached = max(
                (i.event.sequence for i in leg.items if isinstance(i.event, Checkpoint)), default=-1
            )
            if reached < self.round.final:
                self.fail(leg, f"reached {reached}, not {self.round.final}, by the end")
        if view.once and leg.end == "OK" and not leg.was_cancelled:
            last = leg.items[-1].event if leg.items else None
            if not (isinstance(last, Checkpoint) and last.current):
                self.fail(leg, f"`once` ended after {last}")

    def check_initial(self, leg):
        position = next((i.event.sequence for i in leg.items if isinstance(i.event, Checkpoint)), None)
        initial = [event for event in leg.changes if event.initial]
        if position is None:
            return
        expected = self.history.rows_at(leg.view, position)
        came = {(event.table, event.id): event for event in initial}
        for place in expected.keys() - came.keys():
            self.fail(leg, f"initial rows @{position} lack {place}: {expected[place]}")
        for place, event in came.items():
            version = (self.history.row_at(place, position) or {}).get("version")
            if place not in expected:
                self.fail(leg, f"not in the view @{position}: {event}")
            elif event.row != expected[place] or event.operation != "ADD":
                self.fail(leg, f"initial row @{position}: {event.row}, not {expected[place]}")
            elif event.sequence != version:
                self.fail(leg, f"initial row with sequence {event.sequence}, version {version}")

    def check_net(self, leg, position, commits, events, checkpoint):
        def net(commits):
            return list(views.fold(leg.view, leg.client_id, commits))

        if checkpoint is not None:
            expected = net(commits)
            # A batch of which the view sees nothing ends without a word.
            if expected != events and not any(
                net(commits[begin:]) == events and not net(commits[:begin])
                for begin in range(1, len(commits) + 1)
            ):
                self.compare(leg, events, expected, is_complete=True)
            return
        # Cut off within a batch whose end is not known: any end between two commits may be it.
        if not events:
            return
        for begin in range(len(commits)):
            if begin and net(commits[:begin]):
                break
            for end in range(len(commits), begin, -1):
                if net(commits[begin:end])[: len(events)] == events:
                    return
        self.fail(leg, f"net changes after {position} that no batch begins with: {events[0]}")

    def compare(self, leg, events, expected, is_complete):
        for number, (event, wanted) in enumerate(itertools.zip_longest(events, expected)):
            if event is None:
                if is_complete:
                    self.fail(leg, f"did not come: {wanted}")
                return
            if wanted is None:
                return self.fail(leg, f"not of this view: {event}")
            differences = event.differences(wanted)
            if differences:
                return self.fail(
                    leg, f"event {number}: came {event}, should be {wanted}: "
                    + ", ".join(f"{k}: {a!r} not {b!r}" for k, (a, b) in differences.items())
                )


class Previous(Validator):
    """`previous` comes where it was asked for, with UPDATE and DELETE, and is what was there."""

    def check_leg(self, leg):
        held = dict(self.round.starting_rows(leg))
        for event in leg.changes:
            place = (event.table, event.id)
            if leg.view.previous and event.operation != "ADD":
                if event.previous is None:
                    self.fail(leg, f"no previous: {event}")
                elif not leg.view.min_interval:
                    before = leg.view.project(
                        self.history.row_at(place, event.sequence - 1)
                    )
                    if event.previous != before:
                        self.fail(leg, f"previous of {event}: {event.previous}, not {before}")
                elif not leg.view.exclude_own and not leg.view.select:
                    if place in held and event.previous != held[place]:
                        self.fail(
                            leg, f"previous of {event}: {event.previous}, not {held[place]}"
                        )
            elif event.previous is not None:
                self.fail(leg, f"previous, though not asked for or an ADD: {event}")
            if event.row is None:
                held.pop(place, None)
            else:
                held[place] = event.row


class ViewExact(Validator):
    """At each checkpoint the rows made of the events are the view's rows at that position; and
    what queries answered is the same."""

    def check_leg(self, leg):
        if leg.view.exclude_own:
            return
        if leg.start != "rows" and not leg.items:
            return
        rows = dict(self.round.starting_rows(leg))
        position, touched = None, set()
        for item in leg.items:
            event = item.event
            if isinstance(event, Seen):
                place = (event.table, event.id)
                touched.add(place)
                if event.operation == "DELETE":
                    rows.pop(place, None)
                else:
                    rows[place] = event.row
                continue
            if position is None:
                touched |= rows.keys() | self.history.rows_at(leg.view, event.sequence).keys()
            else:
                for commit in self.history.commits_between(position, event.sequence):
                    touched |= {(e.table, e.key) for e in commit if leg.view.covers(e.table)}
            position = event.sequence
            if not self.check_rows(leg, rows, touched, position):
                return
            touched = set()

    def check_rows(self, leg, rows, touched, position):
        for place in touched:
            row = self.history.row_at(place, position)
            wanted = leg.view.project(row) if leg.view.contains(row) else None
            if rows.get(place) != wanted:
                self.fail(
                    leg, f"@{position} {place} is {rows.get(place)} by the events, and"
                    f" {wanted} by the log",
                )
                return False
        return True

    def check_round(self):
        for query in self.round.queries:
            wanted = self.history.rows_at(query.view, query.sequence)
            if query.rows != wanted:
                where = f"query @{query.sequence} of {query.view.query_fields}"
                extra = {k: v for k, v in query.rows.items() if wanted.get(k) != v}
                lacking = {k: v for k, v in wanted.items() if query.rows.get(k) != v}
                self.fail(where, f"the query answered {extra}; by the log {lacking}")


class OwnEcho(Validator):
    """The answer to a write comes before its event on the same stream, with the same sequence."""

    def check_round(self):
        by_session = {}
        for leg in self.round.legs:
            if not leg.is_poll:
                by_session.setdefault(leg.session, []).append(leg)
        for session, legs in by_session.items():
            self.check_session(session, legs)

    def check_session(self, session, legs):
        answers = {}
        marks = {}
        for write in session.writes:
            place, results = write.answer()
            for number, part in enumerate(write.parts):
                if part.mark:
                    sequence = results[number].sequence if results else None
                    marks.setdefault(part.mark, (write, place, sequence))
            if place is not None and not write.was_replayed:
                for result in results or ():
                    answers.setdefault(result.sequence, place)
        unanswered = self.tables_of_unanswered(session)
        for leg in legs:
            for item in leg.items:
                event = item.event
                if isinstance(event, Seen) and event.own and not event.initial:
                    self.check_event(leg, item, marks, {} if event.table in unanswered else answers)

    def tables_of_unanswered(self, session):
        """Where a change may be that of a stream of the same client that was cut before the answer:
        a write on this one that finds the row so changes nothing, and answers with that sequence."""
        return {
            part.table
            for write in self.round.writes
            if write.client_id == session.client_id and write.session is not session
            and write.answer()[0] is None
            for part in write.parts
        }

    def check_event(self, leg, item, marks, answers):
        event = item.event
        entry = self.history.entry(event.sequence)
        if entry is None:
            return
        mark = (entry.after or {}).get(tables.MARK)
        if mark in marks and (entry.before or {}).get(tables.MARK) != mark:
            write, place, sequence = marks[mark]
            if place is None:
                # A repeat sent later on this stream may be what is unanswered.
                if not write.is_repeat:
                    self.fail(leg, f"the event came, the answer did not: {event}")
            elif place > item.place and not write.is_repeat and not write.was_replayed:
                self.fail(leg, f"the event came before the answer: {event}")
            elif sequence is not None and sequence != event.sequence:
                self.fail(leg, f"the answer said {sequence}, the event is {event}")
        elif event.operation == "DELETE" and answers.get(event.sequence, -1) > item.place:
            self.fail(leg, f"the event came before the answer: {event}")


class Once(Validator):
    """A write with a mutation id happens once, and each of its answers is the first one."""

    def check_round(self):
        made = {}
        for entry in self.history.entries:
            mark = (entry.after or {}).get(tables.MARK)
            if mark and entry.origin and (entry.before or {}).get(tables.MARK) != mark:
                made.setdefault((entry.origin, mark), []).append(entry.sequence)
        groups = {}
        for write in self.round.writes:
            if write.mutation_id:
                groups.setdefault((write.client_id, write.mutation_id), []).append(write)
        for (client_id, mutation_id), writes in groups.items():
            where = f"mutation {mutation_id} of {client_id}: {writes[0].kind}"
            for part in writes[0].parts:
                found = made.get((client_id, part.mark), []) if part.mark else []
                if len(found) > 1:
                    self.fail(where, f"happened {len(found)} times, at {found}")
            answers = [write for write in writes if write.succeeded]
            first = {tuple(r.sequence for r in write.answer()[1]) for write in answers}
            if len(first) > 1:
                self.fail(where, f"answered with different sequences: {sorted(first)}")
            if sum(not write.was_replayed for write in answers) > 1:
                self.fail(where, "answered as the first more than once")


class Durable(Validator):
    """What was answered OK is in the log, as answered, whatever ended the server since."""

    def check_round(self):
        for write in self.round.writes:
            if write.succeeded and not write.was_replayed:
                for part, result in zip(write.parts, write.answer()[1]):
                    self.check_part(write, part, result)

    def check_part(self, write, part, result):
        where = f"{write.kind} of {part.table} by {write.client_id}"
        if not part.mark and part.operation != "delete":
            return
        entry = self.history.entry(result.sequence)
        if entry is None:
            return self.fail(where, f"answered with {result.sequence}, which the log lacks")
        if (entry.table, entry.origin) != (part.table, write.client_id):
            return self.fail(where, f"answered with {result.sequence}, which is {entry}")
        row = self.round.rows_reader.of(result.entity)
        image = entry.before if entry.after is None else entry.after
        if row != image:
            self.fail(where, f"answered {row}, the log has {image}")


class Answered(Validator):
    """Each request has one final answer; a subscription has events, then at most one status."""

    def check_round(self):
        for session in self.round.sessions:
            subscriptions = {
                leg.request_id for leg in self.round.legs if leg.session is session
            }
            for request_id, places in list(session.by_id.items()):
                if request_id == 0:
                    continue
                kinds = [session.log[place].WhichOneof("response") for place in places]
                finals = [kind for kind in kinds if kind != "event"]
                where = f"request {request_id} of a session of {session.client_id}"
                if len(finals) > 1:
                    self.fail(where, f"answered more than once: {finals}")
                if finals and kinds[-1] == "event":
                    self.fail(where, "an event after the last word")
                if "event" in kinds and request_id not in subscriptions:
                    self.fail(where, "an event of no subscription")
            for write in session.writes:
                if session.was_heard_out and write.answer()[0] is None:
                    self.fail(f"session of {session.client_id}", f"no answer to {write.kind}")


class Chained(Validator):
    """The log itself: no gaps, each change begins where the row's last one ended."""

    def check_round(self):
        rows = dict(self.history.base)
        for expected, entry in enumerate(self.history.entries, self.history.start + 1):
            if entry.sequence != expected:
                return self.fail("the log", f"{expected} is missing")
            place = (entry.table, entry.key)
            if rows.get(place) != entry.before:
                self.fail(
                    "the log", f"{entry.sequence} says that {place} was {entry.before}; it was"
                    f" {rows.get(place)}",
                )
            if entry.after is not None and entry.after.get("version") != entry.sequence:
                self.fail("the log", f"{entry.sequence}: version {entry.after.get('version')}")
            rows[place] = entry.after


ALL = [
    Ordered, Unique, Atomic, Filter, Bookmarkable, Resumable, Reliable, Previous, ViewExact,
    OwnEcho, Once, Durable, Answered, Chained,
]


def validate(round, validators=ALL):
    """Every violation, by validator; each validator's first few."""
    found = {}
    for validator in validators:
        violations = validator(round).run()
        if violations:
            found[validator.__name__] = violations
    return found


