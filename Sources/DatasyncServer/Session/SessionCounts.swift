import DatasyncModel
import Synchronization

/// How many sessions each principal and each address has. Sendable; shared by all loops. It holds two
/// entries a session at most, and none where there is no limit.
final class SessionCounts: Sendable {
  enum Kind: Hashable, Sendable {
    case principal, address
  }

  struct Key: Hashable, Sendable {
    let kind: Kind
    let name: [UInt8]

    init(_ kind: Kind, _ name: some StringProtocol) {
      self.kind = kind
      self.name = Array(name.utf8)
    }
  }

  private let counts = Mutex<[Key: Int]>([:])

  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_SESSIONS_PER_PRINCIPAL or MAX_SESSIONS_PER_ADDRESS.
  func admit(_ key: Key, max: Int) throws(DatasyncError) {
    let isAdmitted = counts.withLock { counts in
      guard counts[key, default: 0] < max else { return false }
      counts[key, default: 0] += 1
      return true
    }
    if !isAdmitted { throw .tooManySessions(of: key.kind, max: max) }
  }

  func leave(_ key: Key) {
    counts.withLock { counts in
      guard let count = counts[key] else { return }
      counts[key] = count > 1 ? count - 1 : nil
    }
  }
}

extension DatasyncError {
  fileprivate static func tooManySessions(of kind: SessionCounts.Kind, max: Int) -> DatasyncError {
    let (reason, limit, whose) =
      switch kind {
      case .principal: ("MAX_SESSIONS_PER_PRINCIPAL", "max_sessions_per_principal", "a principal")
      case .address: ("MAX_SESSIONS_PER_ADDRESS", "max_sessions_per_address", "an address")
      }
    return DatasyncError(
      .resourceExhausted, reason: reason, "\(whose) has at most \(max) sessions: end another first",
      metadata: ["limit": limit])
  }
}
