/// The limits that protect a server, by the names that options, metrics and errors give them. A value.
package enum Limit: String, CaseIterable, Sendable {
  case connections = "max_connections"
  case connectionsPerAddress = "max_connections_per_address"
  case streams = "max_concurrent_streams"
  case headerList = "max_header_list_bytes"
  case headerFields = "max_header_fields"
  case headerFlood = "max_header_flood_bytes"
  case message = "max_message_bytes"
  case handshakeTime = "handshake_timeout"
  case settingsTime = "settings_timeout"
  case headerTime = "header_timeout"
  case bodyTime = "body_idle_timeout"
  case writeTime = "write_timeout"
  case resetsReceived = "max_resets_received"
  case resetsSent = "max_resets_sent"
  case controlFrames = "max_control_frames"
  case settings = "max_settings"
  case pings = "max_ping_strikes"
  case emptyData = "max_empty_data_frames"
  case bufferedBytes = "max_buffered_bytes_per_connection"
  case requestBytes = "max_request_bytes"
  case requestBytesOfConnection = "max_request_bytes_per_connection"
  case keepaliveTime = "keepalive_timeout"
  case idleTime = "max_idle"
  case ageTime = "max_age"
  case continuations = "max_continuations"
  case queuedAcks = "max_queued_acks"

  /// What GOAWAY says: the name, but for what gRPC has a word of its own. Source: gRFC A8.
  package var debugText: String { self == .pings ? "too_many_pings" : rawValue }
}

/// Told whenever a limit strikes. Sendable: called on every event loop; must not block.
package protocol LimitObserver: Sendable {
  func limitReached(_ limit: Limit)
}
