/// A row as it travels: the protobuf bytes of its message, fields in order of number. A value.
package struct RowImage: Hashable, Sendable {
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) {
    self.bytes = bytes
  }
}

/// A row that the store holds. A value.
package struct StoredRow: Sendable {
  package let table: Table
  /// The key, as text.
  package let key: String
  package let image: RowImage
  package let version: Sequence
  package let isDeleted: Bool

  package init(table: Table, key: String, image: RowImage, version: Sequence, isDeleted: Bool) {
    self.table = table
    self.key = key
    self.image = image
    self.version = version
    self.isDeleted = isDeleted
  }
}

/// A row that a client sent to be written: checked, in canonical form. A value.
package struct RowDraft: Sendable {
  package let table: Table
  /// The i-th belongs to ``Table/columns``[i]; nil: absent in the message.
  package var values: [Value?]

  package init(table: Table, values: [Value?]) {
    precondition(values.count == table.columns.count, "one value a column")
    self.table = table
    self.values = values
  }
}
