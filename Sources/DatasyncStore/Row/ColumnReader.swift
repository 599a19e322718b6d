import CDatasyncSQLite
import DatasyncModel

/// Why a stored value cannot be read as its column's type. A value.
struct Misfit: Error {
  let description: String
}

/// Reads values as SQLite holds them into the types of their columns.
enum ColumnReader {
  /// Appends a column's value to a row; NULL by appending nothing.
  static func append(
    _ statement: Statement, _ index: Int32, _ plan: FieldPlan, column: @autoclosure () -> Column,
    to encoder: inout RowEncoder
  ) throws(Misfit) {
    if plan.append(statement, index, to: &encoder) { return }
    let column = column()
    encoder.append(try value(statement, index, column: column, form: plan.form), to: column)
  }

  /// - Parameter form: Of a column of a table beside; nil: the value is read as of a table of ours.
  static func value(
    _ statement: Statement, _ index: Int32, column: Column, form: ColumnForm?
  ) throws(Misfit) -> Value {
    guard let form else { return try value(statement, index, column: column) }
    do throws(FormMisfit) {
      return switch statement.type(index) {
      case SQLITE_NULL: .null
      case SQLITE_INTEGER:
        try FormReader.value(integer: statement.int64(index), type: column.type, form: form)
      case SQLITE_FLOAT:
        try FormReader.value(real: statement.double(index), type: column.type, form: form)
      case SQLITE_TEXT:
        try FormReader.value(text: statement.bytes(index), type: column.type, form: form)
      default: try FormReader.value(blob: statement.bytes(index), type: column.type)
      }
    } catch {
      throw Misfit(description: error.description)
    }
  }

  static func value(
    _ statement: Statement, _ index: Int32, column: Column
  ) throws(Misfit) -> Value {
    let storage = statement.type(index)
    if storage == SQLITE_NULL {
      // A row that another program has just inserted; it is adopted as not deleted.
      return column.isSystem && column.number == SystemColumn.deleted.rawValue + 1
        ? .bool(false) : .null
    }
    if storage == SQLITE_FLOAT, column.isSystem, column.number > 1 {
      return try ofRebuiltColumn(statement, index, column)
    }
    switch column.type {
    case .bool:
      guard storage == SQLITE_INTEGER, (0...1).contains(statement.int64(index)) else {
        throw misfit(statement, index, "0 or 1")
      }
      return .bool(statement.int64(index) == 1)
    case .int64:
      guard storage == SQLITE_INTEGER else { throw misfit(statement, index, "an integer") }
      return .int64(statement.int64(index))
    case .double:
      guard storage == SQLITE_FLOAT || storage == SQLITE_INTEGER else {
        throw misfit(statement, index, "a number")
      }
      return .double(try finite(statement.double(index)))
    case .bytes:
      guard storage == SQLITE_BLOB || storage == SQLITE_TEXT else {
        throw misfit(statement, index, "a blob")
      }
      return .bytes(statement.blob(index))
    case .timestamp:
      return .timestamp(try timestamp(statement, index, storage))
    case .decimal(asWritten: false) where storage != SQLITE_TEXT:
      return .string(try decimal(statement, index, storage))
    case .json(asWritten: false) where storage == SQLITE_INTEGER || storage == SQLITE_FLOAT:
      if storage == SQLITE_FLOAT { _ = try finite(statement.double(index)) }
      return .string(statement.text(index))
    case .string, .date, .timeOfDay, .decimal, .uuid, .json, .enumeration:
      guard storage == SQLITE_TEXT else { throw misfit(statement, index, "text") }
      return .string(try text(statement, index, column: column))
    }
  }

  /// A tool that rebuilds a table may write a system column's type as its affinity, REAL.
  private static func ofRebuiltColumn(
    _ statement: Statement, _ index: Int32, _ column: Column
  ) throws(Misfit) -> Value {
    guard let number = Int64(exactly: statement.double(index)) else {
      throw misfit(statement, index, "an integer")
    }
    return switch column.type {
    case .timestamp: .timestamp(try timestamp(number))
    case .bool where (0...1).contains(number): .bool(number == 1)
    case .bool: throw misfit(statement, index, "0 or 1")
    default: .int64(number)
    }
  }

  private static func text(
    _ statement: Statement, _ index: Int32, column: Column
  ) throws(Misfit) -> String {
    let bytes = statement.bytes(index)
    try checkText(bytes)
    let text = String(decoding: bytes, as: UTF8.self)
    // Keys are told apart as they are stored.
    if column.number == 1 || column.type == .string { return text }
    if column.type == .timeOfDay, let micros = CivilTime.timeOfDay(parsing: text) {
      return CivilTime(timestamp: micros).timeText
    }
    do {
      return try CanonicalText.of(text, for: column.type)
    } catch {
      throw Misfit(description: error.description)
    }
  }

  private static func timestamp(
    _ statement: Statement, _ index: Int32, _ storage: Int32
  ) throws(Misfit) -> Int64 {
    if storage == SQLITE_INTEGER { return try timestamp(statement.int64(index)) }
    guard storage == SQLITE_TEXT, let micros = CivilTime.timestamp(parsing: statement.text(index))
    else { throw misfit(statement, index, "microseconds since 1970 or an ISO 8601 time") }
    return micros
  }

  private static func timestamp(_ micros: Int64) throws(Misfit) -> Int64 {
    guard CivilTime.timestampRange.contains(micros) else {
      throw Misfit(
        description:
          "an integer is stored which as microseconds since 1970 is not in the years 0001 to 9999")
    }
    return micros
  }

  private static func decimal(
    _ statement: Statement, _ index: Int32, _ storage: Int32
  ) throws(Misfit) -> String {
    if storage == SQLITE_INTEGER { return String(statement.int64(index)) }
    guard storage == SQLITE_FLOAT, let text = NumericDecimal.text(of: statement.double(index))
    else { throw misfit(statement, index, "a decimal of at most 34 digits") }
    return text
  }

  private static func finite(_ value: Double) throws(Misfit) -> Double {
    guard value.isFinite else { throw Misfit(description: "it is no finite number") }
    return value
  }

  private static func misfit(_ statement: Statement, _ index: Int32, _ wanted: String) -> Misfit {
    let found =
      switch statement.type(index) {
      case SQLITE_INTEGER: "an integer"
      case SQLITE_FLOAT: "a real number"
      case SQLITE_TEXT: "text"
      case SQLITE_BLOB: "a blob"
      default: "NULL"
      }
    return Misfit(description: "\(found) is stored where \(wanted) belongs")
  }

  /// Valid UTF-8 without NUL.
  private static func checkText(_ bytes: UnsafeRawBufferPointer) throws(Misfit) {
    guard !isPlainText(bytes) else { return }
    guard !bytes.contains(0) else { throw Misfit(description: "the text holds a NUL character") }
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw Misfit(description: "the text is not valid UTF-8")
    }
  }

  /// Whether it is ASCII without NUL, judged eight bytes at a time.
  static func isPlainText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var offset = 0
    let count = bytes.count
    while offset + 8 <= count {
      let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      // No high bit, and no byte that borrows: neither beyond ASCII nor zero.
      let hasZero = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
      guard word & 0x8080_8080_8080_8080 == 0, hasZero == 0 else { return false }
      offset += 8
    }
    while offset < count, bytes[offset] < 0x80, bytes[offset] != 0 { offset += 1 }
    return offset == count
  }
}
