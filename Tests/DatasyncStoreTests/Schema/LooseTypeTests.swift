import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Values in and out, exact or refused; and what others left in SQLite's loose types.
struct LooseTypeTests {
  let database: TestDatabase
  let store: TestStore

  init() throws {
    database = try TestDatabase(
      """
      CREATE TABLE t (id TEXT PRIMARY KEY, flag BOOLEAN, n INTEGER, x REAL, s TEXT, b BLOB,
        at TIMESTAMP, d DATE, clock TIME, price DECIMAL, exact DECIMAL TEXT, u UUID, j JSON, jt JSON TEXT,
        e TEXT CHECK (e IN ('a', 'b')));
      """)
    store = try database.open()
  }

  @Test(arguments: [
    ("flag", Value.bool(true)), ("n", .int64(.max)), ("n", .int64(9_007_199_254_740_993)),
    ("x", .double(0.1)), ("x", .double(1)), ("x", .double(-1e300)), ("s", .string("")),
    ("s", .string("é🦊%_'\"")),
    ("b", .bytes([])), ("b", .bytes([0, 1, 255])), ("at", .timestamp(-62_135_596_800_000_000)),
    ("at", .timestamp(1_700_000_000_123_456)), ("d", .string("2026-02-28")),
    ("clock", .string("23:59:59.000001")), ("price", .string("12.5")), ("price", .string("-0.001")),
    ("price", .string("9223372036854775807")),
    ("exact", .string("1234567890123456789012345678.901230")),
    ("u", .string("123e4567-e89b-12d3-a456-426614174000")), ("j", .string("{\"a\": [1, 2.50]}")),
    ("jt", .string(" 1.50 ")), ("e", .string("b")),
  ])
  func `a value comes back as it went in`(column: String, value: Value) throws {
    let row = try store.create("t", ["id": .string("r"), column: value])
    #expect(row[column] == value)
    #expect(try store.get("t", "r") == row)
    let again = try store.update("t", ["id": .string("r"), column: value])
    #expect(again.version == row.version)
  }

  @Test func `a decimal of numeric affinity reads as the shortest equal one`() throws {
    let row = try store.create("t", ["id": .string("r"), "price": .string("12.50")])
    #expect(row["price"] == .string("12.5"))
    #expect(try store.get("t", "r") == row)
    let same = try store.update("t", ["id": .string("r"), "price": .string("12.500")])
    #expect(same.version == row.version)
    let error = try failure {
      try store.update("t", ["id": .string("r"), "price": .string("0.12345678901234567890")])
    }
    #expect(error.code == .invalidArgument)
    #expect(error.message.contains("DECIMAL TEXT"))
    #expect(error.metadata["column"] == "price")
  }

  @Test func `a bare number in a JSON column becomes SQLite's own form`() throws {
    let row = try store.create("t", ["id": .string("r"), "j": .string("1.50")])
    #expect(row["j"] == .string("1.5"))
    #expect(try store.get("t", "r") == row)
    let error = try failure { try store.create("t", ["j": .string("1e999")]) }
    #expect(error.metadata["column"] == "j")
  }

  @Test func `minus zero is zero, in the answer too`() throws {
    let row = try store.create("t", ["id": .string("r"), "x": .double(-0.0)])
    #expect(try store.get("t", "r") == row)
    guard case .double(let number)? = row["x"] else { throw TestFault(description: "no x") }
    #expect(number.sign == .plus)
  }

  @Test func `times that others wrote as text are read`() throws {
    try database.run(
      """
      INSERT INTO t (id, at, clock, u) VALUES ('r', '2026-11-23 20:21:00', '09:30',
        '123E4567-E89B-12D3-A456-426614174000')
      """)
    let row = try #require(try store.get("t", "r"))
    #expect(row["at"] == .timestamp(1_795_465_260_000_000))
    #expect(row["clock"] == .string("09:30:00"))
    #expect(row["u"] == .string("123e4567-e89b-12d3-a456-426614174000"))
  }

  @Test(arguments: [
    ("flag", "2"), ("flag", "'maybe'"), ("n", "'abc'"), ("x", "'abc'"), ("s", "x'ff'"),
    ("s", "CAST(x'ff' AS TEXT)"), ("s", "'a' || char(0) || 'b'"), ("at", "'yesterday'"),
    ("at", "9223372036854775807"), ("d", "'2026-02-30'"), ("clock", "'25:00'"),
    ("price", "'cheap'"),
    ("price", "1e300"), ("u", "'123'"), ("j", "'{'"), ("x", "9e999"),
  ])
  func `a value that does not fit is an error for its row alone`(
    column: String, sql: String
  ) throws {
    try store.create("t", ["id": .string("a")])
    try database.run("INSERT INTO t (id, \(column)) VALUES ('m', \(sql))")
    try store.create("t", ["id": .string("z")])
    let error = try failure { _ = try store.get("t", "m") }
    #expect(error.code == .dataLoss)
    #expect(error.metadata == ["table": "t", "id": "m", "column": column])
    let page = try store.scan(ScanRequest(table: try store.table("t"), limit: 10))
    #expect(page.rows.map(\.key) == ["a", "z"])
    #expect(page.unreadable.map { $0.error.metadata["id"] } == ["m"])
    // Pages go past it.
    var request = ScanRequest(table: try store.table("t"), limit: 1)
    var keys: [String] = []
    repeat {
      let page = try store.scan(request)
      keys += page.rows.map(\.key)
      request.after = page.next
    } while request.after != nil
    #expect(keys == ["a", "z"])
  }

  @Test func `decimals survive the journey through doubles`() throws {
    var random = SeededGenerator(seed: 99)
    for _ in 0..<2000 {
      let digits = Int.random(in: 1...15, using: &random)
      var text = String(
        Int64.random(in: 1..<Int64("1" + String(repeating: "0", count: digits))!, using: &random))
      let split = Int.random(in: 0...text.count, using: &random)
      if split < text.count {
        text.insert(".", at: text.index(text.startIndex, offsetBy: split))
        if split == 0 { text = "0" + text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
      }
      let stored = try #require(NumericDecimal.stored(text), "\(text)")
      #expect(stored.text == text)
      if case .real(let real) = stored.stored { #expect(NumericDecimal.text(of: real) == text) }
    }
    #expect(NumericDecimal.text(of: 1e22) == "10000000000000000000000")
    #expect(NumericDecimal.text(of: 1.5e-7) == "0.00000015")
    #expect(NumericDecimal.text(of: -0.0) == "0")
  }
}
