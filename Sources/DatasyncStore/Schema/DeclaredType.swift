import DatasyncModel

/// How SQLite converts what is stored in a column; sqlite.org/datatype3.html §3.1.
enum Affinity: Hashable, Sendable {
  case integer
  case text
  case blob
  case real
  case numeric
}

/// The type that a column was declared with, and what it means. A value.
struct DeclaredType: Sendable {
  let affinity: Affinity
  let type: ColumnType
  /// Whether the declaration says nothing of what the column holds: there is none, or it is ANY.
  let isUntyped: Bool

  /// - Parameter enumeration: The values that a CHECK allows, where there is one.
  init(parsing declaration: String, enumeration: [String]?) {
    let text = declaration.asciiLowercased
    affinity = DeclaredType.affinity(of: text)
    // The words before any length: "varchar(36)" is varchar.
    let words = text.prefix { $0 != "(" }.split(whereSeparator: \.isWhitespace)
    let first = words.first.map(String.init) ?? ""
    type = DeclaredType.type(first, affinity: affinity, enumeration: enumeration)
    isUntyped = (first.isEmpty || text == "any") && enumeration == nil
  }

  private static func type(
    _ word: String, affinity: Affinity, enumeration: [String]?
  ) -> ColumnType {
    switch (word, affinity) {
    case ("decimal", .text), ("numeric", .text): return .decimal(asWritten: true)
    case ("json", .text): return .json(asWritten: true)
    case ("json", .numeric): return .json(asWritten: false)
    case ("uuid", .text), ("uuid", .numeric), ("guid", .numeric): return .uuid
    case ("date", .text), ("date", .numeric): return .date
    case ("time", .text), ("time", .numeric): return .timeOfDay
    case ("bool", .numeric), ("boolean", .numeric): return .bool
    // With any other affinity SQLite would turn the integer into something else.
    case ("timestamp", .numeric), ("datetime", .numeric), ("timestamptz", .numeric):
      return .timestamp
    default: break
    }
    switch affinity {
    case .integer: return .int64
    case .real: return .double
    case .numeric: return enumeration.map { .enumeration($0) } ?? .decimal(asWritten: false)
    case .text: return enumeration.map { .enumeration($0) } ?? .string
    case .blob: return word.isEmpty ? enumeration.map { .enumeration($0) } ?? .bytes : .bytes
    }
  }

  private static func affinity(of text: String) -> Affinity {
    let text = Array(text.utf8)
    func has(_ word: StaticString) -> Bool {
      let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
      guard text.count >= word.count else { return false }
      return (0...text.count - word.count).contains { text[$0...].starts(with: word) }
    }
    if has("int") { return .integer }
    if has("char") || has("clob") || has("text") { return .text }
    if has("blob") || text.isEmpty { return .blob }
    if has("real") || has("floa") || has("doub") { return .real }
    return .numeric
  }
}
