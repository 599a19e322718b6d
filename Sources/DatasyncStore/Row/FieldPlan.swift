import CDatasyncSQLite
import DatasyncModel

/// How a column's ordinary values are read; made once a statement, so that a row costs no look at its
/// columns. A value.
struct FieldPlan {
  private enum Kind {
    case int64, text, timestamp, timeText, double, bytes, bool
    /// Every value takes the longer way.
    case other
  }

  private let kind: Kind
  private let number: Int
  /// Whether NULL stands for a value.
  private let isNullAValue: Bool
  /// How the values are stored, of a table beside; nil: as a table of ours would have them, or nearly.
  let form: ColumnForm?

  /// - Parameter storage: Of a column of a table beside.
  init(_ column: Column, storage: ColumnStorage? = nil) {
    number = column.number
    form = storage?.form
    isNullAValue = column.isSystem && column.number == SystemColumn.deleted.rawValue + 1
    kind =
      switch column.type {
      case .int64: .int64
      case .string: .text
      case .timestamp: FieldPlan.kind(ofTimes: storage?.form)
      case .double: .double
      case .bytes: .bytes
      case .bool: .bool
      case .date, .timeOfDay, .decimal, .uuid, .json, .enumeration: .other
      }
  }

  private static func kind(ofTimes form: ColumnForm?) -> Kind {
    switch form {
    case nil, ColumnForm.initial(for: .timestamp): .timestamp
    case .time: .timeText
    default: .other
    }
  }

  /// Appends the value if it is stored as its column's type says and needs no look at its content.
  ///
  /// - Returns: Whether that is done; of NULL, nothing is appended.
  @inline(__always)
  func append(
    _ statement: Statement, _ index: Int32, to encoder: inout RowEncoder
  ) -> Bool {
    switch (kind, statement.type(index)) {
    case (.int64, SQLITE_INTEGER):
      encoder.append(int64: statement.int64(index), number: number)
    case (.text, SQLITE_TEXT):
      let bytes = statement.bytes(index)
      guard ColumnReader.isPlainText(bytes) else { return false }
      encoder.append(bytes: bytes, number: number)
    case (.timestamp, SQLITE_INTEGER):
      let micros = statement.int64(index)
      guard CivilTime.timestampRange.contains(micros) else { return false }
      encoder.append(timestamp: micros, number: number)
    case (.timeText, SQLITE_TEXT):
      guard let micros = TimeScan.moment(statement.bytes(index)) else { return false }
      encoder.append(timestamp: micros, number: number)
    case (.double, SQLITE_FLOAT):
      let value = statement.double(index)
      guard value.isFinite else { return false }
      encoder.append(double: value, number: number)
    case (.bytes, SQLITE_BLOB):
      encoder.append(bytes: statement.bytes(index), number: number)
    case (.bool, SQLITE_INTEGER):
      let value = statement.int64(index)
      guard value == 0 || value == 1 else { return false }
      encoder.append(bool: value == 1, number: number)
    case (_, SQLITE_NULL):
      return !isNullAValue
    default:
      return false
    }
    return true
  }
}
