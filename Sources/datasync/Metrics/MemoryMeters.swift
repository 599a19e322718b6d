import DatasyncRPC
import Metrics

/// `datasync_memory_bytes` and `datasync_memory_limit_bytes`, by account. Sendable.
struct MemoryMeters: Sendable {
  func set(_ accounts: [MemoryAccount]) {
    for account in accounts {
      let dimensions = [("account", account.name), ("limits", account.limits)]
      Meter(label: "datasync_memory_limit_bytes", dimensions: dimensions)
        .set(Double(account.maxBytes))
      guard let bytes = account.bytes else { continue }
      Meter(label: "datasync_memory_bytes", dimensions: [("account", account.name)])
        .set(Double(bytes))
    }
  }
}
