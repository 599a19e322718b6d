/// How a column compares its texts: SQLite's own collations. A value.
///
/// Source: sqlite.org/datatype3.html §7.1.
package enum EnumCollation: String, CaseIterable, Hashable, Sendable {
  case binary
  /// Capital letters of ASCII are equal to the small ones.
  case nocase
  /// Spaces at the end do not count.
  case rtrim

  /// The declared value that a text is to such a column: the same before one that compares equal.
  package func declared(_ text: UnsafeRawBufferPointer, of values: [String]) -> String? {
    var first: String?
    for value in values {
      if text.elementsEqual(value.utf8) { return value }
      if first == nil, self != .binary, isEqual(text, value) { first = value }
    }
    return first
  }

  private func isEqual(_ text: UnsafeRawBufferPointer, _ value: String) -> Bool {
    switch self {
    case .binary: text.elementsEqual(value.utf8)
    case .nocase:
      text.elementsEqual(value.utf8) { $0.asciiLowercased == $1.asciiLowercased }
    case .rtrim:
      text.trimmed.elementsEqual(Array(value.utf8).trimmed)
    }
  }
}

extension BidirectionalCollection where Element == UInt8 {
  /// Without the spaces at its end.
  fileprivate var trimmed: SubSequence {
    var end = endIndex
    while end > startIndex, self[index(before: end)] == 0x20 { formIndex(before: &end) }
    return self[..<end]
  }
}
