import DatasyncModel

/// The text functions of the filter that is compiled. Used once.
final class TermCollector {
  private(set) var cost = FilterCost()
  private var terms: TextTerms?
  private var serials: Set<UInt64> = []
  /// By where they stand in the filter.
  private var byPosition: [Int: TextTerm] = [:]

  /// - Parameter terms: nil: those of the filter alone.
  init(_ terms: TextTerms?) {
    self.terms = terms
  }

  var isEmpty: Bool { serials.isEmpty }

  func term(at position: Int) -> TextTerm? { byPosition[position] }

  func term(_ draft: TextTermDraft, key: TextTermKey?, at position: Int) -> TextTerm {
    let terms = terms ?? TextTerms()
    self.terms = terms
    let term = terms.term(draft, key: key)
    byPosition[position] = term
    if serials.insert(term.serial).inserted { cost.add(term) }
    return term
  }

  func addStep() {
    cost.addStep()
  }
}

extension Compiler {
  /// A text function: computed once for a row, however many filters have it.
  func textCall(
    _ call: Expression, _ operation: Operation, _ arguments: [Expression],
    _ computations: [Computation]
  ) -> Computation {
    let term = term(call, operation, arguments)
    switch operation.body {
    case .unary(let body) where computations.count == 1:
      let first = computations[0]
      return { values, evaluation in
        Compiler.compute(term, evaluation) { memo in
          let first = first(values, evaluation)
          let bytes = first.textBytes
          guard memo.admits(term, bytes) else { return .null }
          return memo.keep(body(first), of: term, reading: bytes)
        }
      }
    case .binary(let body) where computations.count == 2:
      let (first, second) = (computations[0], computations[1])
      return { values, evaluation in
        Compiler.compute(term, evaluation) { memo in
          let (first, second) = (first(values, evaluation), second(values, evaluation))
          let bytes = first.textBytes + second.textBytes
          guard memo.admits(term, bytes) else { return .null }
          return memo.keep(body(first, second), of: term, reading: bytes)
        }
      }
    case .ternary(let body) where computations.count == 3:
      let (first, second, third) = (computations[0], computations[1], computations[2])
      return { values, evaluation in
        Compiler.compute(term, evaluation) { memo in
          let first = first(values, evaluation)
          let (second, third) = (second(values, evaluation), third(values, evaluation))
          let bytes = first.textBytes
          guard memo.admits(term, bytes) else { return .null }
          return memo.keep(body(first, second, third), of: term, reading: bytes)
        }
      }
    case .unary, .binary, .ternary:
      return { _, _ in .null }
    }
  }

  @inline(__always)
  private static func compute(
    _ term: TextTerm, _ evaluation: Evaluation, _ body: (TextMemo) -> Operand
  ) -> Operand {
    guard let memo = evaluation.memo else {
      preconditionFailure("a filter with text functions is evaluated with a memo")
    }
    return memo.known(term) ?? body(memo)
  }

  // MARK: - Terms

  private func term(
    _ call: Expression, _ operation: Operation, _ arguments: [Expression]
  ) -> TextTerm {
    if let term = collector.term(at: call.position) { return term }
    var parts: [TextTerm] = []
    let keys = arguments.map { key($0, parts: &parts) }
    let sizes = arguments.map(textBytes)
    let made = operation.resultBytes(of: sizes, arguments)
    let draft = TextTermDraft(
      operation: operation, parts: parts,
      cost: FilterCost.stepBytes + sizes.reduce(0, +) + made, resultBytes: made)
    let known = keys.compactMap { $0 }
    let whole =
      known.count == keys.count ? TextTermKey(operation: operation.name, arguments: known) : nil
    return collector.term(draft, key: whole, at: call.position)
  }

  /// - Returns: nil where an expression is compared with no other.
  private func key(
    _ expression: Expression, parts: inout [TextTerm]
  ) -> TextTermKey.Argument? {
    switch expression.kind {
    case .literal(.string(let text)): return .text(Array(text.utf8))
    case .literal(let operand): return .literal(operand)
    case .column(let column): return .column(column, expression.type.operandKind)
    case .now: return .now
    case .call(let operation, let arguments) where operation.textUse != nil:
      let term = term(expression, operation, arguments)
      parts.append(term)
      return .term(term.serial)
    case .call(let operation, let arguments):
      let keys = arguments.compactMap { key($0, parts: &parts) }
      return keys.count == arguments.count ? .call(operation.name, keys) : nil
    case .comparison, .membership, .memberOf, .isNull, .and, .or, .not:
      return nil
    }
  }

  /// Supposed; 0 for what is no text.
  private func textBytes(_ expression: Expression) -> Int {
    switch expression.kind {
    case .literal(let operand): return operand.textBytes
    case .column:
      return expression.type == .string ? FilterCost.supposedTextBytes : 0
    case .call(let operation, let arguments) where operation.textUse != nil:
      return term(expression, operation, arguments).resultBytes
    case .call(let operation, let arguments):
      guard expression.type == .string else { return 0 }
      return operation === Operation.text_
        ? arguments.map(textBytes).reduce(0, +) : FilterCost.supposedValueBytes
    case .now, .comparison, .membership, .memberOf, .isNull, .and, .or, .not: return 0
    }
  }
}

extension Operation {
  /// Of a text that a text function makes of texts of these sizes.
  fileprivate func resultBytes(of sizes: [Int], _ arguments: [Expression]) -> Int {
    switch textUse {
    case nil, .reads: return 0
    case .joins: return sizes.reduce(0, +)
    case .makes:
      guard arguments.count == 3, case .int64(let count)? = arguments[2].literal else {
        return sizes.first ?? 0
      }
      return min(sizes.first ?? 0, Int(clamping: max(0, count)).multipliedClamped(by: 4))
    }
  }
}
