"""Whether a history of concurrent operations could have happened one after another.

Wing and Gong's search as in Lowe's and Porcupine's: try what may come first, go on with the rest,
take back what leads nowhere, and never try the same set of operations in the same state twice.
"""

import dataclasses


@dataclasses.dataclass
class Operation:
    """One operation: what was asked, what was answered, and when (seconds, any clock)."""

    client: str
    request: tuple
    answer: tuple
    invoked: float
    returned: float


class _Entry:
    __slots__ = ("index", "is_call", "match", "before", "after")

    def __init__(self, index, is_call):
        self.index, self.is_call = index, is_call
        self.match = self.before = self.after = None


def _entries(history):
    """A doubly linked list of calls and returns in time; a call comes before a return at its time."""
    moments = []
    for index, operation in enumerate(history):
        call, end = _Entry(index, True), _Entry(index, False)
        call.match = end
        moments.append((operation.invoked, 0, index, call))
        moments.append((operation.returned, 1, index, end))
    moments.sort(key=lambda moment: moment[:3])
    head = last = _Entry(-1, False)
    for moment in moments:
        last.after, moment[3].before = moment[3], last
        last = moment[3]
    return head


def _lift(entry):
    entry.before.after = entry.after
    entry.after.before = entry.before
    end = entry.match
    end.before.after = end.after
    if end.after is not None:
        end.after.before = end.before


def _unlift(entry):
    end = entry.match
    end.before.after = end
    if end.after is not None:
        end.after.before = end
    entry.before.after = entry
    entry.after.before = entry


def check(history, step, initial, limit=2_000_000):
    """None where the history is linearizable, else the longest part that was explained.

    `step(state, request, answer)` gives the next state, or None where the model would not have
    answered so. States are hashable.
    """
    head = _entries(history)
    state, done, seen, stack = initial, 0, set(), []
    longest, entry, tried = 0, head.after, 0
    while head.after is not None:
        tried += 1
        assert tried < limit, "the history is too tangled to be judged"
        if entry is not None and entry.is_call:
            operation = history[entry.index]
            following = step(state, operation.request, operation.answer)
            if following is not None:
                mark = (done | 1 << entry.index, following)
                if mark not in seen:
                    seen.add(mark)
                    stack.append((entry, state, done))
                    state, done = following, mark[0]
                    _lift(entry)
                    longest = max(longest, len(stack))
                    entry = head.after
                    continue
            entry = entry.after
        elif not stack:
            return f"{longest} of {len(history)} operations explained"
        else:
            entry, state, done = stack.pop()
            _unlift(entry)
            entry = entry.after
    return None


# -- the model of the store: rows with a value and a version, mutation ids with their results


EMPTY = ((), ())


def store(state, request, answer):
    """A step of the store's sequential model.

    Requests: ("get", id), ("write", mutation, ((id, value, if_version), …)).
    Answers: ("row", value, version), ("done", (sequence, …), replayed), ("mismatch", version),
    where the version is that of a row that made the write fail.
    """
    rows, mutations = dict(state[0]), dict(state[1])
    if request[0] == "get":
        return state if answer == ("row", *rows.get(request[1], (None, 0))) else None
    _, mutation, writes = request
    if mutation in mutations:
        return state if answer == ("done", mutations[mutation], True) else None
    if answer[0] == "done" and answer[2]:
        return None  # Replayed, but never done.
    newest = max([version for _, version in rows.values()], default=0)
    sequences = iter(answer[1]) if answer[0] == "done" else None
    for id, value, if_version in writes:
        version = rows.get(id, (None, 0))[1]
        if if_version and if_version != version:
            return state if answer == ("mismatch", version) else None
        if sequences is not None:
            newest, before = next(sequences), newest
            if newest <= before:
                return None
            rows[id] = (value, newest)
    if sequences is None:
        return None  # Refused, but nothing speaks against it.
    mutations[mutation] = answer[1]
    return tuple(sorted(rows.items())), tuple(sorted(mutations.items()))
