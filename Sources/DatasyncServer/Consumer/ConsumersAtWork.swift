import DatasyncModel
import Synchronization

/// Who follows the log by name in this process, and how far each has come. Sendable; an entry for each.
final class ConsumersAtWork: Sendable {
  private struct State {
    var positions: [String: Sequence] = [:]
    var lastNumber: UInt64 = 0
    var isEnded = false
  }

  private let state = Mutex(State())

  /// - Returns: Whether nobody else has the name; it is to be left then.
  func enter(_ name: String) -> Bool {
    state.withLock { state in
      guard state.positions[name] == nil else { return false }
      state.positions[name] = .zero
      return true
    }
  }

  func leave(_ name: String) {
    state.withLock { $0.positions[name] = nil }
  }

  func moved(_ name: String, to position: Sequence) {
    state.withLock { $0.positions[name] = position }
  }

  /// Of one wait.
  func makeNumber() -> UInt64 {
    state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
  }

  func end() {
    state.withLock { $0.isEnded = true }
  }

  /// Whether the server takes nothing new.
  var isEnded: Bool { state.withLock { $0.isEnded } }
  var count: Int { state.withLock { $0.positions.count } }
  /// Where the one stands that is furthest behind; nil: there is none.
  var furthest: Sequence? { state.withLock { $0.positions.values.min() } }
}
