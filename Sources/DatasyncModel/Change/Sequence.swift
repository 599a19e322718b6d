/// A position in the commit order of a database: 1, 2, 3 … without gaps; 0 is before all. A value.
///
/// The version of a row is the sequence of the change that wrote it. At most `Int64.max`, since
/// SQLite stores it.
package struct Sequence: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Nothing is checked; what is above `Int64.max` cannot be stored.
  package init(_ rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Before the first change: as an exclusive lower bound it leaves none out.
  package static let zero = Sequence(0)

  /// The last one has none, and is its own: a damaged file may hold it.
  package var next: Sequence { Sequence(rawValue.addingClamped(1)) }

  package static func < (left: Sequence, right: Sequence) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension Sequence: CustomStringConvertible {
  package var description: String { String(rawValue) }
}
