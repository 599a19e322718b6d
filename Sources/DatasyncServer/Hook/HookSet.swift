import DatasyncModel
import NIOCore
import Synchronization

/// The hooks of a server, and how many of them are at work. Sendable.
final class HookSet: Sendable {
  let hooks: [any WriteHook]
  let timeout: TimeAmount
  let log: ServiceLog
  private let maxAtWork: Int
  private let atWork = Atomic(0)

  init(_ hooks: [any WriteHook], options: ServiceOptions, log: ServiceLog) {
    self.hooks = hooks
    self.log = log
    timeout = options.hookTimeout
    maxAtWork = options.maxHookedWrites
  }

  /// Whether any of them wants to see writes of the table.
  func concern(_ table: String) -> Bool { hooks.contains { $0.concerns(table) } }

  /// What does not come back stays counted, so that it cannot pile up.
  ///
  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_HOOKED_WRITES.
  func enter() throws(DatasyncError) {
    guard atWork.add(1, ordering: .relaxed).newValue <= maxAtWork else {
      leave()
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_HOOKED_WRITES",
        "\(maxAtWork) writes are before their hooks: try again later",
        metadata: ["limit": "max_hooked_writes"], retryAfter: .milliseconds(100))
    }
  }

  func leave() {
    atWork.subtract(1, ordering: .relaxed)
  }
}

extension WriteHook {
  func concerns(_ table: String) -> Bool { tables?.contains(table) ?? true }
}

extension DatasyncError {
  static func hookFailed(_ cause: any Error) -> DatasyncError {
    DatasyncError(
      .internal, reason: "HOOK_FAILED",
      "what the server does before it writes has failed: nothing was written", cause: cause)
  }

  static func hookTimedOut(_ timeout: TimeAmount) -> DatasyncError {
    DatasyncError(
      .unavailable, reason: "HOOK_TIMEOUT",
      "what the server does before it writes took longer than \(timeout.nanoseconds / 1_000_000) ms: nothing was written",
      metadata: ["limit": "hook_timeout"])
  }
}
