import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncStorage
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// Rows in SQLite's loose types, as other programs write them: what a query finds in them is what the
/// evaluator finds in the rows that the log holds of them.
struct LooseAgreementTests {
  /// A column, what it may come to hold, and filters that read it, as `{}`.
  struct Case: Sendable, CustomTestStringConvertible {
    let column: String
    let stored: [String]
    let filters: [String]

    var testDescription: String { column }
  }

  private static let comparisons = ["eq", "ne", "gt", "ge", "lt", "le"]

  private static func compared(_ constants: String...) -> [String] {
    constants.flatMap { constant in
      comparisons.flatMap { ["{} \($0) \(constant)", "not ({} \($0) \(constant))"] }
    }
  }

  /// No column of text holds these: a blob, no UTF-8, a NUL.
  private static let noText = ["x'61'", "CAST(x'ff61' AS TEXT)", "'a' || char(0) || 'b'", "x''"]

  static let cases = [
    Case(
      column: "flag",
      stored: [
        "0", "1", "'1'", "'0'", "1.0", "'true'", "'false'", "2", "-1", "0.5", "NULL", "'1e0'",
        "x'31'",
      ],
      filters: compared("true", "false") + [
        "{}", "not {}", "{} and n eq 1", "not ({} and n eq 1)", "{} or n eq 2", "not not {}",
        "{} in (true)", "{} in (true, null)", "not ({} in (false))", "({} eq true) eq (n eq 1)",
        "cast({}, Edm.String) eq 'true'", "{} eq (n eq 1)",
      ]),
    Case(
      column: "whole",
      stored: [
        "0", "5", "'5'", "' 5 '", "5.0", "'5.0'", "1.5", "'1.5'", "'abc'", "''", "1e300", "'0x10'",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "NULL", "x'35'",
        "'5e0'",
      ],
      filters: compared("5", "1.5", "1.5e0", "1e300", "0", "9223372036854775807", "2.5M") + [
        "{} in (1.5e0)", "{} in (-9223372036854775808e0)", "{} eq -9223372036854775808e0",
        "{} in (5e0) and cast({}, Edm.String) eq '5'", "{} eq 5e0 and cast({}, Edm.String) eq '5'",
        "{} in (1.5e0, 5)", "not ({} in (1.5e0, 5))", "{} in (1e300, null)",
        "{} in (5, 0)", "{} in (5, null)", "{} add 1 eq 6", "{} mul 2.0 gt 1", "{} div 2 eq 2",
        "cast({}, Edm.String) eq '5'", "{} mod 2 eq 1", "-{} lt 0", "{} eq n", "{} gt n",
        "cast({}, Edm.Double) lt 2",
      ]),
    Case(
      column: "ratio",
      stored: [
        "0", "1.5", "'1.5'", "'abc'", "''", "9e999", "-9e999", "1e308", "5", "'5'", "NULL",
        "x'31'", "'inf'", "'0x1p3'",
      ],
      filters: compared("1.5", "5", "0", "1e300", "2.5M") + [
        "{} in (1.5, 5)", "{} add 1 gt 2", "floor({}) eq 1", "cast({}, Edm.String) eq '5'",
        "{} eq n", "{} gt n", "cast({}, Edm.Int64) eq 1",
      ]),
    Case(
      column: "words",
      stored: ["''", "'a'", "'b'", "12", "1.5", "NULL"] + noText,
      filters: compared("'a'", "''", "'12'") + [
        "{} in ('a', '12')", "contains({}, 'a')", "length({}) ge 0", "concat({}, 'x') eq 'ax'",
        "tolower({}) eq 'a'", "cast({}, Edm.Int64) eq 12", "{} ge cast(n, Edm.String)",
        "indexof({}, 'b') eq -1", "substring({}, 0, 1) eq 'a'",
      ]),
    Case(
      column: "blob",
      stored: ["x''", "x'61'", "'a'", "''", "5", "1.5", "NULL", "CAST(x'ff61' AS TEXT)"],
      filters: compared("X'61'", "X''") + ["{} in (X'61', X'ff61')", "not ({} in (X''))"]),
    Case(
      column: "moment",
      stored: [
        "0", "1700000000123456", "'2023-11-14T22:13:20.123456Z'", "'2023-11-14 22:13:20'",
        "'2023-11-15T00:13:20+02:00'", "'1970-01-01'", "'yesterday'", "''", "2460000.5",
        "9223372036854775807", "-9223372036854775808", "NULL", "x'30'", "1.5",
        "'2023-11-14T22:13:20.5'", "'1700000000123456'",
      ],
      filters: compared(
        "1970-01-01T00:00:00Z", "2023-11-14T22:13:20.123456Z", "2023-11-14T22:13:20Z", "2023-11-14",
        "0001-01-01"
      ) + [
        "year({}) eq 2023", "date({}) eq 1970-01-01", "{} in (1970-01-01, 2023-11-14T22:13:20Z)",
        "time({}) gt 01:00", "cast({}, Edm.String) ne 'x'", "second({}) eq 20",
      ]),
    Case(
      column: "day",
      stored: [
        "'2024-02-29'", "'2024-2-29'", "'2024-02-30'", "'yesterday'", "2024", "20240229", "''",
        "'2024-02-29T00:00:00Z'", "'2024-02-29 00:00'", "NULL", "x'61'", "'9999-12-31'",
      ],
      filters: compared("2024-02-29", "2000-01-01", "9999-12-31") + [
        "year({}) eq 2024", "day({}) ge 29", "{} in (2024-02-29)", "cast({}, Edm.String) ge '2'",
        "{} gt 2024-02-28T12:00:00Z",
      ]),
    Case(
      column: "clock",
      stored: [
        "'02:14'", "'02:14:00'", "'02:14:00.000'", "'02:14:0'", "'02:14:00.5'", "'noon'", "'25:00'",
        "2", "''", "NULL", "x'61'", "'23:59:59.999999'", "'02:14:00.0000000'",
      ],
      filters: compared("02:14", "02:14:00.5", "00:00", "23:59:59") + [
        "hour({}) eq 2", "{} in (02:14, 12:00)", "second({}) eq 0", "cast({}, Edm.String) gt '02'",
      ]),
    Case(
      column: "exact",
      stored: [
        "'5'", "'5.00'", "'1e1'", "'01'", "'-0'", "'.5'", "'cheap'", "''", "5", "5.5", "NULL",
        "'12345678901234567890123456789012345'", "x'35'",
      ],
      filters: compared("5", "5.5M", "0M", "1e0", "10") + [
        "{} add 1 gt 2", "{} in (5, 10)", "round({}) eq 5", "cast({}, Edm.String) eq '5'",
        "-{} lt 0", "{} mul 2.0 eq 10", "{} eq n",
      ]),
    Case(
      column: "price",
      stored: [
        "'5'", "'5.00'", "'1e1'", "'01'", "'cheap'", "''", "5.5", "1e300", "0.1", "1e-7", "NULL",
        "9e999", "x'35'", "123456789012345678",
      ],
      filters: compared("5", "5.5M", "0M", "1e0", "10") + [
        "{} add 1 gt 2", "{} in (5, 10)", "floor({}) eq 5", "cast({}, Edm.String) eq '5'",
        "{} mul 2.0 eq 10", "{} eq n",
      ]),
    Case(
      column: "code",
      stored: [
        "'123e4567-e89b-12d3-a456-426614174000'", "'123E4567-E89B-12D3-A456-426614174000'",
        "'123E4567-e89b-12D3-a456-426614174000'", "'123e4567-E89b-12d3-A456-426614174000'",
        "'123e4567e89b12d3a456426614174000'", "'{123e4567-e89b-12d3-a456-426614174000}'",
        "'ffffffff-FFFF-ffff-ffff-ffffffffffff'", "'00000000-0000-0000-0000-000000000000'", "''",
        "5", "NULL", "x'61'", "'123e4567-e89b-12d3-a456-426614174000 '",
      ],
      filters: compared(
        "123e4567-e89b-12d3-a456-426614174000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "00000000-0000-0000-0000-000000000000", "'123E4567-E89B-12D3-A456-426614174000'"
      ) + [
        "{} in (123e4567-e89b-12d3-a456-426614174000, ffffffff-ffff-ffff-ffff-ffffffffffff)",
        "{} in (123e4567-e89b-12d3-a456-426614174000, null)",
        "cast({}, Edm.String) eq '123e4567-e89b-12d3-a456-426614174000'",
      ]),
    Case(
      column: "doc",
      stored: ["'{}'", "'[1'", "''", "5", "'5'", "'null'", "NULL", "x'7b7d'", "'{\"a\": 1}'"],
      filters: compared("'{}'", "'5'", "'[1'", "''") + [
        "contains({}, '1')", "length({}) eq 2", "{} in ('{}', '[1')",
      ]),
    Case(
      column: "loose",
      stored: [
        "'{}'", "'[1'", "''", "5", "'5'", "5.50", "9e999", "'null'", "NULL", "x'7b7d'", "'1e400'",
      ],
      filters: compared("'{}'", "'5'", "'5.5'", "'[1'", "''") + [
        "contains({}, '1')", "length({}) eq 2", "{} in ('{}', '5', '[1')",
      ]),
    Case(
      column: "grade",
      stored: ["'low'", "'high'", "'LOW'", "'none'", "''", "5", "NULL", "x'6c6f77'"],
      filters: compared("'low'", "'high'") + [
        "{} in ('low')", "{} in ('high', null)", "not ({} in ('low'))",
        "cast({}, Edm.String) eq 'none'", "cast({}, Edm.String) ne 'low'",
      ]),
  ]

