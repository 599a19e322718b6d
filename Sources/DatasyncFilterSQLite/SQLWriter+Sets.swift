import DatasyncFilter
import DatasyncModel

/// A principal's sets may hold a hundred thousand values, and SQLite binds at most 32,766: those that
/// are too many for a list are one JSON text.
extension SQLWriter {
  /// With the values of a client's filter, well within SQLite's limit.
  private static let maxListed = 256

  /// True exactly where the operand is in the set; false or NULL elsewhere. Without parentheses.
  mutating func memberOf(_ operand: Expression, _ set: MemberSet, _ domain: ComparisonDomain) {
    // Of a set whose values are not known, nothing is said to be.
    guard let values = set.values else { return bind(.null) }
    guard values.count > SQLWriter.maxListed else {
      return membership(operand, values.elements, orNull: false, domain)
    }
    if let column = operand.column, isStoredInOneForm(column) {
      // As it is stored, so that an index serves it.
      unread(column)
      if operand.type.isText { write(" COLLATE BINARY") }
      write(" IN (SELECT value FROM json_each(")
      bind(.string(SetText.json(values, as: { $0.storageValue })))
      write(")) AND ")
      storedColumn(column)
      return write(" IS NOT NULL")
    }
    let isBinary = domain == .decimal || operand.type == .bytes
    write(isBinary ? "hex(" : "(")
    if domain == .decimal {
      call(.decimalKey) { $0.value(operand) }
    } else {
      value(operand)
    }
    // hex() makes an empty text of null, which is no value's but that of an empty blob.
    write(operand.type.isText ? ") COLLATE BINARY IN " : ") IN ")
    write("(SELECT value FROM json_each(")
    bind(.string(SetText.json(values, as: { $0.setValue(domain) })))
    write("))")
    guard isBinary else { return }
    write(" AND ")
    value(operand)
    write(" IS NOT NULL")
  }

  private func isStoredInOneForm(_ column: Int) -> Bool {
    switch table.columns[column].type {
    case .int64, .string, .date, .enumeration: true
    case .bool, .double, .bytes, .timestamp, .timeOfDay, .decimal, .uuid, .json: false
    }
  }
}

/// Writes a set as JSON that `json_each` reads as the same values.
private enum SetText {
  static func json(_ values: OperandSet, as read: (Operand) -> Value) -> String {
    var text = "["
    for (index, element) in values.elements.enumerated() {
      if index > 0 { text += "," }
      switch read(element) {
      case .int64(let value): text += String(value)
      case .double(let value): text += value.description
      case .string(let value): quote(value, into: &text)
      case .null, .bool, .bytes, .timestamp: text += "null"
      }
    }
    return text + "]"
  }

  private static func quote(_ value: String, into text: inout String) {
    text += "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension Operand {
  /// As a large set holds it: what JSON has no form for in hexadecimal digits, as `hex` makes them.
  fileprivate func setValue(_ domain: ComparisonDomain) -> Value {
    switch (domain, self) {
    case (.decimal, .decimal(let value)): .string(Operand.hex(value.sortKey))
    case (.decimal, .int64(let value)): .string(Operand.hex(Decimal(value).sortKey))
    case (_, .bytes(let bytes)): .string(Operand.hex(bytes))
    default: storageValue
    }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
