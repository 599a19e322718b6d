import DatasyncModel
import DatasyncStorage

/// Tells whether a repeated mutation id comes with the same request: equal for equal meaning,
/// whatever the bytes on the wire looked like.
enum RequestFingerprint {
  static func of(_ operations: [WriteOperation], isCommit: Bool) -> [UInt8] {
    var writer = WireWriter(reservingCapacity: 256)
    writer.append(field: 15, bool: isCommit)
    for operation in operations {
      switch operation {
      case .create(let draft):
        writer.append(field: 1) { write(draft, to: &$0) }
      case .replace(let draft, let condition):
        writer.append(field: 2) { nested in
          write(draft, to: &nested)
          write(condition, to: &nested)
        }
      case .update(let draft, let columns, let condition):
        writer.append(field: 3) { nested in
          write(draft, to: &nested)
          write(condition, to: &nested)
          for column in columns {
            nested.append(field: 9, varint: UInt64(draft.table.columns[column].number))
          }
        }
      case .delete(let table, let key, let ifVersion):
        writer.append(field: 4) { nested in
          nested.append(field: 1, varint: UInt64(table.id))
          nested.append(field: 2, string: key)
          nested.append(field: 3, varint: ifVersion.rawValue)
        }
      }
    }
    return Fingerprint.hash128(writer.bytes)
  }

  private static func write(_ draft: RowDraft, to writer: inout WireWriter) {
    writer.append(field: 1, varint: UInt64(draft.table.id))
    var row = RowEncoder()
    for (column, value) in zip(draft.table.columns, draft.values) {
      if let value { row.append(value, to: column) }
    }
    writer.append(field: 2, bytes: row.finish().bytes)
  }

  private static func write(_ condition: WriteCondition, to writer: inout WireWriter) {
    writer.append(field: 3, varint: condition.ifVersion.rawValue)
    writer.append(field: 4, bool: condition.allowMissing)
    writer.append(field: 5, bool: condition.includeDeleted)
  }
}
