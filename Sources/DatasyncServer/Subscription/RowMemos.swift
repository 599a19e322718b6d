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

  init(_ budget: FilterBudget = .default) {
    before = TextMemo(budget)
    after = TextMemo(budget)
  }

  func makeOwner() -> UInt64 {
    lastOwner += 1
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
