"""What is compared: each scenario is one kind of work and who does it."""

import dataclasses

from . import build, foreign
from .contenders import (
    BESIDE, OURS, WITHIN, Contender, Database, PreparedDatabase, c_server, conformance, datasync,
    driver, etcd, fresh, grpc, h2load, keeping_hub, nats, nghttpd, placed, redis, sqlite_limit)

NOTHING = "keeps nothing"
ETCD_KEEPS = "fsync before each answer, batched"
LIMIT = "C limit"
KEEPING_LIMIT = "C limit with SQLite"
# What our event of a row with 200 bytes of text takes on the wire.
EVENT_BYTES = 430


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    # What one operation is.
    unit: str
    contenders: list
    # What is shown in place of rate, time and percentiles: (member of the result, heading).
    values: list | None = None
    # Several that belong together go by this name, too.
    group: str | None = None


def echoes(options):
    unary = dict(connections=8, streams=32, size=200, path="/bench.Echo/Unary")
    stream = dict(unary, path="/bench.Echo/Stream")
    typed = dict(unary, path="/grpc.testing.TestService/UnaryCall")
    typed_stream = dict(unary, path="/grpc.testing.TestService/FullDuplexCall")

    def all_of(mode, arguments, more):
        return [
            Contender(OURS, NOTHING, conformance(options), driver(mode, OURS, **arguments)),
            Contender(LIMIT, NOTHING, c_server("echo"), driver(mode, "echo", **arguments)),
            Contender("gRPC C++", NOTHING, grpc, driver(mode, "grpc", **arguments), "grpc"),
            *more,
        ]

    return [
        Scenario("unary", "unary echo, 8 connections × 32 streams, 200 bytes", "call", all_of(
            "unary", unary, [
                Contender("datasync, protobuf", NOTHING, conformance(options),
                          driver("unary", OURS, **typed)),
                Contender("nghttpd, h2load", NOTHING, nghttpd, h2load, "nghttpd")])),
        Scenario("stream", "bidi echo, 8 × 32 streams, 1 in flight each", "message", all_of(
            "stream", stream, [
                Contender("datasync, protobuf", NOTHING, conformance(options),
                          driver("stream", OURS, **typed_stream))])),
    ]


def writes(options):
    shape = dict(connections=8, streams=32, size=200)
    full = "synchronous=FULL, WAL"
    normal = "synchronous=NORMAL, WAL"
    batched = ", 100 a commit"
    return [
        Scenario("create", "durable create with change log, 8 × 32 sessions", "row", [
            Contender(OURS, full, datasync(options), driver("create", OURS, **shape)),
            Contender("SQLite in C, ascending keys", full + batched, Database,
                      sqlite_limit("ascending")),
            Contender("SQLite in C, random keys", full + batched, Database, sqlite_limit("random")),
            Contender("etcd put, 256 in flight", ETCD_KEEPS, etcd,
                      driver("put", "etcd", **shape), "etcd"),
        ]),
        Scenario("create-normal", "create with synchronous=NORMAL, 8 × 32 sessions", "row", [
            Contender(OURS, normal, datasync(options, "--synchronous", "normal"),
                      driver("create", OURS, **shape)),
            Contender("SQLite in C, ascending keys", normal + batched, Database,
                      sqlite_limit("ascending", synchronous="NORMAL")),
        ]),
    ]


def reads(options):
    rows = options.rows
    shape = dict(connections=8, streams=32, rows=rows)
    kept = f"{rows:,} rows"

    def filled():
        return Database(rows)

    return [
        Scenario("get", "get by key, 8 × 32 sessions", "row", [
            Contender(OURS, kept, datasync(options, rows=rows), driver("get", OURS, **shape)),
            Contender("SQLite in C", kept, filled, sqlite_limit("get", rows=rows)),
            Contender("SQLite in C, 1,000 a transaction", kept, filled,
                      sqlite_limit("get-1000", rows=rows)),
        ]),
        Scenario("query", "query of 100 rows, 8 × 4 sessions", "query", [
            Contender(OURS, kept, datasync(options, rows=rows),
                      driver("query", OURS, **dict(shape, streams=4))),
            Contender("SQLite in C", kept, filled, sqlite_limit("query", rows=rows)),
        ]),
    ]


def fanouts(options):
    shapes = [
        ("fanout-100", "fan-out to 100 subscribers on 100 connections",
         dict(connections=100, subscribers=100)),
        ("fanout-1000-10", "fan-out to 1,000 subscribers on 10 connections",
         dict(connections=10, subscribers=1000)),
        ("fanout-1000-1000", "fan-out to 1,000 subscribers on 1,000 connections",
         dict(connections=1000, subscribers=1000)),
    ]
    return [
        Scenario(name, title, "delivery", brokers(options, "fanout", dict(shape, size=200)))
        for name, title, shape in shapes
    ] + [
        Scenario("latency", "one write at a time to its event at another client", "write", [
            *brokers(options, "latency", dict(size=200)),
            Contender("datasync, NORMAL", "synchronous=NORMAL, WAL",
                      datasync(options, "--synchronous", "normal"),
                      driver("latency", OURS, size=200)),
            Contender(f"{KEEPING_LIMIT}, NORMAL", "synchronous=NORMAL, WAL", keeping_hub("NORMAL"),
                      driver("latency", "hub", size=200)),
        ])
    ]


