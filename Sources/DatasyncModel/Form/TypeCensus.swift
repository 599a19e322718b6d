/// The type of a column that is declared without one, or as ANY, from its values. A value.
package struct TypeCensus: Hashable, Sendable {
  private var found: ColumnType?
  private var isMixed = false

  package init() {}

  /// Counts a value by its storage class; NULL says nothing.
  package mutating func add(_ stored: StoredValue) {
    let type: ColumnType
    switch stored {
    case .null: return
    case .integer: type = .int64
    case .real: type = .double
    case .text: type = .string
    case .blob: type = .bytes
    }
    if found == nil { found = type }
    if found != type { isMixed = true }
  }

  /// STRING where they are mixed, or there is none: numbers then read as their text.
  package var type: ColumnType { isMixed ? .string : found ?? .string }
}
