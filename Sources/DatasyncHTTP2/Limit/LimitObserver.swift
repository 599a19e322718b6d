/// The limits that protect a server, by the names that metrics and GOAWAY carry. A value.
package struct Limit: RawRepresentable, Hashable, Sendable {
  package let rawValue: String

  package init(rawValue: String) {
    self.rawValue = rawValue
  }

  package static let connections = Limit(rawValue: "max_connections")
  package static let connectionsPerAddress = Limit(rawValue: "max_connections_per_address")
  package static let streams = Limit(rawValue: "max_concurrent_streams")
  package static let headerList = Limit(rawValue: "max_header_list_bytes")
  package static let headerFields = Limit(rawValue: "max_header_fields")
  package static let headerFlood = Limit(rawValue: "header_flood")
  package static let message = Limit(rawValue: "max_message_bytes")
  package static let handshakeTime = Limit(rawValue: "handshake_timeout")
  package static let settingsTime = Limit(rawValue: "settings_timeout")
  package static let headerTime = Limit(rawValue: "header_timeout")
  package static let bodyTime = Limit(rawValue: "body_idle_timeout")
  package static let writeTime = Limit(rawValue: "write_timeout")
  package static let resetsReceived = Limit(rawValue: "too_many_resets_received")
  package static let resetsSent = Limit(rawValue: "too_many_resets_sent")
  package static let controlFrames = Limit(rawValue: "too_many_control_frames")
  package static let settings = Limit(rawValue: "too_many_settings")
  package static let pings = Limit(rawValue: "too_many_pings")
  package static let emptyData = Limit(rawValue: "too_many_empty_frames")
  package static let bufferedBytes = Limit(rawValue: "max_buffered_bytes_per_connection")
  package static let keepaliveTime = Limit(rawValue: "keepalive_timeout")
  package static let idleTime = Limit(rawValue: "max_idle")
  package static let ageTime = Limit(rawValue: "max_age")
  package static let continuations = Limit(rawValue: "too_many_continuations")
  package static let queuedAcks = Limit(rawValue: "too_many_queued_acks")
}

/// Told whenever a limit strikes. Sendable: called on every event loop; must not block.
package protocol LimitObserver: Sendable {
  func limitReached(_ limit: Limit)
}
