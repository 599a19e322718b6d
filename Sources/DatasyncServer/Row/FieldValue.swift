import DatasyncModel

/// The value of one field of a row. A value.
public enum FieldValue: Hashable, Sendable {
  /// SQL's NULL: the field is absent from the row's message.
  case null
  case bool(Bool)
  case int64(Int64)
  case double(Double)
  /// Also dates, times, decimals, UUIDs and JSON, in the form that clients see.
  case string(String)
  case bytes([UInt8])
  /// Microseconds since 1970 UTC.
  case timestamp(microseconds: Int64)

  init(_ value: Value) {
    self =
      switch value {
      case .null: .null
      case .bool(let value): .bool(value)
      case .int64(let value): .int64(value)
      case .double(let value): .double(value)
      case .string(let value): .string(value)
      case .bytes(let value): .bytes(value)
      case .timestamp(let value): .timestamp(microseconds: value)
      }
  }

  var value: Value {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int64(let value): .int64(value)
    case .double(let value): .double(value)
    case .string(let value): .string(value)
    case .bytes(let value): .bytes(value)
    case .timestamp(let value): .timestamp(value)
    }
  }

  /// The text of a string; nil of everything else.
  public var text: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The number of an integer; nil of everything else.
  public var integer: Int64? {
    if case .int64(let number) = self { number } else { nil }
  }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
  /// A text.
  public init(stringLiteral text: String) { self = .string(text) }
  /// An integer.
  public init(integerLiteral number: Int64) { self = .int64(number) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A double.
  public init(floatLiteral number: Double) { self = .double(number) }
  /// NULL.
  public init(nilLiteral: ()) { self = .null }
}
