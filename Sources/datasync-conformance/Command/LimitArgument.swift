import ArgumentParser
import DatasyncHTTP2
import DatasyncRPC
import NIOCore

/// One limit of the server, set for a test that cannot wait for the default. A value.
struct LimitArgument: ExpressibleByArgument {
  private enum Limit {
    case count(any WritableKeyPath<RPCOptions, Int> & Sendable)
    case time(any WritableKeyPath<RPCOptions, TimeAmount> & Sendable)
    case optionalTime(any WritableKeyPath<RPCOptions, TimeAmount?> & Sendable)
  }

  private static let limits: [String: Limit] = [
    "max-message-bytes": .count(\.maxMessageBytes),
    "max-connections": .count(\.maxConnections),
    "max-connections-per-address": .count(\.maxConnectionsPerAddress),
    "max-concurrent-streams": .count(\.http2.maxConcurrentStreams),
    "max-buffered-bytes-per-connection": .count(\.http2.maxBufferedBytesPerConnection),
    "handshake-timeout": .time(\.http2.handshakeTimeout),
    "settings-timeout": .time(\.http2.settingsTimeout),
    "header-timeout": .time(\.http2.headerTimeout),
    "body-idle-timeout": .time(\.http2.bodyIdleTimeout),
    "write-timeout": .time(\.http2.writeTimeout),
    "keepalive-time": .time(\.http2.keepaliveTime),
    "keepalive-timeout": .time(\.http2.keepaliveTimeout),
    "max-connection-idle": .optionalTime(\.http2.maxConnectionIdle),
    "max-connection-age": .optionalTime(\.http2.maxConnectionAge),
    "max-connection-age-grace": .optionalTime(\.http2.maxConnectionAgeGrace),
    "drain-grace": .time(\.drainGrace),
  ]

  static var names: String { limits.keys.sorted().joined(separator: ", ") }

  private let limit: Limit
  private let number: Int

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let limit = Self.limits[String(parts[0])], let number = Int(parts[1]),
      number >= 0
    else { return nil }
    self.limit = limit
    self.number = number
  }

  func apply(to options: inout RPCOptions) {
    switch limit {
    case .count(let path): options[keyPath: path] = number
    case .time(let path): options[keyPath: path] = .milliseconds(Int64(number))
    case .optionalTime(let path): options[keyPath: path] = .milliseconds(Int64(number))
    }
  }
}
