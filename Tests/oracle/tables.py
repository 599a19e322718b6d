"""Random tables: names, keys, columns of many types, and the values that their rows get."""

import dataclasses
import datetime

EPOCH = datetime.datetime(1970, 1, 1)
# Written by the clients, unique for each write, so that the log says which write a change is.
MARK = "mark"
WORDS = ["", "a", "ab", "b", "B", "x1", "x2", "Grün", "it's", "50 %_", "ä", "zebra", "日本"]
GRADES = ["low", "middle", "high"]
DAYS = ["0999-12-31", "2024-02-29", "2024-03-01", "2025-01-01"]
MOMENTS = [-1_000_000, 0, 1_709_164_800_000_000, 1_709_164_800_500_000, 1_735_689_600_000_000]
NAMES = ["size", "owner", "state", "note", "count", "at", "title", "level", "ratio", "day"]


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    kind: str
    is_required: bool = False
    is_unique: bool = False

    @property
    def sql(self):
        declared = {
            "text": "TEXT", "int": "INTEGER", "real": "REAL", "bool": "BOOLEAN",
            "moment": "TIMESTAMP", "day": "DATE",
            "grade": f"TEXT CHECK ({self.name} IN ('low', 'middle', 'high'))",
        }[self.kind]
        default = {
            "text": "'none'", "int": "7", "real": "0.5", "bool": "0", "moment": "0",
            "day": "'2024-02-29'", "grade": "'middle'",
        }[self.kind]
        required = f" NOT NULL DEFAULT {default}" if self.is_required else ""
        return f"{self.name} {declared}{required}{' UNIQUE' if self.is_unique else ''}"

    def value(self, random):
        """A value as the protobuf field takes it."""
        if self.is_unique:
            return f"u{random.randrange(30)}"
        match self.kind:
            case "text":
                return random.choice(WORDS)
            case "int":
                return random.choice([-(2**53) - 1, -3, -1, 0, 1, 2, 3, 4, 5, 2**53 + 1])
            case "real":
                return random.choice([-1.5, 0.0, 0.25, 2.5, 1000000.0])
            case "bool":
                return random.random() < 0.5
            case "moment":
                return random.choice(MOMENTS)
            case "day":
                return random.choice(DAYS)
            case "grade":
                return random.choice(GRADES)

    def literal(self, value):
        """The value in a filter."""
        match self.kind:
            case "bool":
                return "true" if value else "false"
            case "int" | "real":
                return repr(value)
            case "moment":
                moment = EPOCH + datetime.timedelta(microseconds=value)
                return moment.isoformat(timespec="microseconds") + "Z"
            case "day":
                return value
        return "'" + value.replace("'", "''") + "'"

    def sql_value(self, value):
        """The value in an SQL statement."""
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return repr(value)


@dataclasses.dataclass(frozen=True)
class Table:
    name: str
    key: Column
    columns: tuple
    is_soft: bool

    @property
    def sql(self):
        key = (
            f"{self.key.name} INTEGER PRIMARY KEY"
            if self.key.kind == "int"
            else f"{self.key.name} TEXT NOT NULL PRIMARY KEY"
        )
        columns = [key, *(column.sql for column in self.columns), f"{MARK} TEXT"]
        return f"CREATE TABLE {self.name} (\n  " + ",\n  ".join(columns) + "\n);\n"

    def random_key(self, random):
        number = random.randrange(1, 40)
        return number if self.key.kind == "int" else f"k{number}"

    def random_values(self, random, share=0.7):
        """Some of the columns, as a client sends them."""
        return {
            column.name: column.value(random)
            for column in self.columns
            if random.random() < share
        }

    def column(self, name):
        return next(column for column in self.columns if column.name == name)


def random_tables(random):
    """2 to 4 tables; the first deletes softly, one has integer keys, one a unique column."""
    count = random.randrange(2, 5)
    names = random.sample(["notes", "soft_things", "parts", "log_entries", "a_b_c"], count)
    tables = []
    for number, name in enumerate(names):
        columns = []
        for column_name in random.sample(NAMES, random.randrange(2, 7)):
            kind = random.choice(["text", "text", "int", "int", "real", "bool", "moment", "grade", "day"])
            is_unique = kind == "text" and number == 1 and not any(c.is_unique for c in columns)
            columns.append(
                Column(column_name, kind, not is_unique and random.random() < 0.3, is_unique)
            )
        key = Column("number", "int") if number == 1 else Column("id", "text")
        tables.append(Table(name, key, tuple(columns), number == 0))
    return tables
