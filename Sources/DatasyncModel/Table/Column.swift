/// A column of a served table, and the protobuf field that carries it. A value.
package struct Column: Hashable, Sendable {
  /// The field's name, by which requests speak of it.
  package var name: String
  /// The column's name in the database.
  package let storedName: String
  /// What clients see; how it is stored is another matter, see ``ColumnForm``.
  package let type: ColumnType
  /// The field number in the row's message type; for ever this column's.
  package let number: Int
  /// Whether NULL may be stored.
  package let isNullable: Bool
  /// Whether the database gives a value of its own where none is written.
  package let hasDefault: Bool
  /// Whether it is one of the key, created_at, updated_at, version, deleted.
  package let isSystem: Bool
  /// Whether SQLite computes it (GENERATED ALWAYS): read, never written.
  package let isGenerated: Bool

  /// Whether clients write it, and NULL cannot be.
  package var needsValue: Bool { !isNullable && !isSystem && !isGenerated }

  /// - Parameter storedName: nil: as the field's.
  package init(
    name: String, storedName: String? = nil, type: ColumnType, number: Int, isNullable: Bool,
    hasDefault: Bool = false, isSystem: Bool = false, isGenerated: Bool = false
  ) {
    self.name = name
    self.storedName = storedName ?? name
    self.type = type
    self.number = number
    self.isNullable = isNullable
    self.hasDefault = hasDefault
    self.isSystem = isSystem
    self.isGenerated = isGenerated
  }
}

/// What a column holds, and how it travels. A value.
package enum ColumnType: Hashable, Sendable {
  case bool
  case int64
  case double
  case string
  case bytes
  /// Microseconds since 1970 UTC; google.protobuf.Timestamp on the wire.
  case timestamp
  /// `YYYY-MM-DD`.
  case date
  /// `HH:MM:SS` with up to six decimals.
  case timeOfDay
  /// A decimal number as text. `asWritten`: declared `DECIMAL TEXT`; otherwise the column has
  /// SQLite's numeric affinity.
  case decimal(asWritten: Bool)
  case uuid
  /// JSON text. `asWritten`: declared `JSON TEXT`.
  case json(asWritten: Bool)
  /// One of the values of a `CHECK (c IN (…))`, in declared order.
  case enumeration([String])
}
