import CDatasyncSQLite
import DatasyncModel

/// A row of a table beside as it was last known: what `datasync_rows` holds of it. A value.
struct KnownRow: Sendable {
  /// Microseconds since 1970.
  var createdAt: Int64
  var updatedAt: Int64
  var version: Sequence
  /// Whether the image says of values that they cannot be read; see ``RowFaults``.
  var isFaulty: Bool
  var image: RowImage
}

/// The system fields that a row of a table beside gets. A value.
struct RowStamp {
  var createdAt: Int64
  var updatedAt: Int64
  var version: Sequence
}

/// A row as the owner's table has it, ready to become an image. A value.
struct OwnersRow {
  /// The fields after the system's, encoded.
  var fields: [UInt8]
  var isDeleted: Bool
  var faults: [RowFault]
  /// Positions of columns that hold the first value that is not in their form.
  var strays: [Int] = []

  /// Reads a statement's row, whose columns are ``StoredTable/storedPositions``.
  init(_ statement: Statement, _ stored: StoredTable) {
    var encoder = RowEncoder()
    var faults: [RowFault] = []
    var isDeleted = false
    let columns = stored.table.columns
    for (index, position) in stored.storedPositions.enumerated() where position > 0 {
      if position == SystemColumn.deleted.rawValue {
        let value = try? ColumnReader.value(
          statement, Int32(index), column: columns[position], form: stored.plans[position].form)
        isDeleted = value == .bool(true)
        continue
      }
      do {
        try ColumnReader.append(
          statement, Int32(index), stored.plans[position], column: columns[position],
          to: &encoder)
      } catch {
        faults.append(RowFault(number: columns[position].number, description: error.description))
      }
      if stored.watchesForms, let storage = stored.storages[position], !storage.isMixed,
        !OwnersRow.isInForm(statement, Int32(index), storage)
      {
        strays.append(position)
      }
    }
    if RowKey(stored: statement, 0, table: stored.table) == nil {
      faults.insert(
        RowFault(
          number: SystemColumn.key.rawValue + 1,
          description: "the key is one by which no row can be named"), at: 0)
    }
    RowFaults.append(faults, to: &encoder)
    fields = encoder.bytes
    self.isDeleted = isDeleted
    self.faults = faults
  }

  private static func isInForm(
    _ statement: Statement, _ index: Int32, _ storage: ColumnStorage
  ) -> Bool {
    switch (statement.type(index), storage.form) {
    case (SQLITE_NULL, _), (_, .declared): true
    case (SQLITE_TEXT, .time):
      FormReader.isStored(text: statement.bytes(index), as: storage.form, type: storage.type)
    default: FormReader.isStored(statement.storedValue(index), as: storage.form, type: storage.type)
    }
  }

  /// Whether the image says the same of the owner's columns.
  func isSame(as known: KnownRow, key: Value, table: Table) -> Bool {
    let stamp = RowStamp(
      createdAt: known.createdAt, updatedAt: known.updatedAt, version: known.version)
    return image(key: key, stamp, table: table) == known.image
  }

  func image(key: Value, _ stamp: RowStamp, table: Table) -> RowImage {
    var encoder = RowEncoder(reservingCapacity: fields.count + 96)
    if RowKey(noted: key, table: table) != nil { encoder.append(key, to: table.key) }
    encoder.append(timestamp: stamp.createdAt, number: SystemColumn.createdAt.rawValue + 1)
    encoder.append(timestamp: stamp.updatedAt, number: SystemColumn.updatedAt.rawValue + 1)
    encoder.append(
      int64: Int64(clamping: stamp.version.rawValue), number: SystemColumn.version.rawValue + 1)
    encoder.append(bool: isDeleted, number: SystemColumn.deleted.rawValue + 1)
    encoder.append(encoded: fields)
    return encoder.finish()
  }
}
