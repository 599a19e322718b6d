import DatasyncStorage
import Synchronization

/// Tells a read on another thread to stop. Sendable.
final class CancellationFlag: ReadCancellation {
  private let flag = Atomic<Bool>(false)

  var isCancelled: Bool { flag.load(ordering: .relaxed) }

  func cancel() {
    flag.store(true, ordering: .relaxed)
  }
}
