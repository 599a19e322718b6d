import DatasyncModel
import Foundation

/// Where a ``MemoryStorage`` keeps what survives it. Sendable.
///
/// `@unchecked`: touched with the lock held.
package final class MemoryDisk: @unchecked Sendable {
  /// A value.
  struct Content {
    var state: MemoryState
    let historyID: String
    let tokenKey: [UInt8]
  }

  private let lock = NSLock()
  private var content: Content?

  package init() {}

  /// What there is, or else the beginning of a history.
  func open(_ options: MemoryOptions) -> Content {
    lock.withLock {
      if let content { return content }
      let begun = Content(
        state: MemoryState(catalog: options.catalog, defaults: options.defaults),
        historyID: UUID().uuidString, tokenKey: (0..<32).map { _ in .random(in: 0...255) })
      content = begun
      return begun
    }
  }

  func save(_ state: MemoryState) {
    lock.withLock { content?.state = state }
  }

  /// What another process would find if this one ended now.
  package func copy() -> MemoryDisk {
    let copy = MemoryDisk()
    copy.content = lock.withLock { content }
    return copy
  }
}