  let database: TestDatabase
  let store: TestStore

  init() throws {
    database = try TestDatabase(
      """
      CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER, flag BOOLEAN, whole INTEGER, ratio REAL,
        words TEXT COLLATE NOCASE, blob BLOB, moment TIMESTAMP, day DATE, clock TIME,
        exact DECIMAL TEXT, price DECIMAL, code UUID, doc JSON TEXT, loose JSON,
        grade TEXT CHECK (grade IN ('low', 'high')));
      """)
    store = try database.open()
  }

  @Test(arguments: cases)
  func `queries and events judge what others stored alike`(_ tried: Case) throws {
    var sql = "PRAGMA ignore_check_constraints = ON; BEGIN;"
    for (index, value) in tried.stored.enumerated() {
      sql +=
        "INSERT INTO t (id, n, \(tried.column)) VALUES ('r\(index)', \(index % 6), \(value));"
    }
    try database.run(sql + "COMMIT;")
    let table = try store.table("t")
    let images = try imagesInLog(table)
    #expect(images.count == tried.stored.count)
    for text in tried.filters.map({ $0.replacing("{}", with: tried.column) }) {
      let filter = try Filter(parsing: text, table: table)
      let expected = try images.filter {
        try filter.matches(RowDecoder.values(of: $0.value, table: table))
      }
      var request = ScanRequest(table: table, limit: 100)
      request.filter = filter
      let page = try store.scan(request)
      let found = page.rows.map(\.key) + page.unreadable.compactMap { $0.error.metadata["id"] }
      let differing = Set(found).symmetricDifference(expected.keys).map { id in
        "\(id): \(tried.stored[Int(id.dropFirst()) ?? 0])"
      }
      #expect(differing.isEmpty, "\(text): \(filter.sql.text)")
      #expect(found.count == Set(found).count)
    }
  }

