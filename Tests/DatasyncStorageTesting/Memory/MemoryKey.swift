package import DatasyncModel

/// A row's key, in the order in which a store gives rows: integers as numbers, text by its bytes. A value.
package enum MemoryKey: Hashable, Comparable, Sendable {
  case integer(Int64)
  case text(String)

  /// - Throws: INVALID_ARGUMENT where no key of the table can be that.
  package init(_ text: String, table: Table) throws(DatasyncError) {
    guard table.hasIntegerKey else {
      self = .text(text)
      return
    }
    guard let number = Int64(text), String(number) == text else {
      throw .integerKeyExpected(text, field: table.key.name, table: table)
    }
    self = .integer(number)
  }

  /// nil: absent, the store makes one.
  package init?(_ value: Value?) {
    switch value {
    case .int64(let number)?: self = .integer(number)
    case .string(let text)? where !text.isEmpty: self = .text(text)
    default: return nil
    }
  }

  package var value: Value {
    switch self {
    case .integer(let number): .int64(number)
    case .text(let text): .string(text)
    }
  }

  package var text: String {
    switch self {
    case .integer(let number): String(number)
    case .text(let text): text
    }
  }

  package static func < (left: MemoryKey, right: MemoryKey) -> Bool {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): left < right
    case (.text(let left), .text(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
    case (.integer, .text): true
    case (.text, .integer): false
    }
  }
}
