package import DatasyncModel

/// What an expression yields. A value.
package enum ExpressionType: Hashable, Sendable {
  /// Of the literal `null` and what is computed from it alone.
  case null
  case bool
  case int64
  case double
  case decimal
  /// JSON too.
  case string
  case bytes
  case timestamp
  case date
  case timeOfDay
  case uuid
  case enumeration([String])

  /// JSON is taken as text, and both kinds of decimals as one.
  package init(_ type: ColumnType) {
    self =
      switch type {
      case .bool: .bool
      case .int64: .int64
      case .double: .double
      case .string, .json: .string
      case .bytes: .bytes
      case .timestamp: .timestamp
      case .date: .date
      case .timeOfDay: .timeOfDay
      case .decimal: .decimal
      case .uuid: .uuid
      case .enumeration(let values): .enumeration(values)
      }
  }

  /// Null is none, though arithmetic takes it.
  package var isNumber: Bool { self == .int64 || self == .double || self == .decimal }

  package var isEnumeration: Bool {
    if case .enumeration = self { return true }
    return false
  }

  /// How its values are read.
  package var operandKind: OperandKind {
    switch self {
    case .null: .dynamic
    case .bool: .bool
    case .int64: .int64
    case .double: .double
    case .decimal: .decimal
    case .string, .date, .timeOfDay, .uuid, .enumeration: .string
    case .bytes: .bytes
    case .timestamp: .timestamp
    }
  }

  /// As messages call it.
  package var name: String {
    switch self {
    case .null: "null"
    case .bool: "Edm.Boolean"
    case .int64: "Edm.Int64"
    case .double: "Edm.Double"
    case .decimal: "Edm.Decimal"
    case .string: "Edm.String"
    case .bytes: "Edm.Binary"
    case .timestamp: "Edm.DateTimeOffset"
    case .date: "Edm.Date"
    case .timeOfDay: "Edm.TimeOfDay"
    case .uuid: "Edm.Guid"
    case .enumeration: "an enumeration"
    }
  }
}
