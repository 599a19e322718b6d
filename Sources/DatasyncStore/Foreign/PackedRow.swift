import DatasyncModel

/// Reads what the capture triggers packed: `1='k',6=12,7=NULL`, in SQLite's `quote()` forms.
struct PackedRow {
  private let bytes: [UInt8]
  private var position = 0

  /// Values by field number, as SQLite held them; NULLs are left out.
  static func values(of text: String) -> [Int: Value] {
    var reader = PackedRow(bytes: Array(text.utf8))
    return reader.read()
  }

  /// Whether the text is nothing but what the triggers pack.
  static func isWhole(_ text: String) -> Bool {
    var reader = PackedRow(bytes: Array(text.utf8))
    return !reader.read().isEmpty && reader.position > reader.bytes.count
  }

  /// `datasync_noted(packed, number)`: one value of a packed row, in SQL.
  static let functionName = "datasync_noted"

  static func register(on connection: Connection) throws(SQLiteFailure) {
    try connection.register(functionName, argumentCount: 2) { arguments in
      guard case .string(let packed) = arguments[0], case .int64(let number) = arguments[1] else {
        return .null
      }
      return values(of: packed)[Int(number)] ?? .null
    }
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private mutating func read() -> [Int: Value] {
    var values: [Int: Value] = [:]
    while position < bytes.count {
      guard let number = Int(take { $0 != UInt8(ascii: "=") }) else { return values }
      position += 1
      let value = literal()
      if !value.isNull { values[number] = value }
      position += 1
    }
    return values
  }

  private mutating func take(while isPart: (UInt8) -> Bool) -> String {
    let start = position
    while position < bytes.count, isPart(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func literal() -> Value {
    guard position < bytes.count else { return .null }
    switch bytes[position] {
    case UInt8(ascii: "'"): return .string(quoted())
    case UInt8(ascii: "X"):
      position += 1
      return .bytes(hex(quoted()))
    default:
      let text = take { $0 != UInt8(ascii: ",") }
      if let integer = Int64(text) { return .int64(integer) }
      if let real = Double(text) { return .double(real) }
      return .null
    }
  }

  private mutating func quoted() -> String {
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
    return String(decoding: content, as: UTF8.self)
  }

  private func hex(_ text: String) -> [UInt8] {
    var result: [UInt8] = []
    var high: UInt8?
    for byte in text.utf8 {
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
