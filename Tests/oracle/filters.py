"""Random filters, their text, and an evaluator of their own: the server's is not asked.

Three values; `eq` and `ne` take null for a value, an order with null is false,
a function of null is null, and only true keeps a row.
"""

import tables

TEXT_TESTS = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
ORDERS = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
VERSION = tables.Column("version", "int")
DELETED = tables.Column("deleted", "bool")


def random_filter(random, table, include_deleted, depth=0):
    """A tree of tuples."""
    kind = random.random()
    if depth < 3 and kind < 0.45:
        left = random_filter(random, table, include_deleted, depth + 1)
        right = random_filter(random, table, include_deleted, depth + 1)
        return ("and" if kind < 0.25 else "or", left, right)
    if depth < 3 and kind < 0.55:
        return ("not", random_filter(random, table, include_deleted, depth + 1))
    return random_comparison(random, table, include_deleted)


def random_comparison(random, table, include_deleted):
    kind = random.random()
    if kind < 0.05:
        return ("compare", random.choice(list(ORDERS)), VERSION, random.randrange(1, 2000))
    if kind < 0.15 and include_deleted:
        return ("compare", random.choice(["eq", "ne"]), DELETED, random.random() < 0.5)
    if kind < 0.2:
        key = table.random_key(random)
        return ("compare", random.choice(["eq", "gt", "le"]), table.key, key)
    column = random.choice(table.columns)
    if kind < 0.32:
        return ("compare", random.choice(["eq", "ne"]), column, None)
    value = column.value(random)
    if column.kind == "text" and kind < 0.55:
        return ("text", random.choice(list(TEXT_TESTS)), column, value[:1])
    if kind < 0.62:
        return ("in", column, (value, column.value(random), column.value(random)))
    if column.kind == "bool":
        return ("compare", random.choice(["eq", "ne"]), column, value)
    return ("compare", random.choice(["eq", "eq", "eq", "ne", *ORDERS]), column, value)


def text_of(node):
    match node:
        case ("and" | "or" as word, left, right):
            return f"({text_of(left)}) {word} ({text_of(right)})"
        case ("not", inner):
            return f"not ({text_of(inner)})"
        case ("text", function, column, part):
            return f"{function}({column.name}, {column.literal(part)})"
        case ("in", column, values):
            return f"{column.name} in ({', '.join(column.literal(v) for v in values)})"
        case ("compare", word, column, None):
            return f"{column.name} {word} null"
        case ("compare", word, column, value):
            return f"{column.name} {word} {column.literal(value)}"


def evaluate(node, row):
    """True, False or None of a row as a dictionary of what is present."""
    match node:
        case ("and", left, right):
            found = (evaluate(left, row), evaluate(right, row))
            return False if False in found else None if None in found else True
        case ("or", left, right):
            found = (evaluate(left, row), evaluate(right, row))
            return True if True in found else None if None in found else False
        case ("not", inner):
            found = evaluate(inner, row)
            return None if found is None else not found
        case ("text", function, column, part):
            value = row.get(column.name)
            return None if value is None else TEXT_TESTS[function](value, part)
        case ("in", column, values):
            return any(row.get(column.name) == value for value in values)
        case ("compare", "eq", column, value):
            return row.get(column.name) == value
        case ("compare", "ne", column, value):
            return row.get(column.name) != value
        case ("compare", word, column, value):
            stored = row.get(column.name)
            if stored is None:
                return False
            if column.kind == "grade":
                stored, value = tables.GRADES.index(stored), tables.GRADES.index(value)
            return ORDERS[word](stored, value)


def matches(node, row):
    return node is None or evaluate(node, row) is True
