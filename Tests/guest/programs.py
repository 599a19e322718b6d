"""Random schemas as owners might have them, and random programs of SQL that write to them."""

import dataclasses
import sqlite3

import owner

STRINGS = ["", "a", "A", "b", "B ", "b", "é", "É", "ab", "aB", "x" * 300]
ACTIONS = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"]
CONFLICTS = ["", " OR REPLACE", " OR REPLACE", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"]
# The database says no: a constraint, a trigger's limit, a type of STRICT. The program goes on.
REFUSALS = (sqlite3.IntegrityError, sqlite3.OperationalError)


@dataclasses.dataclass
class Table:
    name: str
    text_key: bool
    create: str
    extras: list
    columns: dict
    parent: str = ""
    strict: bool = False

    @property
    def statements(self):
        return [self.create.format(name=self.name), *self.extras]


class Program:
    """Everything that happens to one database, out of one random source."""

    def __init__(self, random):
        self.random = random
        self.tables = []
        for name in "abc"[: random.choice([1, 2, 3, 3])]:
            self.tables.append(self._table(name))
        self.triggers = [self._trigger(n) for n in range(random.randrange(0, 4))]
        self.done = []
        self._indexes = 0

    @property
    def schema(self):
        return ";\n".join([s for t in self.tables for s in t.statements] + self.triggers) + ";\n"

    def chance(self, part):
        return self.random.random() < part

    # -- the schema

    def _table(self, name):
        random = self.random
        text_key, strict, without = self.chance(0.5), self.chance(0.25), self.chance(0.35)
        if text_key:
            key = random.choice(["TEXT PRIMARY KEY", "TEXT NOT NULL PRIMARY KEY"])
        else:
            key = random.choice(
                ["INTEGER PRIMARY KEY", "INT PRIMARY KEY NOT NULL", "INTEGER PRIMARY KEY AUTOINCREMENT"])
            if without and "AUTOINCREMENT" in key:
                without = False
        columns = {"n": "INTEGER", "s": "TEXT"}
        lines = [f"id {key}", "n INTEGER" + random.choice(
            ["", "", " DEFAULT 3", " NOT NULL ON CONFLICT REPLACE DEFAULT 2", " UNIQUE ON CONFLICT REPLACE"])]
        lines.append("s TEXT" + random.choice(["", "", " COLLATE NOCASE", " COLLATE RTRIM", " DEFAULT 'a'"]))
        if self.chance(0.4):
            columns["r"] = "REAL"
            lines.append("r REAL DEFAULT 0.5")
        parent = ""
        if self.tables and self.chance(0.7):
            other = random.choice(self.tables)
            parent = other.name
            kind = "TEXT" if other.text_key else "INTEGER"
            columns["up"] = kind
            default = "'k1'" if other.text_key else "1"
            lines.append(
                f"up {kind} DEFAULT {default} REFERENCES {other.name} (id) ON DELETE {random.choice(ACTIONS)}"
                f" ON UPDATE {random.choice(ACTIONS)}" + random.choice(["", " DEFERRABLE INITIALLY DEFERRED"])
            )
        if self.chance(0.3):
            columns["g"] = "INTEGER"
            lines.append("g INTEGER GENERATED ALWAYS AS (n * 2) " + random.choice(["VIRTUAL", "STORED"]))
        options = ", ".join(["STRICT"] * strict + ["WITHOUT ROWID"] * without)
        extras = [self._index(name, number) for number in range(random.choice([0, 1, 1, 2]))]
        create = "CREATE TABLE {name} (" + ", ".join(lines) + f") {options}"
        return Table(name, text_key, create, extras, columns, parent, strict)

    def _index(self, table, number):
        what = self.random.choice([
            "(s)", "(lower(s))", "(n) WHERE n > 3", "(s COLLATE NOCASE)", "(n, s)", "(coalesce(s, ''), n)",
            "(lower(s)) WHERE s <> ''", "(n % 5)", "(s DESC) WHERE n IS NOT NULL",
        ])
        return f"CREATE UNIQUE INDEX {table}_{number} ON {table} {what}"

    def _trigger(self, number):
        random = self.random
        source, target = random.choice(self.tables), random.choice(self.tables)
        own = source is target
        event = random.choice(["INSERT", "DELETE", "UPDATE OF n", "UPDATE"])
        row = "OLD" if event == "DELETE" else "NEW"
        key = f"'k' || {row}.n" if target.text_key else f"{row}.n + 1"
        body = random.choice([
            f"UPDATE {target.name} SET s = {row}.s || '!' WHERE n = {row}.n AND length(s) < 5",
            f"DELETE FROM {target.name} WHERE n = {row}.n + 1",
            f"INSERT OR REPLACE INTO {target.name} (id, n, s) VALUES ({key}, {row}.n, {row}.s)",
            f"INSERT OR IGNORE INTO {target.name} (id, s) VALUES ({key}, 'by trigger')",
            f"UPDATE OR REPLACE {target.name} SET n = n + 1 WHERE s = {row}.s AND n < 9",
        ])
        # One that writes to its own table would go on for ever where triggers are recursive.
        when = "WHEN " + (f"{row}.n % 3 = 1 AND {row}.n < 4" if not own else f"{row}.n = 5")
        moment = random.choice(["AFTER", "BEFORE"]) if event != "INSERT" else "AFTER"
        return f"CREATE TRIGGER owners_{number} {moment} {event} ON {source.name} {when} BEGIN {body}; END"

    # -- values

    def key(self, table):
        n = self.random.randrange(1, 13)
        if not table.text_key:
            return n
        if self.chance(0.02) and "NOT NULL" not in table.create.split(",")[0]:
            return self.random.choice([None, ""])
        return self.random.choice(["k", "k", "k", "K"]) + str(n)

    def value(self, table, column):
        random = self.random
        kind = table.columns[column]
        if self.chance(0.15):
            return None
        if column == "up":
            parent = next(t for t in self.tables if t.name == table.parent)
            return self.key(parent)
        if kind == "INTEGER":
            return random.choice(["bad", 1.5]) if self.chance(0.03) and not table.strict else random.randrange(0, 8)
        if kind == "REAL":
            return random.choice([0.0, 1.5, -2.25, 1e300])
        if self.chance(0.03) and not table.strict:
            return random.choice([b"\x00", "nul\0inside", b"a"])
        return random.choice(STRINGS)

    def row(self, table):
        names = [n for n in table.columns if n != "g" and self.chance(0.8)]
        row = {n: self.value(table, n) for n in names}
        if self.chance(0.85) or table.text_key:
            row["id"] = self.key(table)
        return row or {"s": "a"}

    # -- statements

    def statement(self):
        table = self.random.choice(self.tables)
        make = self.random.choice([
            self._insert, self._insert, self._insert, self._upsert, self._update, self._update, self._update,
            self._key, self._delete, self._delete, self._select, self._from, self._cte,
        ])
        return make(table)

    def _values(self, row):
        return f"({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())

    def _insert(self, table):
        sql, values = self._values(self.row(table))
        verb = self.random.choice(["INSERT" + self.random.choice(CONFLICTS), "REPLACE"])
        return f"{verb} INTO {table.name} {sql}", values

    def _upsert(self, table):
        sql, values = self._values({"id": self.key(table), **self.row(table)})
        on = self.random.choice([
            "(id) DO UPDATE SET s = excluded.s, n = coalesce(n, 0) + 1", "DO NOTHING", "(id) DO NOTHING",
            "(id) DO UPDATE SET n = excluded.n WHERE excluded.n > 2", "DO UPDATE SET s = 'upsert'",
            f"(id) DO UPDATE SET id = {self._literal(table)}",
        ])
        verb = self.random.choice(["INSERT", "INSERT", "INSERT OR REPLACE"])
        return f"{verb} INTO {table.name} {sql} ON CONFLICT {on}", values

    def _literal(self, table):
        return f"'k{self.random.randrange(1, 13)}'" if table.text_key else str(self.random.randrange(1, 13))

    def _where(self, table):
        return self.random.choice([
            (f"id = {self._literal(table)}", []), ("n = ?", [self.random.randrange(8)]),
            ("s = ?", [self.random.choice(STRINGS)]), ("n IS NULL", []), ("n > ?", [self.random.randrange(8)]),
        ])

    def _update(self, table):
        column = self.random.choice([n for n in table.columns if n != "g"])
        where, values = self._where(table)
        verb = "UPDATE" + self.random.choice(CONFLICTS)
        return f"{verb} {table.name} SET {column} = ? WHERE {where}", [self.value(table, column), *values]

    def _key(self, table):
        verb = "UPDATE" + self.random.choice(CONFLICTS)
        where, values = self._where(table)
        if table.text_key:
            to = self.random.choice([self._literal(table), "'k' || n", "upper(id)", "id || ''"])
        else:
            to = self.random.choice([self._literal(table), "id + 1", "id - 1", "13 - id"])
        return f"{verb} {table.name} SET id = {to} WHERE {where}", values

    def _delete(self, table):
        where, values = self._where(table)
        return f"DELETE FROM {table.name} WHERE {where}", values

    def _select(self, table):
        key = "'k' || (n + 3)" if table.text_key else "id % 12 + 1"
        verb = self.random.choice(["INSERT OR REPLACE", "INSERT OR IGNORE", "REPLACE"])
        return f"{verb} INTO {table.name} (id, n, s) SELECT {key}, n + 1, s FROM {table.name} WHERE n < 6", []

    def _from(self, table):
        other = self.random.choice(self.tables)
        verb = self.random.choice(["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"])
        return (f"{verb} {table.name} SET s = o.s, n = o.n FROM {other.name} AS o"
                f" WHERE o.n = {table.name}.n + 1"), []

    def _cte(self, table):
        return self.random.choice([
            (f"WITH few AS (SELECT id FROM {table.name} ORDER BY n, id LIMIT 2)"
             f" DELETE FROM {table.name} WHERE id IN few", []),
            (f"WITH few AS (SELECT id FROM {table.name} ORDER BY s LIMIT 2)"
             f" UPDATE OR REPLACE {table.name} SET n = 7 WHERE id IN few", []),
        ])

    # -- carrying them out

    def run(self, connection, statement, values=()):
        self.done.append(f"{statement}  -- {list(values)}" if values else statement)
        try:
            connection.execute(statement, values)
        except REFUSALS as error:
            assert "locked" not in str(error) and "no such table" not in str(error), f"{statement}: {error}"
            self.done[-1] += f"  -- {error}"

    def some(self, connection):
        """A few statements: each for itself, or as a transaction, which may be taken back."""
        random = self.random
        kind = random.choice(["each", "each", "transaction", "transaction", "rolled back", "savepoint", "large"])
        if kind == "large":
            return self.large(connection)
        if kind != "each":
            self.run(connection, "BEGIN IMMEDIATE")
        for number in range(random.randrange(1, 9)):
            if kind == "savepoint" and number == 1 and connection.in_transaction:
                self.run(connection, "SAVEPOINT here")
            self.run(connection, *self.statement())
        if kind == "savepoint" and connection.in_transaction and "SAVEPOINT here" in self.done[-9:]:
            self.run(connection, "ROLLBACK TO here")
        if connection.in_transaction:
            self.run(connection, "ROLLBACK" if kind == "rolled back" else "COMMIT")
        if connection.in_transaction:  # A deferred key is not fulfilled.
            self.run(connection, "ROLLBACK")

    def large(self, connection):
        table = self.random.choice(self.tables)
        key = "'m' || i" if table.text_key else "i + 100"
        numbers = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c LIMIT 1500)"
        up = ", up" if "up" in table.columns else ""
        self.run(connection, f"{numbers} INSERT OR REPLACE INTO {table.name} (id, n, s{up})"
                 f" SELECT {key}, i, 'many ' || i{', NULL' if up else ''} FROM c")
        where = "id LIKE 'm%'" if table.text_key else "id > 100"
        self.run(connection, f"UPDATE OR REPLACE {table.name} SET n = n + 1 WHERE {where} AND n % 7 = 0")
        self.run(connection, f"DELETE FROM {table.name} WHERE {where}")

    def next_upkeep(self):
        """What is no write to a row, and a table that it may be about."""
        random = self.random
        what = random.choice(["VACUUM", "REINDEX", "ANALYZE", "PRAGMA recursive_triggers = ON",
                              "PRAGMA recursive_triggers = OFF", "PRAGMA foreign_keys = ON",
                              "PRAGMA foreign_keys = OFF", "index", "drop index", "PRAGMA incremental_vacuum"])
        table = random.choice(self.tables)
        if what == "index":
            self._indexes += 1
            what = self._index(table.name, f"later_{self._indexes}")
        elif what == "drop index":
            what = f"DROP INDEX IF EXISTS {table.name}_later_{self._indexes}"
        return what, table.name

    def rebuild(self, path):
        """A table built anew, as tools do it; what stood on it stands on it again."""
        table = self.random.choice(self.tables)
        connection = owner.connect(path, foreign_keys="OFF", legacy_alter_table="ON")
        kept = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL"
            " AND name NOT LIKE 'datasync%'", (table.name,)).fetchall()
        names = ", ".join(["id", *(n for n in table.columns if n != "g")])
        for statement in (
            "BEGIN IMMEDIATE", table.create.format(name="built_anew"),
            f"INSERT INTO built_anew ({names}) SELECT {names} FROM {table.name}", f"DROP TABLE {table.name}",
            f"ALTER TABLE built_anew RENAME TO {table.name}", *(sql for (sql,) in kept), "COMMIT",
        ):
            self.done.append(statement)
            connection.execute(statement)
        connection.close()
        return table.name
