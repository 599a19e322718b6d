import DatasyncModel

/// A statement that writes some columns of one row, and where each is bound. A value.
struct UpdateStatement {
  let statement: Statement
  /// Of the key.
  let keyPosition: Int32
  /// Those that can be chosen from; nil: the statement has the columns that are written and no other.
  private let choices: [Int]?

  /// Of one that writes these columns, in order.
  init(_ statement: Statement, columns: [Int]) {
    self.statement = statement
    keyPosition = Int32(columns.count + 1)
    choices = nil
  }

  /// Of one that writes what it is told of.
  init(_ statement: Statement, choosingFrom columns: [Int]) {
    self.statement = statement
    keyPosition = Int32(2 * columns.count + 1)
    choices = columns
  }

  /// Binds each column that is written.
  func bind(_ columns: [Int], _ bindValue: (_ column: Int, _ position: Int32) -> Void) {
    guard let choices else {
      for (position, column) in columns.enumerated() { bindValue(column, Int32(position + 1)) }
      return
    }
    let written = Set(columns)
    for (position, column) in choices.enumerated() {
      let isWritten = written.contains(column)
      statement.bind(Int32(2 * position + 1), isWritten ? 1 : 0 as Int64)
      if isWritten {
        bindValue(column, Int32(2 * position + 2))
      } else {
        statement.bind(Int32(2 * position + 2), Value.null)
      }
    }
  }
}
