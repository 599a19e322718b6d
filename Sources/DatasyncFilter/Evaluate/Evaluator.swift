import DatasyncModel

/// A checked condition made into closures, once; then judged without looking at the tree again. A
/// value.
struct Evaluator: Sendable {
  /// What a condition says of a row; nil is null. The second argument is the moment of `now()`.
  typealias Condition = @Sendable ([Value], Int64) -> Bool?
  typealias Computation = @Sendable ([Value], Int64) -> Operand

  private let condition: Condition

  init(_ expression: Expression, table: Table) {
    condition = Compiler(table: table).condition(expression)
  }

  func isTrue(of values: [Value], now: Int64) -> Bool {
    condition(values, now) == true
  }
}
