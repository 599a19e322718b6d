"""An owner's database while it is served: both sides at hand, and pictures that must stay exact."""

import functools

from errors import Refused
from owner import execute, shell
from picture import Picture, Watch
from server import Server, run, until
from session import Session

# A table of ours to write to: once a write to it is answered, everything before it has been seen.
MARKS = "\n;CREATE TABLE guest_marks (id TEXT PRIMARY KEY, n INTEGER);\n"
MARK = "guest_marks"
SECONDS = 60


@functools.cache
def limits():
    return run("limits").stdout


def soon():
    """A table that appears while serving is attached after a fifth of a second."""
    return ["--limit", "attach_delay=200ms"] if "attach_delay" in limits() else []


class Served:
    """`serve` on the owner's database, one session, and any number of watched tables."""

    def __init__(self, path, *arguments, **options):
        self.path = path
        self.server = Server(path, *soon(), *arguments, **options)
        self.watches = []
        self._marks = 0
        self._session = None
        self.server.start()

    # -- the owner's side

    def sql(self, *statements, **pragmas):
        return execute(self.path, *statements, **pragmas)

    def transaction(self, *statements, **pragmas):
        return self.sql("BEGIN IMMEDIATE", *statements, "COMMIT", **pragmas)

    def shell(self, *statements):
        return shell(self.path, *statements)

    # -- the clients' side

    @property
    def session(self):
        if self._session is None:
            self._session = self.open()
        return self._session

    def open(self, **options):
        """A session that knows the tables' types by what Describe says."""
        self.server.refresh()
        session = Session(self.server, timeout=280, **options)
        self.learn(session)
        return session

    def learn(self, session):
        tables = session.call("describe").tables
        session.contract._row_types.update({t.name: t.message_type for t in tables})
        return tables

    def anew(self):
        """What is served now, as a client sees it that comes now; watches are given up."""
        self.forget()
        return self.session

    def forget(self):
        if self._session is not None:
            self._session.close()
        self._session, self.watches = None, []

    def tables(self):
        return {t.name: t for t in self.session.call("describe").tables}

    def table(self, name):
        found = self.tables()
        assert name in found, f"{name} is not served, only {sorted(found)}:\n{self.server.log()}"
        return found[name]

    def fields(self, table):
        """Every field of the table by its name, as Describe tells of it."""
        return {c.name: c for c in self.table(table).columns}

    def kinds(self, table):
        """The type of each field by its name."""
        found = {}
        for name, column in self.fields(table).items():
            kinds = column.DESCRIPTOR.enum_types_by_name["Type"].values_by_number
            found[name] = kinds[column.type].name
        return found

    def key(self, table):
        return next(c.name for c in self.table(table).columns if c.number == 1)

    def system(self, table, number):
        """The name that system field 2, 3, 4 or 5 has in this table."""
        return next(c.name for c in self.table(table).columns if c.number == number)

    def not_served(self):
        """Reasons by (table, column); the column is empty where it is the whole table."""
        answer = self.session.call("describe")
        assert "not_served" in answer.DESCRIPTOR.fields_by_name, "DescribeResponse has no not_served"
        return {(each.table, each.column): each.reason for each in answer.not_served}

    def until_served(self, *names, seconds=SECONDS):
        """Waits until these tables are served; then what a new client sees."""

        def there():
            self.anew()
            return set(names) <= set(self.tables())

        until(there, seconds, f"{names} were not served within {seconds} s:\n{self.server.log()}")
        return self.session

    def until_fields(self, table, agrees, message, seconds=SECONDS):
        """Waits until a table is served with fields as wanted: `agrees` of them by name. Between two
        looks it may be not served at all."""

        def there():
            found = self.tables().get(table)
            return found is not None and agrees({c.name: c for c in found.columns})

        until(there, seconds, f"{message}\n{self.server.log()}")

    def token(self, table):
        """A position before whatever comes next."""
        return self.session.page(table).resume_token

    def until_begun_anew(self, table, token, seconds=SECONDS):
        """Waits until the table is served again with a history that begins after the token."""

        def there():
            try:
                Watch(self.session, table, resume_token=token, once=True).until_current(seconds)
            except Refused as error:
                return error.reason == "HISTORY_COMPACTED"
            return False

        until(there, seconds, f"{table} is not served anew within {seconds} s:\n{self.server.log()}")
        return self.anew()

    # -- pictures

    def watch(self, table="", picture=None, **fields):
        """A subscription whose picture `exact` holds against the query; one that resumes goes on
        with the picture that it had."""
        watch = Watch(self.session, table, **fields)
        watch.events = watch.until_current(SECONDS)
        watch.picture = (picture or Picture()).apply_all(watch.events)
        watch.spec = {"table": table, **fields}
        self.watches.append(watch)
        return watch

    def settle(self, seconds=SECONDS):
        """Everything written so far has been seen by every watch; the events of the last one."""
        self._marks += 1
        entity = self.session.contract.entity(MARK, id=f"mark {id(self)} {self._marks}", n=self._marks)
        # It is answered once all before it has been taken in, which may be much.
        sequence = self.session.answer(self.session.send("create", entity=entity), seconds).sequence
        events = []
        for watch in self.watches:
            events = watch.until_sequence(sequence, seconds)
            watch.picture.apply_all(events)
            watch.events += events
        return [e for e in events if getattr(e, "table", MARK) != MARK]

    def answers(self, table, **fields):
        """All pages of a query: the rows by id, and the refusals by id."""
        key, rows, errors, token = self.key(table), {}, {}, ""
        for _ in range(10_000):
            page = self.session.page(table, page_token=token, **fields)
            rows.update({str(row.get(key)): row for row in page.rows})
            errors.update({error.metadata.get("id", ""): error for error in page.errors})
            token = page.next_page_token
            if not token:
                return rows, errors
        raise AssertionError("the pages do not end")

    def exact(self, seconds=SECONDS):
        """Settles; then each picture is what the query answers. Returns what `settle` does."""
        events = self.settle(seconds)
        for watch in self.watches:
            spec = dict(watch.spec)
            tables = [spec.pop("table")]
            if not tables[0]:
                tables = [name for name in self.tables() if name != MARK]
            asked = {n: spec[n] for n in ("filter", "select", "include_deleted") if n in spec}
            for table in tables:
                rows, errors = self.answers(table, **asked)
                watch.picture.assert_equals(table, rows, errors, f" (watched with {watch.spec})")
        return events

    def error(self, *attempt, **fields):
        """The refusal of a request that must be refused."""
        name, *arguments = attempt
        try:
            answer = getattr(self.session, name)(*arguments, **fields)
        except Refused as error:
            return error
        raise AssertionError(f"{attempt} was answered: {getattr(answer, 'row', answer)}")

    # -- life

    def restart(self):
        self.forget()
        assert self.server.terminate() == 0, self.server.log()
        self.server.start()
        return self.session

    def end(self):
        """Ends the server as its operator does."""
        self.forget()
        if self.server.process.poll() is None:
            assert self.server.terminate() == 0, self.server.log()

    def close(self):
        self.forget()
        self.server.stop()

