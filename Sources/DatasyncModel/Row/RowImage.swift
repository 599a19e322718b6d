/// A row as it travels: the protobuf bytes of its message, fields in order of number. A value.
package struct RowImage: Hashable, Sendable {
  /// Empty where all is NULL. May hold ``RowFaults``: then it is not to be sent as it is.
  package let bytes: [UInt8]

  /// Nothing is checked.
  package init(bytes: [UInt8]) {
    self.bytes = bytes
  }
}

/// A row that the store holds. A value.
package struct StoredRow: Sendable {
  /// In whose columns the image is; a newer generation may be served by now.
  package let table: Table
  /// The key, as text.
  package let key: String
  /// Of the columns that were asked for: not always the whole row.
  package let image: RowImage
  /// The sequence of the change that wrote it, also where the image leaves the column out.
  package let version: Sequence
  /// Whether it is soft-deleted, also where the image leaves the column out.
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
  /// Against which the values were checked.
  package let table: Table
  /// The i-th belongs to ``Table/columns``[i]; nil: absent in the message.
  package var values: [Value?]

  /// - Parameter values: One for each column, or it traps; they are not checked.
  package init(table: Table, values: [Value?]) {
    precondition(values.count == table.columns.count, "one value a column")
    self.table = table
    self.values = values
  }
}
