import CDatasyncSQLite
import DatasyncModel

/// A row's key as the database compares it. A value.
enum RowKey: Hashable, Sendable {
  case integer(Int64)
  case text(String)

  /// - Throws: INVALID_ARGUMENT where an INTEGER key is no number.
  init(_ text: String, table: Table) throws(DatasyncError) {
    guard table.hasIntegerKey else {
      self = .text(text)
      return
    }
    guard let number = Int64(text), String(number) == text else {
      throw .integerKeyExpected(text, field: table.key.name, table: table)
    }
    self = .integer(number)
  }

  /// The key that a statement's column holds; nil where it is none by which a row could be named: NULL,
  /// empty, of another type than the column's, or text that is none.
  init?(stored statement: Statement, _ index: Int32, table: Table) {
    guard RowKey.isStored(statement, index, table: table) else { return nil }
    self =
      table.hasIntegerKey
      ? .integer(statement.int64(index))
      : .text(String(decoding: statement.bytes(index), as: UTF8.self))
  }

  /// Whether ``init(stored:_:table:)`` finds a key; costs no look at ASCII but the one.
  static func isStored(_ statement: Statement, _ index: Int32, table: Table) -> Bool {
    guard !table.hasIntegerKey else { return statement.type(index) == SQLITE_INTEGER }
    guard statement.type(index) == SQLITE_TEXT else { return false }
    let bytes = statement.bytes(index)
    guard !bytes.isEmpty else { return false }
    if ColumnReader.isPlainText(bytes) { return true }
    return !bytes.contains(0) && String(utf8: bytes) != nil
  }

  var value: Value {
    switch self {
    case .integer(let number): .int64(number)
    case .text(let text): .string(text)
    }
  }

  var description: String {
    switch self {
    case .integer(let number): String(number)
    case .text(let text): text
    }
  }

  /// SQLite's order: integers as numbers, text by its bytes.
  static func precedes(_ left: RowKey, _ right: RowKey) -> Bool {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): left < right
    case (.text(let left), .text(let right)):
      left.utf8.lexicographicallyPrecedes(right.utf8)
    case (.integer, .text): true
    case (.text, .integer): false
    }
  }
}
