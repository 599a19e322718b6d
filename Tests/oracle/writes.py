"""What writers do: requests of sessions, and scripts for the `sqlite3` shell."""

import dataclasses
import subprocess
import threading

import tables


@dataclasses.dataclass
class Part:
    """One write: of a request, or of a commit."""

    operation: str
    table: str
    # Unique; empty where the write sets none.
    mark: str
    fields: dict


@dataclasses.dataclass
class Write:
    """A request that was sent."""

    session: object
    request_id: int
    client_id: str
    kind: str
    parts: list
    fields: dict
    mutation_id: str
    is_repeat: bool

    def answer(self):
        """(place, results): place None without an answer, results None for a refusal."""
        for place, response in self.session.responses(self.request_id):
            kind = response.WhichOneof("response")
            if kind == "write":
                return place, [response.write]
            if kind == "commit":
                return place, list(response.commit.writes)
            return place, None
        return None, None

    @property
    def succeeded(self):
        return self.answer()[1] is not None

    @property
    def was_replayed(self):
        for _, response in self.session.responses(self.request_id):
            kind = response.WhichOneof("response")
            return kind in ("write", "commit") and getattr(response, kind).replayed
        return False


class Writer:
    """Makes random writes."""

    def __init__(self, random, tables, contract):
        self.random, self.tables, self.contract = random, tables, contract
        self._marks = 0

    def _mark(self):
        self._marks += 1
        return f"m{self._marks}"

    def part(self):
        random = self.random
        table = random.choice(self.tables)
        key = table.random_key(random)
        values = table.random_values(random)
        self._enlarge(table, values)
        mark = self._mark() if random.random() < 0.85 else ""
        if mark:
            values[tables.MARK] = mark
        entity = {table.key.name: key} | values
        kind = random.choices(
            ["create", "made", "replace", "update", "mask", "delete"], [2, 1, 3, 3, 3, 2]
        )[0]
        include_deleted = random.random() < 0.3
        match kind:
            case "create":
                fields = {"entity": self._row(table, entity)}
            case "made":
                kind = "create"
                fields = {"entity": self._row(table, values)}
            case "replace":
                fields = {
                    "entity": self._row(table, entity), "allow_missing": random.random() < 0.8,
                    "include_deleted": include_deleted,
                }
            case "update":
                fields = {"entity": self._row(table, entity), "include_deleted": include_deleted}
            case "mask":
                kind = "update"
                names = random.sample([c.name for c in table.columns], 1)
                if mark:
                    names.append(tables.MARK)
                fields = {
                    "entity": self._row(table, entity), "update_mask": {"paths": names},
                    "allow_missing": random.random() < 0.2,
                }
            case _:
                return Part("delete", table.name, "", {"table": table.name, "id": str(key)})
        return Part(kind, table.name, mark, fields)

    def _enlarge(self, table, values):
        for column in table.columns:
            if column.kind == "text" and not column.is_unique and self.random.random() < 0.04:
                values[column.name] = "z" * self.random.randrange(1000, 20_000)

    def _row(self, table, values):
        return self.contract.entity(table.name, **values)

    def request(self):
        """(kind, parts, fields) of a write or a commit."""
        if self.random.random() < 0.8:
            part = self.part()
            return part.operation, [part], part.fields
        parts = [self.part() for _ in range(self.random.randrange(1, 7))]
        if self.random.random() < 0.7:
            # Most random writes fail at times, and a commit with them: these do not.
            parts = [part for part in parts if part.fields.get("allow_missing")] or parts
        return "commit", parts, {"writes": [{part.operation: part.fields} for part in parts]}


class Script:
    """Makes random SQL, as others write it."""

    def __init__(self, random, tables):
        self.random, self.tables = random, tables

    def statement(self):
        random = self.random
        table = random.choice(self.tables)
        key_name, key = table.key.name, table.key.sql_value(table.random_key(random))
        other = table.key.sql_value(table.random_key(random))
        values = {
            name: table.column(name).sql_value(value)
            for name, value in table.random_values(random).items()
        }
        names = ", ".join([key_name, *values])
        texts = ", ".join([key, *values.values()])
        column = random.choice(table.columns)
        value = column.sql_value(column.value(random))
        if not column.is_required and random.random() < 0.2:
            value = "NULL"
        return random.choice([
            f"INSERT INTO {table.name} ({names}) VALUES ({texts});",
            f"INSERT OR REPLACE INTO {table.name} ({names}) VALUES ({texts});",
            f"INSERT INTO {table.name} ({names}) VALUES ({texts})"
            f" ON CONFLICT ({key_name}) DO UPDATE SET {column.name} = {value};",
            f"UPDATE {table.name} SET {column.name} = {value} WHERE {key_name} = {key};",
            f"UPDATE OR REPLACE {table.name} SET {column.name} = {value}"
            f" WHERE {key_name} >= {key} AND {key_name} <= {other};",
            f"UPDATE OR REPLACE {table.name} SET {key_name} = {other} WHERE {key_name} = {key};",
            f"DELETE FROM {table.name} WHERE {key_name} = {key};",
            f"DELETE FROM {table.name} WHERE {key_name} = {key};"
            f" INSERT INTO {table.name} ({names}) VALUES ({texts});",
            f"UPDATE {table.name} SET deleted = 1 - deleted WHERE {key_name} = {key};",
            # Rows whose keys the server made would grow for ever.
            f"DELETE FROM {table.name} WHERE length({key_name}) > 5 OR {key_name} > 'ka'"
            if table.key.kind == "text" else f"DELETE FROM {table.name} WHERE {key_name} > 45",
        ]).rstrip(";") + ";"

    def script(self):
        statements = [self.statement() for _ in range(self.random.choice([1, 1, 2, 5]))]
        body = "\n".join(statements)
        return f"BEGIN IMMEDIATE;\n{body}\nCOMMIT;" if self.random.random() < 0.6 else body


class Shell:
    """The `sqlite3` shell, beside the server. What it refuses is no matter."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            ["sqlite3", str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )
        self._lines = []
        self._changed = threading.Condition()
        self._marks = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.run(".timeout 15000")

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.strip())
                self._changed.notify_all()

    def run(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def drain(self, seconds=30):
        """Waits until everything so far has been done."""
        self._marks += 1
        mark = f"done {self._marks}"
        self.run(f"SELECT '{mark}';")
        with self._changed:
            assert self._changed.wait_for(lambda: mark in self._lines, seconds), "the shell hangs"

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
