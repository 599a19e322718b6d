import DatasyncModel

extension Checker {
  static let functionNames = [
    "contains", "startswith", "endswith", "indexof", "length", "substring", "tolower", "toupper",
    "trim", "concat", "year", "month", "day", "hour", "minute", "second", "date", "time", "now",
    "floor", "ceiling", "round", "cast",
  ]

  func call(
    _ name: String, _ arguments: [Syntax], at position: Int
  ) throws(ParseFault) -> Expression {
    let call = Call(name: name, arguments: arguments, position: position)
    switch name {
    case "contains": return try textCall(.contains, call, [.string, .string], as: .bool)
    case "startswith": return try textCall(.startsWith, call, [.string, .string], as: .bool)
    case "endswith": return try textCall(.endsWith, call, [.string, .string], as: .bool)
    case "indexof": return try textCall(.indexOf, call, [.string, .string], as: .int64)
    case "length": return try textCall(.length, call, [.string], as: .int64)
    case "tolower": return try textCall(.toLower, call, [.string], as: .string)
    case "toupper": return try textCall(.toUpper, call, [.string], as: .string)
    case "trim": return try textCall(.trim, call, [.string], as: .string)
    case "concat": return try textCall(.concat, call, [.string, .string], as: .string)
    case "substring":
      return arguments.count == 3
        ? try textCall(.substring, call, [.string, .int64, .int64], as: .string)
        : try textCall(.substringFrom, call, [.string, .int64], as: .string, counts: "2 or 3")
    case "year": return try datePart(.year, call)
    case "month": return try datePart(.month, call)
    case "day": return try datePart(.day, call)
    case "hour": return try timePart(.hour, .hourOfTime, call)
    case "minute": return try timePart(.minute, .minuteOfTime, call)
    case "second": return try timePart(.second, .secondOfTime, call)
    case "date": return try part(.date, of: .timestamp, as: .date, call)
    case "time": return try part(.time, of: .timestamp, as: .timeOfDay, call)
    case "now":
      try checkCount(call, 0)
      return Expression(kind: .now, type: .timestamp, position: position)
    case "floor": return try rounding(call) { $0.floor }
    case "ceiling": return try rounding(call) { $0.ceiling }
    case "round": return try rounding(call) { $0.round }
    case "cast": return try cast(call)
    default:
      throw ParseFault(
        at: position,
        "found '\(name.shortened)', which is no function"
          + NameSuggestion.clause(for: name, among: Checker.functionNames))
    }
  }

  /// A call as it stands in the parse tree.
  struct Call {
    let name: String
    let arguments: [Syntax]
    let position: Int
  }

  // MARK: - Arguments

  func checkCount(_ call: Call, _ count: Int, counts: String? = nil) throws(ParseFault) {
    guard call.arguments.count == count else {
      throw ParseFault(
        at: call.position,
        "found \(call.name) with \(call.arguments.count) arguments; expected \(counts ?? "\(count)")"
      )
    }
  }

  /// The fault of an argument that has the wrong type.
  func mismatch(_ argument: Expression, _ call: Call, needs: String) -> ParseFault {
    let hint =
      argument.type.isEnumeration && needs == ExpressionType.string.name
      ? "; cast(…, Edm.String) makes text of an enumeration" : ""
    return ParseFault(
      at: argument.position,
      "found a value of type \(argument.type.name); \(call.name) needs \(needs) here\(hint)")
  }

  private func textCall(
    _ operation: Operation, _ call: Call, _ types: [ExpressionType], as result: ExpressionType,
    counts: String? = nil
  ) throws(ParseFault) -> Expression {
    try checkCount(call, types.count, counts: counts)
    var arguments: [Expression] = []
    for (syntax, type) in zip(call.arguments, types) {
      let argument = try expression(syntax)
      guard argument.type == type || argument.type == .null else {
        throw mismatch(argument, call, needs: type.name)
      }
      arguments.append(argument)
    }
    return self.call(operation, arguments, as: result, at: call.position)
  }

  // MARK: - Dates and times

  private func datePart(_ operation: Operation, _ call: Call) throws(ParseFault) -> Expression {
    try checkCount(call, 1)
    let argument = try expression(call.arguments[0])
    switch argument.type {
    case .date, .timestamp, .null:
      return self.call(operation, [argument], as: .int64, at: call.position)
    default:
      throw mismatch(argument, call, needs: "Edm.Date or Edm.DateTimeOffset")
    }
  }

  private func timePart(
    _ ofMoment: Operation, _ ofTime: Operation, _ call: Call
  ) throws(ParseFault) -> Expression {
    try checkCount(call, 1)
    let argument = try expression(call.arguments[0])
    switch argument.type {
    case .timestamp, .null:
      return self.call(ofMoment, [argument], as: .int64, at: call.position)
    case .timeOfDay:
      return self.call(ofTime, [argument], as: .int64, at: call.position)
    default:
      throw mismatch(argument, call, needs: "Edm.TimeOfDay or Edm.DateTimeOffset")
    }
  }

  /// The date or the time of a moment; what is one already stays as it is.
  private func part(
    _ operation: Operation, of type: ExpressionType, as result: ExpressionType, _ call: Call
  ) throws(ParseFault) -> Expression {
    try checkCount(call, 1)
    let argument = try expression(call.arguments[0])
    guard argument.type != result else { return argument }
    guard argument.type == type || argument.type == .null else {
      throw mismatch(argument, call, needs: type.name)
    }
    return self.call(operation, [argument], as: result, at: call.position)
  }

  // MARK: - Rounding

  private func rounding(
    _ call: Call, _ operation: (Operation.Arithmetic) -> Operation
  ) throws(ParseFault) -> Expression {
    try checkCount(call, 1)
    let argument = try expression(call.arguments[0])
    guard argument.type != .null else { return null(at: call.position) }
    guard let arithmetic = Operation.arithmetic(for: argument.type) else {
      throw mismatch(argument, call, needs: "a number")
    }
    return self.call(operation(arithmetic), [argument], as: argument.type, at: call.position)
  }
}
