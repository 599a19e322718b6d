package import DatasyncModel

/// One entry of the log where it lies in the database's memory: confined to the call that lends it.
package struct LogEntry {
  /// ``Change/sequence``.
  package let sequence: Sequence
  /// ``Table/id``.
  package let tableID: Int
  /// Of `tableAttached`, the key is empty and there are no images.
  package let operation: Change.Operation
  /// ``Change/faulty``.
  package let faulty: FaultyImages
  /// Of a commit's first entry: when and by whom, as ``CommitHead`` says.
  package let commit:
    (time: Int64, origin: UnsafeRawBufferPointer, principal: UnsafeRawBufferPointer)?
  /// The row's key, as text.
  package let key: UnsafeRawBufferPointer
  /// ``Change/before`` and ``Change/after``.
  package let before: UnsafeRawBufferPointer?
  /// nil: the row was removed; a soft delete keeps it.
  package let after: UnsafeRawBufferPointer?

  /// Of an entry beside its key and its images, in bytes, about.
  package static let overhead = 48

  /// Copies nothing: the memory must outlive the entry.
  package init(
    sequence: Sequence, tableID: Int, operation: Change.Operation, faulty: FaultyImages,
    commit: (time: Int64, origin: UnsafeRawBufferPointer, principal: UnsafeRawBufferPointer)?,
    key: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer?, after: UnsafeRawBufferPointer?
  ) {
    self.sequence = sequence
    self.tableID = tableID
    self.operation = operation
    self.faulty = faulty
    self.commit = commit
    self.key = key
    self.before = before
    self.after = after
  }

  /// What the log's bounds count it as.
  package var byteCount: Int {
    LogEntry.overhead + key.count + (before?.count ?? 0) + (after?.count ?? 0)
  }
}

/// When a commit happened, and by whom. A value.
package struct CommitHead: Hashable, Sendable {
  /// Microseconds since 1970 UTC.
  package let time: Int64
  /// ``Author/clientID``, in UTF-8.
  package let origin: [UInt8]
  /// ``Author/principal``, in UTF-8.
  package let principal: [UInt8]

  package init(time: Int64, origin: [UInt8], principal: [UInt8]) {
    self.time = time
    self.origin = origin
    self.principal = principal
  }
}
