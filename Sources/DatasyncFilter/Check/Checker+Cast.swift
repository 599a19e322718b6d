import DatasyncModel

extension Checker {
  /// `cast(x, Edm.T)`; a value that the type cannot hold becomes null.
  func cast(_ call: Call) throws(ParseFault) -> Expression {
    try checkCount(call, 2)
    let argument = try expression(call.arguments[0])
    let target = try CastTarget(naming: call.arguments[1])
    if argument.type == .null {
      return Expression(kind: .literal(.null), type: target.type, position: call.position)
    }
    guard let converted = convert(argument, to: target.type, at: call.position) else {
      throw ParseFault(
        at: argument.position,
        "found a value of type \(argument.type.name), which no cast makes \(target.name)")
    }
    return narrow(converted, to: target, at: call.position)
  }

  private func narrow(
    _ expression: Expression, to target: CastTarget, at position: Int
  ) -> Expression {
    if target.name == "Edm.Single" {
      return call(.single, [expression], as: .double, at: position)
    }
    guard let range = target.range else { return expression }
    let bounds = [range.lowerBound, range.upperBound].map { bound in
      Expression(kind: .literal(.int64(bound)), type: .int64, position: position)
    }
    return call(.within, [expression] + bounds, as: .int64, at: position)
  }

  /// nil where there is no such conversion.
  private func convert(
    _ argument: Expression, to type: ExpressionType, at position: Int
  ) -> Expression? {
    if argument.type == type, argument.column == nil || type != .string { return argument }
    guard let operation = Checker.conversion(from: argument.type, to: type) else { return nil }
    return call(operation, [argument], as: type, at: position)
  }

  private static func conversion(from: ExpressionType, to: ExpressionType) -> Operation? {
    switch (from, to) {
    case (.string, .string), (.date, .string), (.timeOfDay, .string), (.uuid, .string),
      (.enumeration, .string):
      .text_
    case (.bool, .string): .textOfBool
    case (.int64, .string): .textOfInt
    case (.double, .string): .textOfDouble
    case (.decimal, .string): .textOfDecimal
    case (.timestamp, .string): .textOfTimestamp
    case (.string, .bool): .boolOfText
    case (.string, .int64): .intOfText
    case (.string, .double): .doubleOfText
    case (.string, .decimal): .decimalOfText
    case (.string, .timestamp): .timestampOfText
    case (.string, .date): .dateOfText
    case (.string, .timeOfDay): .timeOfText
    case (.string, .uuid): .uuidOfText
    case (.double, .int64): .intOfDouble
    case (.decimal, .int64): .intOfDecimal
    case (.int64, .double), (.decimal, .double): .double
    case (.int64, .decimal): .decimal
    case (.double, .decimal): .decimalOfDouble
    case (.timestamp, .date): .date
    case (.timestamp, .timeOfDay): .time
    case (.date, .timestamp): .timestamp
    default: nil
    }
  }
}

/// The type that a cast names. A value.
struct CastTarget {
  let name: String
  let type: ExpressionType
  /// Of the integers that it holds, where they are fewer than an Int64's.
  let range: ClosedRange<Int64>?

  private static let types: [(name: String, type: ExpressionType, range: ClosedRange<Int64>?)] = [
    ("Edm.Boolean", .bool, nil),
    ("Edm.Byte", .int64, 0...255),
    ("Edm.SByte", .int64, -128...127),
    ("Edm.Int16", .int64, -32_768...32_767),
    ("Edm.Int32", .int64, -2_147_483_648...2_147_483_647),
    ("Edm.Int64", .int64, nil),
    ("Edm.Single", .double, nil),
    ("Edm.Double", .double, nil),
    ("Edm.Decimal", .decimal, nil),
    ("Edm.String", .string, nil),
    ("Edm.Binary", .bytes, nil),
    ("Edm.DateTimeOffset", .timestamp, nil),
    ("Edm.Date", .date, nil),
    ("Edm.TimeOfDay", .timeOfDay, nil),
    ("Edm.Guid", .uuid, nil),
  ]

  /// A type's name, in quotes or not.
  init(naming syntax: Syntax) throws(ParseFault) {
    let found: String
    switch syntax.kind {
    case .field(let word): found = word
    case .literal(let literal):
      guard case .string(let text) = literal.operand, literal.type == .string else { fallthrough }
      found = text
    default:
      throw ParseFault(at: syntax.position, "found no type; expected one such as Edm.Date")
    }
    guard let entry = CastTarget.types.first(where: { $0.name == found }) else {
      throw ParseFault(
        at: syntax.position,
        "found '\(found)', which is no type; expected one such as Edm.Date"
          + NameSuggestion.clause(for: found, among: CastTarget.types.map(\.name)))
    }
    (name, type, range) = entry
  }
}
