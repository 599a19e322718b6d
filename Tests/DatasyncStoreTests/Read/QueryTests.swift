import DatasyncStorage
import Testing

@testable import DatasyncFilter
@testable import DatasyncModel
@testable import DatasyncStore

/// Filters and orders, in the table as it is and as it was.
struct QueryTests {
  let database: TestDatabase
  let store: TestStore

  init() throws {
    database = try TestDatabase(
      """
      CREATE TABLE film (id TEXT PRIMARY KEY, title TEXT, year INTEGER,
        rating TEXT CHECK (rating IN ('PG', 'G', 'R')));
      """)
    store = try database.open()
  }

  private func fill(_ count: Int) throws {
    let ratings = ["PG", "G", "R"]
    for n in 0..<count {
      try store.create(
        "film",
        [
          "id": .string("f\(n)"), "title": .string("Film \(n % 7)"),
          "year": n % 5 == 0 ? .null : .int64(Int64(1990 + n % 11)),
          "rating": .string(ratings[n % 3]),
        ])
    }
  }

  private func pages(_ request: ScanRequest) throws -> [String] {
    var request = request
    var keys: [String] = []
    repeat {
      let page = try store.scan(request)
      keys += page.rows.map(\.key)
      request.after = page.next
    } while request.after != nil
    return keys
  }

  @Test(arguments: ["year desc, title", "rating, year", "title desc", "rating desc, year desc"])
  func `pages under any order give each row once, as one page does`(order: String) throws {
    try fill(60)
    let table = try store.table("film")
    var request = ScanRequest(table: table, limit: 7)
    request.order = try OrderBy(parsing: order, table: table)
    request.filter = try Filter(parsing: "year ne 1995", table: table)
    let paged = try pages(request)
    request.limit = 1000
    #expect(paged == (try store.scan(request).rows.map(\.key)))
    #expect(Set(paged).count == paged.count)
    let counted = request
    #expect(
      try store.read { s throws(DatasyncError) in try s.count(counted) } == UInt64(paged.count))
  }

  @Test func `the past is filtered as the present is`() throws {
    try fill(40)
    let table = try store.table("film")
    var request = ScanRequest(table: table, limit: 1000)
    request.filter = try Filter(parsing: "rating eq 'G' and year ge 1993", table: table)
    let before = try store.scan(request).rows
    #expect(!before.isEmpty)
    let sequence = store.store.head
    // Some leave the filter, some enter it, some go.
    for n in 0..<40 {
      switch n % 4 {
      case 0: try store.update("film", ["id": .string("f\(n)"), "rating": .string("G")])
      case 1: try store.update("film", ["id": .string("f\(n)"), "year": .int64(1900)])
      case 2: try store.delete("film", "f\(n)")
      default: break
      }
    }
    let current = request
    let page = try store.read { s throws(DatasyncError) in
      try s.scan(current, asOf: sequence)
    }
    #expect(page.rows.map(\.image) == before.map(\.image))
    #expect(page.rows.map(\.version) == before.map(\.version))
  }

  @Test func `rows written while paging are neither skipped nor doubled`() throws {
    try fill(60)
    let table = try store.table("film")
    var request = ScanRequest(table: table, limit: 5)
    request.order = try OrderBy(parsing: "year desc", table: table)
    var keys: [String] = []
    var number = 0
    repeat {
      let page = try store.scan(request)
      keys += page.rows.map(\.key)
      request.after = page.next
      number += 1
      try store.create("film", ["id": .string("new\(number)"), "year": .int64(1994)])
    } while request.after != nil
    let old = keys.filter { $0.hasPrefix("f") }
    #expect(Set(old).count == 60)
    #expect(Set(keys).count == keys.count)
  }
}
