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
    // In small steps: every level of a filter holds the frames of all of them.
    if let function = Checker.textFunction(name, arguments.count) {
      return try textCall(function, call)
    }
    if let operation = Checker.roundings[name] { return try rounding(call, operation) }
    if name == "cast" { return try cast(call) }
    return try timeCall(call)
  }

  private func timeCall(_ call: Call) throws(ParseFault) -> Expression {
    switch call.name {
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
      guard names == nil else {
        throw ParseFault(
          at: call.position, "found now(); what a rule says may not change by time alone")
      }
      return Expression(kind: .now, type: .timestamp, position: call.position)
    default:
      throw unknown(call)
    }
  }

  private func unknown(_ call: Call) -> ParseFault {
    ParseFault(
      at: call.position,
      "found '\(call.name.shortened)', which is no function"
        + NameSuggestion.clause(for: call.name, among: Checker.functionNames))
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

  /// A function of texts and integers. A value.
  private struct TextFunction: Sendable {
    let operation: Operation
    let parameters: [ExpressionType]
    let result: ExpressionType
    /// As messages say how many arguments there may be.
    var counts: String?
  }

  private static let textFunctions: [String: TextFunction] = [
    "contains": of(.contains, [.string, .string], .bool),
    "startswith": of(.startsWith, [.string, .string], .bool),
    "endswith": of(.endsWith, [.string, .string], .bool),
    "indexof": of(.indexOf, [.string, .string], .int64),
    "length": of(.length, [.string], .int64),
    "tolower": of(.toLower, [.string], .string),
    "toupper": of(.toUpper, [.string], .string),
    "trim": of(.trim, [.string], .string),
    "concat": of(.concat, [.string, .string], .string),
  ]
  private static let substring = of(.substring, [.string, .int64, .int64], .string)
  private static let substringFrom = TextFunction(
    operation: .substringFrom, parameters: [.string, .int64], result: .string, counts: "2 or 3")

  private static func of(
    _ operation: Operation, _ parameters: [ExpressionType], _ result: ExpressionType
  ) -> TextFunction {
    TextFunction(operation: operation, parameters: parameters, result: result)
  }

  private static func textFunction(_ name: String, _ count: Int) -> TextFunction? {
    guard name == "substring" else { return textFunctions[name] }
    return count == 3 ? substring : substringFrom
  }

  private func textCall(
    _ function: TextFunction, _ call: Call
  ) throws(ParseFault) -> Expression {
    try checkCount(call, function.parameters.count, counts: function.counts)
    var arguments: [Expression] = []
    for (syntax, type) in zip(call.arguments, function.parameters) {
      let argument = try expression(syntax)
      guard argument.type == type || argument.type == .null else {
        throw mismatch(argument, call, needs: type.name)
      }
      arguments.append(argument)
    }
    return self.call(function.operation, arguments, as: function.result, at: call.position)
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

  private static let roundings: [String: @Sendable (Operation.Arithmetic) -> Operation] = [
    "floor": { $0.floor }, "ceiling": { $0.ceiling }, "round": { $0.round },
  ]

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
