package import DatasyncModel

/// That a row cannot be read, or no longer so, as one view sees it; without `more`. A value.
///
/// Source: `proto/datasync/v1/datasync.proto`, message Unreadable.
package struct UnreadableEvent: Sendable {
  /// Names the column at fault, too, which the fault gives by number.
  package let table: Table
  /// Empty: nothing can name the row.
  package let id: String
  /// The change's; of an initial row, its version.
  package let sequence: Sequence
  /// nil: it is no longer so.
  package let fault: RowFault?
  /// Comes among the rows that the subscription begins with.
  package var isInitial = false

  package init(table: Table, id: String, sequence: Sequence, fault: RowFault?) {
    self.table = table
    self.id = id
    self.sequence = sequence
    self.fault = fault
  }

  /// The bytes of a `datasync.v1.Unreadable`; `more` may be appended.
  package var encoded: [UInt8] {
    var writer = WireWriter(reservingCapacity: 256)
    writer.append(field: 1, string: table.name)
    if !id.isEmpty { writer.append(field: 2, string: id) }
    writer.append(field: 3, varint: sequence.rawValue)
    if let fault {
      let error = DatasyncError.unreadable(fault, key: id, table: table)
      writer.append(field: 4) { StatusWire.write(error, to: &$0) }
    }
    if isInitial { writer.append(field: 6, bool: true) }
    return writer.bytes
  }
}

/// A google.rpc.Status with its ErrorInfo alone, written without an arena, on any thread.
package enum StatusWire {
  /// Adds the Status's fields: code, message, and the ErrorInfo with its metadata in order of key. The
  /// error's violations, delay and row are left out.
  package static func write(_ error: DatasyncError, to writer: inout WireWriter) {
    writer.append(field: 1, varint: UInt64(UInt32(bitPattern: error.code.rawValue)))
    writer.append(field: 2, string: error.message)
    writer.append(field: 3) { any in
      any.append(field: 1, string: "type.googleapis.com/google.rpc.ErrorInfo")
      any.append(field: 2) { info in
        info.append(field: 1, string: error.reason)
        info.append(field: 2, string: "datasync")
        for (key, value) in error.metadata.sorted(by: { $0.key < $1.key }) {
          info.append(field: 3) { entry in
            entry.append(field: 1, string: key)
            entry.append(field: 2, string: value)
          }
        }
      }
    }
  }
}

/// An event on its way to several subscribers: what is theirs alone is put around it. A value.
package struct EncodedEvent: Hashable, Sendable {
  /// What may be added to the bytes: `own` and `more` to a change, `more` alone to an Unreadable.
  package enum Kind: Hashable, Sendable {
    /// A Change, or a table's own event.
    case change
    /// An Unreadable.
    case unreadable
  }

  package let kind: Kind
  /// Without `own` and `more`.
  package let bytes: [UInt8]

  package init(_ kind: Kind, _ bytes: [UInt8]) {
    self.kind = kind
    self.bytes = bytes
  }
}
