/// Some of a table's columns, by position; those from the 64th on are in it together or not at all. A
/// value.
package struct ColumnMask: Hashable, Sendable {
  private var bits: UInt64

  package static let all = ColumnMask(bits: .max)
  package static let none = ColumnMask(bits: 0)

  private init(bits: UInt64) {
    self.bits = bits
  }

  /// One column.
  package init(_ column: Int) {
    bits = ColumnMask.bit(column)
  }

  package init(_ columns: some Swift.Sequence<Int>) {
    bits = columns.reduce(0) { $0 | ColumnMask.bit($1) }
  }

  package func contains(_ column: Int) -> Bool { bits & ColumnMask.bit(column) != 0 }

  package func contains(_ other: ColumnMask) -> Bool { bits & other.bits == other.bits }

  private static func bit(_ column: Int) -> UInt64 { 1 << UInt64(min(column, 63)) }
}
