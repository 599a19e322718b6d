/// Bounds on what is parsed. A value.
package struct FilterLimits: Sendable {
  /// In Unicode scalars.
  package var maxLength = 8192
  /// Levels of operators, calls and parentheses; an operand alone is one, and a chain of `and`s or of
  /// `or`s is one however long it is.
  package var maxDepth = 64
  /// Operands, operators, calls and list elements.
  package var maxNodes = 1024

  package static let `default` = FilterLimits()

  package init() {}
}
