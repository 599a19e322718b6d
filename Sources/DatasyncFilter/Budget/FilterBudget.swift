/// What the evaluation of a filter may take, by the text that its functions read and make. A value.
package struct FilterBudget: Sendable {
  /// Of one text that a function makes.
  package var maxTextBytes = 4 << 20
  /// Read and made for one row by one filter.
  package var maxWorkBytes = 64 << 20
  /// Texts that filters share while they judge one row; beyond, they are made again.
  package var maxHeldBytes = 64 << 20

  package static let `default` = FilterBudget()
  /// For what no caller has a say in: functions of our own statements.
  package static let unlimited = FilterBudget(
    maxTextBytes: .max, maxWorkBytes: .max, maxHeldBytes: .max)

  package init() {}

  private init(maxTextBytes: Int, maxWorkBytes: Int, maxHeldBytes: Int) {
    self.maxTextBytes = maxTextBytes
    self.maxWorkBytes = maxWorkBytes
    self.maxHeldBytes = maxHeldBytes
  }
}
