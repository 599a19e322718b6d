import DatasyncModel

/// A read: called once, with a snapshot or the reason why there is none. Sendable.
struct ReadJob: Sendable {
  let scope: ReadScope
  /// The snapshot stands at this sequence or later.
  let minimum: Sequence
  let cancellation: (any ReadCancellation)?
  /// Whose it is; clients have their turns.
  let client: UInt64
  /// Whether it takes so little that it goes before those that scan.
  let isShort: Bool
  let run: @Sendable (Result<Snapshot, DatasyncError>) -> Void
  /// Once it has had to wait for other programs' writes to be adopted: when it waits no more.
  var waitsUntil: Duration?

  init(
    scope: ReadScope, minimum: Sequence, cancellation: (any ReadCancellation)?, client: UInt64 = 0,
    isShort: Bool,
    run: @escaping @Sendable (Result<Snapshot, DatasyncError>) -> Void
  ) {
    self.scope = scope
    self.minimum = minimum
    self.cancellation = cancellation
    self.client = client
    self.isShort = isShort
    self.run = run
  }

  /// Whether it may be put aside until what it reads has been adopted.
  var mayWait: Bool { waitsUntil.map { MonotonicClock.now < $0 } ?? true }
}
