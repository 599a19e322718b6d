import DatasyncHTTP2

/// What one kind of thing takes in memory, and what it may take. A value.
package struct MemoryAccount: Sendable, Equatable {
  /// Of the label `account`; a word or two with underscores.
  package let name: String
  /// Now, about; nil: not known.
  package let bytes: Int?
  /// What the limits permit; `Int.max` where that is more than can be counted.
  package let maxBytes: Int
  /// What ``maxBytes`` is made of, with the names of limits.
  package let limits: String

  package init(_ name: String, _ bytes: Int?, of maxBytes: Int, _ limits: String) {
    self.name = name
    self.bytes = bytes
    self.maxBytes = maxBytes
    self.limits = limits
  }
}

extension RPCServer {
  /// What a connection takes by itself, with TLS and its calls at rest.
  private static let connectionBytes = 128 << 10

  /// What clients have sent, what is there for them, and the connections themselves.
  package var memoryAccounts: [MemoryAccount] {
    let own = RPCServer.connectionBytes + 2 * options.http2.bufferedBytesShare
    return [
      MemoryAccount(
        "connections", connectionCount * RPCServer.connectionBytes,
        of: options.maxConnections.multipliedClamped(by: own),
        "max_connections × (128KiB + 2 × buffered_bytes_share)"),
      MemoryAccount(
        "requests", options.requestBudget?.heldBytes, of: options.maxRequestBytes,
        "max_request_bytes"),
      MemoryAccount(
        "output", options.http2.bufferBudget?.heldBytes, of: options.maxBufferedBytes,
        "max_buffered_bytes"),
    ]
  }
}

extension Int {
  /// `Int.max` where it would be more.
  package func multipliedClamped(by factor: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
