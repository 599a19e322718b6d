package import DatasyncModel

/// A read: called once, with a snapshot or the reason why there is none. Sendable.
package struct StorageRead: Sendable {
  /// Whose rows it looks at; it waits for the changes of other programs in those alone.
  package let scope: ReadScope
  /// The snapshot stands at this sequence or later; the reader's own, for another process may know less.
  package let atLeast: Sequence
  /// Asked before the read begins and while it works; nil: nobody cancels it.
  package let cancellation: (any ReadCancellation)?
  /// Whose it is; clients have their turns.
  package let client: UInt64
  /// Whether it takes so little that it goes before those that scan.
  package let isShort: Bool
  /// Runs on a thread of the store's; on the caller's where the read is refused at once.
  package let run: @Sendable (Result<any StorageSnapshot, DatasyncError>) -> Void

  package init(
    scope: ReadScope, atLeast: Sequence, cancellation: (any ReadCancellation)?, client: UInt64 = 0,
    isShort: Bool, run: @escaping @Sendable (Result<any StorageSnapshot, DatasyncError>) -> Void
  ) {
    self.scope = scope
    self.atLeast = atLeast
    self.cancellation = cancellation
    self.client = client
    self.isShort = isShort
    self.run = run
  }
}
