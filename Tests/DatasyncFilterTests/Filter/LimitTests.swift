import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct LimitTests {
  private func error(_ text: String) -> DatasyncError? {
    do {
      _ = try Filter(parsing: text, table: Sample.table)
      return nil
    } catch {
      return error
    }
  }

  @Test func `8,192 characters are parsed and one more is not`() {
    // A character of four bytes counts once.
    let text = "title eq '" + String(repeating: "\u{1F600}", count: 8192 - 11) + "'"
    #expect(text.unicodeScalars.count == 8192)
    #expect(error(text) == nil)
    let longer = error(text + " ")
    #expect(longer?.metadata["position"] == "8193")
    #expect(longer?.message.contains("at most 8192") == true)
  }

  @Test(arguments: [("(", "done", ")"), ("not ", "done", ""), ("not (", "done", ")")])
  func `64 levels are parsed and one more is not`(_ open: String, _ core: String, _ close: String) {
    let perLevel = open == "not (" ? 2 : 1
    let count = 63 / perLevel
    func nested(_ count: Int) -> String {
      String(repeating: open, count: count) + core + String(repeating: close, count: count)
    }
    #expect(error(nested(count)) == nil)
    let deeper = error(nested(count + 1))
    #expect(deeper?.reason == "BAD_FILTER")
    #expect(deeper?.message.contains("more than 64 levels") == true)
  }

  @Test func `a chain of additions has as many levels as operators, one of ands has one`() {
    // The comparison, the additions and the operand at the bottom: 64 levels.
    let sum = "count" + String(repeating: " add 1", count: 62)
    #expect(error("\(sum) gt 0") == nil)
    #expect(error("\(sum) add 1 gt 0")?.message.contains("64 levels") == true)
    #expect(error(Array(repeating: "done", count: 500).joined(separator: " and ")) == nil)
  }

  @Test func `1,024 nodes are parsed and one more is not`() {
    // 512 operands and 511 operators between them, and a not.
    let chain = "not " + Array(repeating: "done", count: 512).joined(separator: " or ")
    #expect(error(chain) == nil)
    let longer = error("\(chain) or done")
    #expect(longer?.message.contains("more than 1024") == true)
    let list = "count in (\((0..<1022).map(String.init).joined(separator: ",")))"
    #expect(error(list) == nil)
    #expect(error(String(list.dropLast()) + ",0)")?.message.contains("more than 1024") == true)
  }

  @Test func `limits are the caller's`() throws {
    var limits = FilterLimits()
    limits.maxNodes = 3
    limits.maxDepth = 2
    limits.maxLength = 12
    _ = try Filter(parsing: "count eq 123", table: Sample.table, limits: limits)
    for text in ["count eq 1234", "not (done)", "done or done and done"] {
      #expect(throws: DatasyncError.self) {
        try Filter(parsing: text, table: Sample.table, limits: limits)
      }
    }
  }

  /// SQLite allows trees of 1,000 levels and a chain is a tree: ours are cut up.
  @Test func `the largest filters run in SQLite`() throws {
    let row = Sample.row(["done": .bool(true), "count": .int64(1021)])
    #expect(
      try Sample.judge(Array(repeating: "done", count: 512).joined(separator: " and "), row))
    #expect(
      try !Sample.judge(Array(repeating: "deleted", count: 512).joined(separator: " or "), row))
    #expect(
      try Sample.judge("count in (\((0..<1022).map(String.init).joined(separator: ",")))", row))
    #expect(
      try Sample.judge(
        "amount in (\((0..<1000).map { "\($0).5" }.joined(separator: ",")), null)", row))
    let sum = "count" + String(repeating: " add 1", count: 62)
    #expect(try Sample.judge("\(sum) eq 1083", row))
    let nots = String(repeating: "not ", count: 62)
    #expect(try Sample.judge("\(nots)done", row))
    // Each level compares conditions, which must not be written twice a level.
    var text = "done ge true"
    for _ in 0..<30 { text = "(\(text)) ge done" }
    let sql = try Filter(parsing: text, table: Sample.table).sql
    #expect(sql.text.utf8.count < 8192)
    #expect(try Sample.judge(text, row))
  }

  @Test func `the deepest filter needs less than 512 KiB of stack`() throws {
    let outcome = try SmallStack.run {
      let deep = String(repeating: "(", count: 63) + "done" + String(repeating: ")", count: 63)
      let calls =
        String(repeating: "tolower(", count: 61) + "title" + String(repeating: ")", count: 61)
      let mixed =
        String(repeating: "not (done and ", count: 20) + "done" + String(repeating: ")", count: 20)
      let rounds =
        String(repeating: "floor(", count: 61) + "price" + String(repeating: ")", count: 61)
      let casts =
        String(repeating: "cast(", count: 61) + "title"
        + String(repeating: ", Edm.String)", count: 61)
      let compared =
        String(repeating: "(", count: 31) + "done" + String(repeating: ") eq done", count: 31)
      let signs = String(repeating: "-", count: 61) + " count gt 0"
      for text in [
        deep, "\(calls) eq 'x'", mixed, "\(rounds) gt 1", "\(casts) eq 'x'", signs, compared,
      ] {
        guard let filter = try? Filter(parsing: text, table: Sample.table) else { return false }
        _ = try? filter.matches(Sample.row(["title": .string("X"), "done": .bool(true)]))
        _ = filter.sql
      }
      return true
    }
    #expect(outcome)
  }
}

/// Runs a closure on a thread with a stack of 512 KiB.
private enum SmallStack {
  struct Failure: Error {}

  private final class Box {
    let body: () -> Bool
    var result = false

    init(_ body: @escaping () -> Bool) {
      self.body = body
    }
  }

  static func run(_ body: @escaping () -> Bool) throws -> Bool {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0,
      pthread_attr_setstacksize(&attributes, 512 * 1024) == 0
    else { throw Failure() }
    let box = Box(body)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument {
          let box = Unmanaged<Box>.fromOpaque(argument).takeUnretainedValue()
          box.result = box.body()
        }
        return nil
      }, Unmanaged.passUnretained(box).toOpaque())
    guard code == 0 else { throw Failure() }
    pthread_join(thread, nil)
    return box.result
  }
}
