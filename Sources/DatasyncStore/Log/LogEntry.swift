package import DatasyncModel

/// One entry of the log where it lies in the database's memory: confined to the call that lends it.
package struct LogEntry {
  package let sequence: Sequence
  /// ``Table/id``.
  package let tableID: Int
  package let operation: Change.Operation
  /// ``Change/faulty``.
  package let faulty: FaultyImages
  /// Of a commit's first entry: its time, in microseconds since 1970, and the writer's client id.
  package let commit: (time: Int64, origin: UnsafeRawBufferPointer)?
  /// The row's key, as text.
  package let key: UnsafeRawBufferPointer
  /// ``Change/before`` and ``Change/after``.
  package let before: UnsafeRawBufferPointer?
  package let after: UnsafeRawBufferPointer?

  package var byteCount: Int {
    ChangeLog.entryOverhead + key.count + (before?.count ?? 0) + (after?.count ?? 0)
  }
}
