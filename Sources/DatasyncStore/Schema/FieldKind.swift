import DatasyncModel

/// What the field of a column is in its message, as `datasync_columns` remembers it in `present`. A
/// value.
enum FieldKind: Int, Sendable {
  /// There, since before this was remembered.
  case unknown = 1
  case bool = 2
  case int64 = 3
  case double = 4
  case string = 5
  case bytes = 6
  case timestamp = 7

  init(_ type: ColumnType) {
    self =
      switch type {
      case .bool: .bool
      case .int64: .int64
      case .double: .double
      case .string, .date, .timeOfDay, .decimal, .uuid, .json, .enumeration: .string
      case .bytes: .bytes
      case .timestamp: .timestamp
      }
  }
}

extension RawTable {
  /// By column name.
  var fieldKinds: [String: FieldKind] {
    var kinds: [String: FieldKind] = [:]
    for column in columns { kinds[column.name] = FieldKind(declaredType(of: column).type) }
    return kinds
  }

  /// What the column was declared as.
  func declaredType(of column: Column) -> DeclaredType {
    DeclaredType(
      parsing: column.declaredType, enumeration: text.enumerations[column.name.asciiLowercased])
  }
}