def brokers(options, mode, shape):
    return [
        Contender(OURS, "synchronous=FULL, WAL; filters judged", datasync(options),
                  driver(mode, OURS, **shape)),
        Contender(LIMIT, NOTHING, c_server("hub"), driver(mode, "hub", **shape)),
        Contender(KEEPING_LIMIT, "synchronous=FULL, WAL", keeping_hub("FULL"),
                  driver(mode, "hub", **shape)),
        Contender(f"{KEEPING_LIMIT}, {EVENT_BYTES} bytes", "synchronous=FULL, WAL",
                  keeping_hub("FULL"), driver(mode, "hub", **dict(shape, size=EVENT_BYTES))),
        Contender("etcd", ETCD_KEEPS, etcd, driver(mode, "etcd", **shape), "etcd"),
        Contender("Redis", NOTHING, redis, driver(mode, "redis", **shape), "redis"),
        Contender("NATS", NOTHING, nats, driver(mode, "nats", **shape), "nats"),
    ]


def resting(options):
    sessions = 2000 if options.quick else 10_000
    rows = 100_000 if options.quick else 1_000_000
    replayed = 20_000 if options.quick else 200_000
    more = 10
    return [
        Scenario("idle", f"{sessions:,} sessions, each a connection with one subscription, "
                 f"then {more} more on each", "session", [
                     Contender(OURS, "filters judged", lambda: None, fresh(
                         datasync(options),
                         driver("idle", OURS, connections=sessions, streams=1, in_flight=more)),
                         rounds=1)],
                 [("session_kib", "KiB a session"), ("subscription_kib", "KiB a subscription more"),
                  ("rss_kib", "KiB in all"), ("opened_in_s", "s to open all"),
                  ("idle_busy", "processors used while idle")]),
        Scenario("replay", f"replay of {replayed:,} changes from the log to one session", "change", [
            Contender(OURS, "filters judged", datasync(options),
                      driver("replay", OURS, rows=replayed), rounds=3)]),
        Scenario("ready", f"start to ready, {rows:,} rows, files cached", "start", [
            Contender(OURS, "synchronous=FULL, WAL", lambda: PreparedDatabase(options, rows),
                      lambda database, ms, warmup: database.start())],
                 [("ready_ms", "ms to ready"), ("cpu_ms", "CPU ms"), ("rss_kib", "KiB")]),
    ]


def placements(options):
    """The same work on tables beside and on tables within."""
    rows, lists = options.rows, max(2, options.rows // 200)
    replayed = 20_000 if options.quick else 200_000
    shape = dict(connections=8, streams=32, size=200)
    reading = dict(connections=8, streams=32, rows=rows)
    querying = dict(reading, streams=4)

    def both(name, title, unit, filled, run, rounds=100):
        return Scenario(f"beside-{name}", f"{title}, on tables beside and within", unit, [
            Contender(who, "synchronous=FULL, WAL", placed(options, who, **filled), run,
                      rounds=rounds) for who in (BESIDE, WITHIN)], group="beside")

    return [
        both("create", "create, 8 × 32 sessions", "row", {}, driver("create", OURS, **shape)),
        both("get", "get by key, 8 × 32 sessions", "row", dict(rows=rows),
             driver("get", OURS, **reading)),
        both("query", "query of 100 rows by key, 8 × 4 sessions", "query", dict(rows=rows),
             driver("query", OURS, **querying)),
        both("filter", "query of 100 of 200 rows by an index of the owner's, in its order, "
             "8 × 4 sessions", "query", dict(rows=rows, lists=lists),
             driver("query", OURS, lists=lists, **querying)),
        both("fanout", "fan-out to 100 subscribers on 100 connections", "delivery", {},
             driver("fanout", OURS, connections=100, subscribers=100, size=200)),
        both("replay", f"replay of {replayed:,} changes from the log to one session", "change", {},
             driver("replay", OURS, rows=replayed), rounds=3),
    ]


def foreigners(options):
    """Programs that know nothing of a server."""
    written = [(f"{operation}_{unit}", f"{operation}, {title}µs")
               for operation in foreign.OPERATIONS for unit, title in (("us", ""), ("cpu_us", "CPU "))]
    normal = "synchronous=NORMAL, WAL"

    def orders(key, is_attached):
        return lambda: foreign.Orders(key, is_attached)

    def write(rows):
        return lambda database, ms, warmup: database.write(rows)

    return [
        *[Scenario(
            f"foreign-{key}", "one transaction of another program, without a server, key "
            f"{key.replace('-', ' ')}", "row",
            [Contender(foreign.writer(is_attached, rows), normal, orders(key, is_attached), write(rows))
             for rows in foreign.sizes(options) for is_attached in (False, True)],
            written, "foreign") for key in foreign.KEYS],
        Scenario("foreign-adoption", "another program's transaction until its subscriber's checkpoint; "
                 "gets by 4 sessions meanwhile", "transaction", [
                     Contender(foreign.adopter(rows), "synchronous=FULL, WAL", lambda: None,
                               foreign.adopted(rows), rounds=3)
                     for rows in foreign.sizes(options)[1:]],
                 [("write_ms", "ms to write"), ("adoption_ms", "ms from commit to checkpoint"),
                  ("over_write", "of the time to write"), ("cpu_us", "server's CPU µs a row"),
                  ("peak_before_mib", "peak MiB before"), ("peak_after_mib", "peak MiB after"),
                  ("idle_p99_us", "p99 of gets before, µs"),
                  ("meanwhile_p99_us", "p99 of gets meanwhile, µs")], "foreign"),
        Scenario("foreign-attach", "attaching tables, each with 10 rows and an index", "attach", [
            Contender(f"{count:,} tables", "synchronous=FULL, WAL",
                      lambda count=count: foreign.Tables(count),
                      lambda tables, ms, warmup: tables.attach()) for count in (100, 1000)],
                 [("ms", "ms"), ("cpu_ms", "CPU ms")], "foreign"),
    ]


def all_scenarios(options):
    return (echoes(options) + writes(options) + reads(options) + fanouts(options)
            + resting(options) + placements(options) + foreigners(options))
