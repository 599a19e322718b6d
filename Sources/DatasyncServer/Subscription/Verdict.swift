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

extension ChangeEvent {
  /// What a verdict tells of a change; not one of a row that cannot be read, which is another event.
  ///
  /// - Parameters:
  ///   - image: What the view shows of the row after the change.
  ///   - previous: What it showed before; asked for where that is told.
  ///   - changedNumbers: Of the fields whose stored value differs; asked for in the same way.
  ///   - hidden: Positions of columns that are not told of.
  init(
    _ verdict: Verdict, table: Table, id: UnsafeRawBufferPointer, sequence: Sequence,
    image: UnsafeRawBufferPointer?, previous: @autoclosure () -> UnsafeRawBufferPointer?,
    changedNumbers: @autoclosure () -> [Int], hidden: Set<Int>
  ) {
    switch verdict {
    case .add:
      self.init(operation: .add, table: table, id: id, sequence: sequence, image: image)
    case .update:
      self.init(operation: .update, table: table, id: id, sequence: sequence, image: image)
      self.previous = previous()
      changedFields = table.names(ofNumbers: changedNumbers(), but: hidden)
    case .delete(let leftView):
      self.init(operation: .delete, table: table, id: id, sequence: sequence, image: nil)
      self.previous = previous()
      self.leftView = leftView
    case .unreadable:
      self.init(operation: .delete, table: table, id: id, sequence: sequence, image: nil)
    }
  }
}
