import DatasyncModel

/// Reads what the capture triggers packed: `1='k',6=12,7=NULL`, in SQLite's `quote()` forms; a text with
/// a NUL once more as its bytes, `8='ab'T616200`.
struct PackedRow {
  private let bytes: [UInt8]
  private var position = 0

  /// Values by field number, as SQLite held them; NULLs are left out.
  static func values(of packed: [UInt8]) -> [Int: StoredValue] {
    var reader = PackedRow(bytes: packed)
    return reader.read()
  }

  /// Whether the text is nothing but what the triggers pack.
  static func isWhole(_ packed: [UInt8]) -> Bool {
    var reader = PackedRow(bytes: packed)
    return !reader.read().isEmpty && reader.position > reader.bytes.count
  }

  /// `datasync_noted(packed, number)`: one value of a packed row, in SQL.
  static let functionName = "datasync_noted"

  static func register(on connection: Connection) throws(SQLiteFailure) {
    try connection.register(functionName, argumentCount: 2) { arguments in
      guard case .string(let packed) = arguments[0], case .int64(let number) = arguments[1] else {
        return .null
      }
      switch values(of: Array(packed.utf8))[Int(number)] {
      case .integer(let number): return .int64(number)
      case .real(let number): return .double(number)
      case .text(let bytes): return .string(String(decoding: bytes, as: UTF8.self))
      case .blob(let bytes): return .bytes(bytes)
      case .null, nil: return .null
      }
    }
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func read() -> [Int: StoredValue] {
    var values: [Int: StoredValue] = [:]
    while position < bytes.count {
      guard let number = Int(take { $0 != UInt8(ascii: "=") }) else { return values }
      position += 1
      let value = literal()
      if value != .null { values[number] = value }
      position += 1
    }
    return values
  }

  private mutating func take(while isPart: (UInt8) -> Bool) -> String {
    let start = position
    while position < bytes.count, isPart(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func literal() -> StoredValue {
    guard position < bytes.count else { return .null }
    switch bytes[position] {
    case UInt8(ascii: "'"):
      let text = quoted()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "T") else { return .text(text) }
      position += 1
      return .text(hex(Array(take { $0 != UInt8(ascii: ",") }.utf8)))
    case UInt8(ascii: "X"):
      position += 1
      return .blob(hex(quoted()))
    default:
      let text = take { $0 != UInt8(ascii: ",") }
      if let integer = Int64(text) { return .integer(integer) }
      if let real = Double(text) { return .real(real) }
      return .null
    }
  }

  private mutating func quoted() -> [UInt8] {
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "'") {
        position += 1
        guard position < bytes.count, bytes[position] == UInt8(ascii: "'") else { break }
      }
      content.append(bytes[position])
      position += 1
    }
    return content
  }

  private func hex(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var high: UInt8?
    for byte in text {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { continue }
      if let first = high {
        result.append(first << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
    }
    return result
  }
}
