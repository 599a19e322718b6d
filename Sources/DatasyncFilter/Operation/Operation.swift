import DatasyncModel

/// A typed computation that the evaluator and SQLite share: both call the same ``body``, so that both
/// get the same answer. Immutable, shared by reference.
package final class Operation: Sendable {
  /// A pure function of its operands: SQLite may call it on any thread, and keep what it gave.
  package enum Body: Sendable {
    case unary(@Sendable (Operand) -> Operand)
    case binary(@Sendable (Operand, Operand) -> Operand)
    case ternary(@Sendable (Operand, Operand, Operand) -> Operand)
  }

  /// Without the prefix of ``SQLFunction/name``.
  package let name: String
  /// How each argument is to be read, one for each operand of ``body``.
  package let parameters: [OperandKind]
  /// Gives null for operands that it has no use for; never fails.
  package let body: Body

  /// That there are as many parameters as the body takes is not checked.
  package init(name: String, parameters: [OperandKind], body: Body) {
    self.name = name
    self.parameters = parameters
    self.body = body
  }

  /// Computes from as many operands as there are parameters.
  package func callAsFunction(_ operands: [Operand]) -> Operand {
    switch body {
    case .unary(let body) where operands.count == 1: body(operands[0])
    case .binary(let body) where operands.count == 2: body(operands[0], operands[1])
    case .ternary(let body) where operands.count == 3: body(operands[0], operands[1], operands[2])
    case .unary, .binary, .ternary: .null
    }
  }
}

// MARK: - Typed bodies

/// A Swift type that stands for a kind of operand.
protocol OperandPayload: Sendable {
  static var kind: OperandKind { get }
  /// Takes what the type checker lets through, converting without loss of meaning; nil for null.
  init?(_ operand: Operand)
  var operand: Operand { get }
}

extension Operation {
  /// Null where the argument is null or the closure says nil.
  convenience init<A: OperandPayload, Result: OperandPayload>(
    _ name: String, _ body: @escaping @Sendable (A) -> Result?
  ) {
    let computation: Body = .unary { a in
      guard let a = A(a) else { return .null }
      return body(a)?.operand ?? .null
    }
    self.init(name: name, parameters: [A.kind], body: computation)
  }

  /// Null where an argument is null or the closure says nil.
  convenience init<A: OperandPayload, B: OperandPayload, Result: OperandPayload>(
    _ name: String, _ body: @escaping @Sendable (A, B) -> Result?
  ) {
    let computation: Body = .binary { a, b in
      guard let a = A(a), let b = B(b) else { return .null }
      return body(a, b)?.operand ?? .null
    }
    self.init(name: name, parameters: [A.kind, B.kind], body: computation)
  }

  /// Null where an argument is null or the closure says nil.
  convenience init<A: OperandPayload, B: OperandPayload, C: OperandPayload, Result: OperandPayload>(
    _ name: String, _ body: @escaping @Sendable (A, B, C) -> Result?
  ) {
    let computation: Body = .ternary { a, b, c in
      guard let a = A(a), let b = B(b), let c = C(c) else { return .null }
      return body(a, b, c)?.operand ?? .null
    }
    self.init(name: name, parameters: [A.kind, B.kind, C.kind], body: computation)
  }
}

extension Bool: OperandPayload {
  static var kind: OperandKind { .bool }

  init?(_ operand: Operand) {
    guard case .bool(let value) = operand else { return nil }
    self = value
  }

  var operand: Operand { .bool(self) }
}

extension Int64: OperandPayload {
  static var kind: OperandKind { .int64 }

  init?(_ operand: Operand) {
    guard case .int64(let value) = operand else { return nil }
    self = value
  }

  var operand: Operand { .int64(self) }
}

extension Double: OperandPayload {
  static var kind: OperandKind { .double }

  init?(_ operand: Operand) {
    switch operand {
    case .double(let value): self = value
    case .int64(let value): self = Double(value)
    case .decimal(let value): self = value.double
    case .null, .bool, .string, .bytes, .timestamp: return nil
    }
  }

  /// What is no number, or is infinite, is null: no column can hold it.
  var operand: Operand { isFinite ? .double(self) : .null }
}

extension Decimal: OperandPayload {
  static var kind: OperandKind { .decimal }

  init?(_ operand: Operand) {
    switch operand {
    case .decimal(let value): self = value
    case .int64(let value): self.init(value)
    case .null, .bool, .double, .string, .bytes, .timestamp: return nil
    }
  }

  var operand: Operand { .decimal(self) }
}

extension String: OperandPayload {
  static var kind: OperandKind { .string }

  init?(_ operand: Operand) {
    guard case .string(let value) = operand else { return nil }
    self = value
  }

  var operand: Operand { .string(self) }
}

/// Microseconds since 1970 UTC. A value.
struct Moment: OperandPayload {
  let microseconds: Int64

  static var kind: OperandKind { .timestamp }

  init(_ microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// A date is its first moment.
  init?(_ operand: Operand) {
    switch operand {
    case .timestamp(let value):
      microseconds = value
    case .string(let text):
      guard let value = CivilTime.timestamp(parsing: text) else { return nil }
      microseconds = value
    case .null, .bool, .int64, .double, .decimal, .bytes: return nil
    }
  }

  var operand: Operand { .timestamp(microseconds) }
  var civil: CivilTime { CivilTime(timestamp: microseconds) }
}
