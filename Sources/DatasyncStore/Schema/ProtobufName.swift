import DatasyncModel

/// Names as protobuf wants them.
enum ProtobufName {
  /// Whether a column's name can be a field's: a letter or underscore, then those and digits.
  static func isIdentifier(_ name: String) -> Bool { FieldNames.isIdentifier(name) }

  /// `todo_items` → `TodoItems`; what protobuf cannot spell is left out.
  static func messageName(of table: String, id: Int) -> String {
    var result = ""
    var startsWord = true
    for byte in table.utf8 {
      guard isLetter(byte) || isDigit(byte) else {
        startsWord = true
        continue
      }
      let isLower = (0x61...0x7A).contains(byte)
      result.unicodeScalars.append(Unicode.Scalar(startsWord && isLower ? byte - 0x20 : byte))
      startsWord = false
    }
    guard let first = result.utf8.first else { return "Table\(id)" }
    return isDigit(first) ? "T\(result)" : result
  }

  /// The names that a table's message brings with it.
  static func family(of message: String) -> [String] {
    ["", "Page", "Replace", "Update", "Event", "Table"].map { message + $0 }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte)
  }
}