  /// In whatever order, the pages end and show every row once, or tell of it.
  @Test(arguments: cases)
  func `pages go past what others stored`(_ tried: Case) throws {
    var sql = "PRAGMA ignore_check_constraints = ON; BEGIN;"
    for (index, value) in (tried.stored + tried.stored).enumerated() {
      sql += "INSERT INTO t (id, n, \(tried.column)) VALUES ('r\(index)', 1, \(value));"
    }
    try database.run(sql + "COMMIT;")
    // Once it is adopted, the form of the column is known.
    _ = try store.get("t", "r0")
    let table = try store.table("t")
    for text in [tried.column, "\(tried.column) desc", "n, \(tried.column) desc"] {
      for limit in 1...3 {
        var request = ScanRequest(table: table, limit: limit)
        request.order = try OrderBy(parsing: text, table: table)
        var found: [String] = []
        repeat {
          let page = try store.scan(request)
          found += page.rows.map(\.key) + page.unreadable.compactMap { $0.error.metadata["id"] }
          request.after = page.next
        } while request.after != nil && found.count <= 2 * tried.stored.count
        #expect(found.count == 2 * tried.stored.count, "\(text), \(limit) a page")
        #expect(Set(found).count == 2 * tried.stored.count, "\(text), \(limit) a page")
      }
    }
  }

  /// The rows as events have them, by key.
  private func imagesInLog(_ table: Table) throws -> [String: RowImage] {
    var images: [String: RowImage] = [:]
    // A read waits until what others wrote is in the log.
    for commit in try store.log() {
      for change in commit.changes where change.tableID == table.id {
        images[change.key] = change.after
      }
    }
    return images
  }
}
