import DatasyncModel

/// A checked condition made into closures, once; then judged without looking at the tree again. A
/// value.
struct Evaluator: Sendable {
  /// What a condition says of a row; nil is null.
  typealias Condition = @Sendable ([Value], Evaluation) -> Bool?
  typealias Computation = @Sendable ([Value], Evaluation) -> Operand

  let cost: FilterCost
  private let condition: Condition
  private let hasTextFunctions: Bool

  /// - Parameter terms: Shared with other filters; nil: the filter has its own.
  init(_ expression: Expression, table: Table, terms: TextTerms?) {
    let collector = TermCollector(terms)
    condition = Compiler(table: table, collector: collector).condition(expression)
    cost = collector.cost
    hasTextFunctions = !collector.isEmpty
  }

  /// - Parameter memo: nil: what text functions give is kept for this row and this filter alone.
  func isTrue(
    of values: [Value], now: Int64, memo: TextMemo?
  ) throws(FilterFault) -> Bool {
    guard hasTextFunctions else {
      return condition(values, Evaluation(now: now, memo: nil)) == true
    }
    let memo = memo ?? TextMemo()
    memo.begin()
    let isTrue = condition(values, Evaluation(now: now, memo: memo)) == true
    if let fault = memo.fault { throw fault }
    return isTrue
  }
}
