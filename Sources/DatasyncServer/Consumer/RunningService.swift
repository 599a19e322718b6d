import Synchronization

/// The service of a server that may not run yet, or no more. Sendable.
final class RunningService: Sendable {
  private enum Phase {
    case before([UInt64: CheckedContinuation<DatasyncService?, Never>])
    case running(DatasyncService)
    case ended
  }

  private let state = Mutex((phase: Phase.before([:]), lastNumber: UInt64(0)))

  /// Waits until the server runs.
  ///
  /// - Returns: nil once it has ended, or where the task is cancelled.
  func service() async throws -> DatasyncService? {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let known: DatasyncService?? = state.withLock { state in
          switch state.phase {
          case .before(var waiting):
            // Cancelled before: the handler has found nobody.
            guard !Task.isCancelled else { return .some(nil) }
            waiting[number] = continuation
            state.phase = .before(waiting)
            return nil
          case .running(let service): return service
          case .ended: return .some(nil)
          }
        }
        if let known { continuation.resume(returning: known) }
      }
    } onCancel: {
      let waiting: CheckedContinuation<DatasyncService?, Never>? = state.withLock { state in
        guard case .before(var waiting) = state.phase else { return nil }
        let continuation = waiting.removeValue(forKey: number)
        state.phase = .before(waiting)
        return continuation
      }
      waiting?.resume(returning: nil)
    }
  }

  func began(_ service: DatasyncService) {
    resume(with: service) { $0 = .running(service) }
  }

  func ended() {
    resume(with: nil) { $0 = .ended }
  }

  private func resume(with service: DatasyncService?, _ change: (inout Phase) -> Void) {
    let waiting = state.withLock { state -> [CheckedContinuation<DatasyncService?, Never>] in
      defer { change(&state.phase) }
      if case .before(let waiting) = state.phase { return Array(waiting.values) }
      return []
    }
    for continuation in waiting { continuation.resume(returning: service) }
  }
}
