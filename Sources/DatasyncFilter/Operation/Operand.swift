package import DatasyncModel

/// A value while an expression is evaluated; what the column types hold, made ready to compute with.
/// A value.
///
/// Dates, times of day, UUIDs, JSON and enum values are `string`s in canonical form.
package enum Operand: Hashable, Sendable {
  case null
  case bool(Bool)
  case int64(Int64)
  case double(Double)
  case decimal(Decimal)
  case string(String)
  case bytes([UInt8])
  /// Microseconds since 1970 UTC.
  case timestamp(Int64)

  package var isNull: Bool {
    if case .null = self { return true }
    return false
  }

  /// The order of two values of comparable types.
  ///
  /// - Returns: Below 0, 0 or above 0; two nulls are equal; nil where one is null. Integers and
  ///   doubles compare exactly, text and bytes by byte.
  package static func compare(_ left: Operand, _ right: Operand) -> Int? {
    switch (left, right) {
    case (.null, .null): 0
    case (.bool(let left), .bool(let right)): left == right ? 0 : right ? -1 : 1
    case (.int64(let left), .int64(let right)): order(left, right)
    case (.double(let left), .double(let right)): order(left, right)
    case (.int64(let left), .double(let right)): exactOrder(left, right)
    case (.double(let left), .int64(let right)): -exactOrder(right, left)
    case (.decimal(let left), .decimal(let right)): left.compare(right)
    case (.decimal(let left), .int64(let right)): left.compare(Decimal(right))
    case (.int64(let left), .decimal(let right)): Decimal(left).compare(right)
    case (.string(let left), .string(let right)): TextOrder.compare(left, right)
    case (.bytes(let left), .bytes(let right)): TextOrder.compare(left, right)
    case (.timestamp(let left), .timestamp(let right)): order(left, right)
    case (.null, _), (.bool, _), (.int64, _), (.double, _), (.decimal, _), (.string, _),
      (.bytes, _), (.timestamp, _):
      nil
    }
  }

  /// -1, 0 or 1. NaN on either side gives 1: keep it out.
  @inline(__always)
  package static func order<T: Comparable>(_ left: T, _ right: T) -> Int {
    left == right ? 0 : left < right ? -1 : 1
  }

  /// The order of an integer and a double, without rounding either.
  package static func exactOrder(_ left: Int64, _ right: Double) -> Int {
    if right >= 0x1p63 { return -1 }
    if right < -0x1p63 { return 1 }
    let whole = right.rounded(.towardZero)
    let truncated = Int64(whole)
    return left != truncated ? order(left, truncated) : order(whole, right)
  }
}

/// What an operation takes, and so how an argument of SQLite is to be read: its dynamic type alone
/// does not say whether an integer is a moment or whether a text is a number.
package enum OperandKind: Sendable {
  case bool
  case int64
  case double
  case decimal
  case string
  case bytes
  case timestamp
  /// Whatever SQLite says that it is.
  case dynamic

  /// Reads a value, from a row of ours or from SQLite; what does not fit the kind is null.
  ///
  /// Tables hold what other programs put there: moments as ISO 8601 text, decimals as numbers.
  package func read(_ value: Value) -> Operand {
    switch (self, value) {
    case (.bool, .bool(let value)): .bool(value)
    case (.bool, .int64(let value)): value == 0 || value == 1 ? .bool(value == 1) : .null
    case (.int64, .int64(let value)): .int64(value)
    case (.double, .double(let value)): value.isFinite ? .double(value) : .null
    case (.double, .int64(let value)): .double(Double(value))
    case (.double, .string(let value)), (.decimal, .string(let value)):
      Decimal(value).map { .decimal($0) } ?? .null
    case (.decimal, .int64(let value)): .decimal(Decimal(value))
    case (.decimal, .double(let value)): Decimal(shortest: value).map { .decimal($0) } ?? .null
    case (.string, .string(let value)): .string(value)
    case (.bytes, .bytes(let value)): .bytes(value)
    case (.timestamp, .timestamp(let value)): .timestamp(value)
    case (.timestamp, .int64(let value)):
      CivilTime.timestampRange.contains(value) ? .timestamp(value) : .null
    case (.timestamp, .string(let value)):
      CivilTime.timestamp(parsing: value).map { .timestamp($0) } ?? .null
    case (.dynamic, .bool(let value)): .bool(value)
    case (.dynamic, .int64(let value)): .int64(value)
    case (.dynamic, .double(let value)): value.isNaN ? .null : .double(value)
    case (.dynamic, .string(let value)): .string(value)
    case (.dynamic, .bytes(let value)): .bytes(value)
    case (.dynamic, .timestamp(let value)): .timestamp(value)
    case (.bool, _), (.int64, _), (.double, _), (.decimal, _), (.string, _), (.bytes, _),
      (.timestamp, _), (.dynamic, .null):
      .null
    }
  }
}

extension Operand {
  /// As it is bound to a statement or handed back to SQLite: decimals are text.
  package var value: Value {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int64(let value): .int64(value)
    case .double(let value): .double(value)
    case .decimal(let value): .string(value.text)
    case .string(let value): .string(value)
    case .bytes(let value): .bytes(value)
    case .timestamp(let value): .timestamp(value)
    }
  }

  /// As a function of ours answers SQLite: the storage classes and nothing else.
  package var storageValue: Value {
    switch self {
    case .bool(let value): .int64(value ? 1 : 0)
    case .timestamp(let value): .int64(value)
    case .null, .int64, .double, .decimal, .string, .bytes: value
    }
  }
}
