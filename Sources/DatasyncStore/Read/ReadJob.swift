import DatasyncModel
import DatasyncStorage

/// A read as the queue has it. Sendable.
struct ReadJob: Sendable {
  private let read: StorageRead
  /// The snapshot stands at this sequence or later.
  let minimum: Sequence
  /// Once it has had to wait for other programs' writes to be adopted: when it waits no more.
  var waitsUntil: Duration?

  init(_ read: StorageRead, minimum: Sequence) {
    self.read = read
    self.minimum = minimum
  }

  var scope: ReadScope { read.scope }
  var cancellation: (any ReadCancellation)? { read.cancellation }
  var client: UInt64 { read.client }
  var isShort: Bool { read.isShort }
  var run: @Sendable (Result<any StorageSnapshot, DatasyncError>) -> Void { read.run }

  /// Whether it may be put aside until what it reads has been adopted.
  var mayWait: Bool { waitsUntil.map { MonotonicClock.now < $0 } ?? true }
}
