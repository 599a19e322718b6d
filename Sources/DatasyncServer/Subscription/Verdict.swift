import DatasyncMessages
import DatasyncModel

/// What a row is to a view at one moment. A value.
enum Standing: Hashable {
  /// There is no row, or it does not match.
  case outside
  case inside
  /// It matches, and cannot be read.
  case unreadable(RowFault)
}

/// What a view makes of a change. A value.
enum Verdict: Hashable {
  case add
  case update
  case delete(leftView: Bool)
  /// nil: it can be read again, or is gone, and has not come into view.
  case unreadable(RowFault?)
}

/// What a view sees of a change: nothing, one event, or two where a row of the view becomes unreadable.
/// A value.
struct Verdicts {
  var first: Verdict?
  var second: Verdict?

  /// - Parameters:
  ///   - isUpdateSent: Whether the view is told of a change of a row that stays in it.
  ///   - stillExists: Whether there is a row after the change that is not deleted.
  init(
    from before: Standing, to after: Standing, isUpdateSent: @autoclosure () -> Bool,
    stillExists: @autoclosure () -> Bool
  ) {
    switch (before, after) {
    case (.outside, .outside):
      break
    case (.outside, .inside), (.unreadable, .inside):
      first = .add
    case (.inside, .inside):
      if isUpdateSent() { first = .update }
    case (.inside, .outside):
      let stillExists = stillExists()
      if FaultSwitch.isOn(.staleView), stillExists { return }
      first = .delete(leftView: stillExists)
    case (.inside, .unreadable(let fault)):
      first = .delete(leftView: true)
      second = .unreadable(fault)
    case (.outside, .unreadable(let fault)):
      first = .unreadable(fault)
    case (.unreadable, .outside):
      first = .unreadable(nil)
    case (.unreadable(let old), .unreadable(let new)):
      if old != new { first = .unreadable(new) }
    }
  }

  var isEmpty: Bool { first == nil }

  func forEach(_ body: (Verdict) -> Void) {
    if let first { body(first) }
    if let second { body(second) }
  }
}

extension Verdict {
  var operation: ChangeEvent.Operation {
    switch self {
    case .add: .add
    case .update: .update
    case .delete, .unreadable: .delete
    }
  }
}
