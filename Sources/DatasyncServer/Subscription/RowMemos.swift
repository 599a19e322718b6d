import DatasyncFilter

/// What the text functions of a loop's filters gave for the change that is judged: of the row before
/// and of the row after. Loop-bound.
///
/// There are changes that are made and not judged at once: the last one that asks has them.
final class RowMemos {
  let before: TextMemo
  let after: TextMemo
  private var owner: UInt64 = 0
  private var lastOwner: UInt64 = 0
  private let terms: TextTerms

  /// - Parameter terms: Of the filters.
  init(_ budget: FilterBudget = .default, terms: TextTerms = TextTerms()) {
    before = TextMemo(budget, isOfMany: true)
    after = TextMemo(budget, isOfMany: true)
    self.terms = terms
  }

  /// How often a text function was computed.
  var computations: (before: Int, after: Int) { (before.computations, after.computations) }

  /// What they have taken so far, of text and steps in bytes; it may wrap around.
  var workBytes: Int { before.workBytes &+ after.workBytes }

  func makeOwner() -> UInt64 {
    lastOwner += 1
    if lastOwner % 1024 == 0 {
      before.shrink(to: terms)
      after.shrink(to: terms)
    }
    return lastOwner
  }

  /// What is known is of the owner's rows from here on.
  func claim(_ new: UInt64) {
    guard new != owner else { return }
    owner = new
    before.forget()
    after.forget()
  }

  /// Nothing is judged any more: what was known is let go.
  func release() {
    claim(0)
  }
}
