/// Some of a table's columns, by position; those from the 64th on are in it together or not at all. A
/// value.
package struct ColumnMask: Hashable, Sendable {
  private var bits: UInt64

  /// Every column, however many the table has.
  package static let all = ColumnMask(bits: .max)
  package static let none = ColumnMask(bits: 0)

  private init(bits: UInt64) {
    self.bits = bits
  }

  /// One column.
  package init(_ column: Int) {
    bits = ColumnMask.bit(column)
  }

  /// - Parameter columns: Positions from 0, in any order; one of 63 or more brings in all of those.
  package init(_ columns: some Swift.Sequence<Int>) {
    bits = columns.reduce(0) { $0 | ColumnMask.bit($1) }
  }

  /// Of a column from the 64th on: whether any of those was put in.
  package func contains(_ column: Int) -> Bool { bits & ColumnMask.bit(column) != 0 }

  /// Whether each column of the other is in it.
  package func contains(_ other: ColumnMask) -> Bool { bits & other.bits == other.bits }

  private static func bit(_ column: Int) -> UInt64 { 1 << UInt64(min(column, 63)) }
}
