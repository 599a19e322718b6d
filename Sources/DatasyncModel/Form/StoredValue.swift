/// A value as SQLite holds it, by its storage class. A value.
package enum StoredValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  /// The bytes as they lie in the file: valid UTF-8 only as a rule.
  case text([UInt8])
  case blob([UInt8])

  /// The text as UTF-8.
  package static func text(_ text: String) -> StoredValue { .text(Array(text.utf8)) }

  /// Whether both are the same to SQLite's comparison: in a column of numeric affinity it stores a
  /// real number without a fraction as an integer, and in one of real affinity the other way round.
  package func equals(_ other: StoredValue) -> Bool {
    switch (self, other) {
    case (.integer(let integer), .real(let real)), (.real(let real), .integer(let integer)):
      Int64(exactly: real) == integer
    default: self == other
    }
  }
}

/// Why a stored value cannot be read as its column's type, or a value not be written in a column's
/// form. A value.
package struct FormMisfit: Error, Hashable {
  /// For people; of a value that is read it tells the storage class at most.
  package let description: String

  package init(_ description: String) {
    self.description = description
  }

  /// `text is stored where a number belongs`.
  init(_ found: String, whereBelongs wanted: String) {
    description = "\(found) is stored where \(wanted) belongs"
  }
}
