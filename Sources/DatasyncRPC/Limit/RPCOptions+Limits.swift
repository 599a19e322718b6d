import DatasyncHTTP2
import NIOCore

extension RPCOptions {
  /// Every limit of the wire.
  package static let limits = LimitTable(connections + sizes + times + rates + life)

  private static let connections: [LimitSetting<RPCOptions>] = [
    .count("max_connections", \.maxConnections, 1...1_000_000, "connections in all"),
    .count(
      "max_connections_per_address", \.maxConnectionsPerAddress, 1...1_000_000,
      "connections from one IP address"),
    .count(
      "accept_backlog", \.backlog, 1...65_535, "connections that the kernel holds to be accepted"),
    .count(
      "max_concurrent_streams", \.http2.maxConcurrentStreams, 1...1_000_000,
      "calls at once on a connection"),
  ]

  private static let sizes: [LimitSetting<RPCOptions>] = [
    .bytes("max_message_bytes", \.maxMessageBytes, 1...(1 << 30), "one message, decompressed"),
    .bytes(
      "stream_window_bytes", \.http2.streamWindowBytes, 65_535...Int(Int32.max),
      "what a call may send before it is read"),
    .bytes(
      "connection_window_bytes", \.http2.connectionWindowBytes, 65_535...Int(Int32.max),
      "the same for all calls of a connection"),
    .bytes("max_frame_bytes", \.http2.maxFrameBytes, 16_384...16_777_215, "one frame"),
    .bytes(
      "max_header_list_bytes", \.http2.maxHeaderListBytes, 1024...(16 << 20),
      "a call's header fields, 32 added for each"),
    .count("max_header_fields", \.http2.maxHeaderFields, 8...100_000, "header fields of a call"),
    .bytes(
      "max_header_flood_bytes", \.http2.maxHeaderFloodBytes, 1024...(1 << 30),
      "a refused header list that is still read"),
    .count(
      "max_continuations", \.http2.maxContinuations, 1...100_000,
      "parts in which a header list may arrive"),
    .bytes(
      "max_buffered_bytes", \.maxBufferedBytes, 65_536...(1 << 40),
      "held for clients that do not take it, in all"),
    .bytes(
      "max_buffered_bytes_per_connection", \.http2.maxBufferedBytesPerConnection,
      65_536...(1 << 40), "the same for one connection"),
    .bytes(
      "buffered_bytes_share", \.http2.bufferedBytesShare, 65_536...(1 << 40),
      "what each connection may hold still when max_buffered_bytes or max_request_bytes is used up"),
    .bytes(
      "max_request_bytes", \.maxRequestBytes, 65_536...(1 << 40),
      "of messages that are not whole yet and of requests that run, in all"),
    .bytes(
      "max_request_bytes_per_connection", \.maxRequestBytesPerConnection, 65_536...(1 << 40),
      "the same for one connection"),
    .bytes(
      "max_unread_bytes_per_connection", \.http2.maxUnreadBytesPerConnection, 65_536...(1 << 40),
      "received and not read by any call, before the client is stopped"),
  ]

  private static let times: [LimitSetting<RPCOptions>] = [
    .time(
      "handshake_timeout", \.http2.handshakeTimeout, "the TLS handshake; then preface and SETTINGS"),
    .time("settings_timeout", \.http2.settingsTimeout, "to acknowledge the server's SETTINGS"),
    .time("header_timeout", \.http2.headerTimeout, "from the start of a header list to its end"),
    .time(
      "body_idle_timeout", \.http2.bodyIdleTimeout, "without a byte of a message that is due"),
    .time(
      "write_timeout", \.http2.writeTimeout, "without taking a byte of what is there to be sent"),
  ]

  private static let rates: [LimitSetting<RPCOptions>] = [
    .count("max_resets_received", \.http2.maxResetsReceived, 1...1_000_000, "resets at once"),
    .count(
      "resets_received_per_second", \.http2.resetsReceivedPerSecond, 0...1_000_000,
      "resets a second after that", unit: .perSecond),
    .count(
      "max_resets_sent", \.http2.maxResetsSent, 1...1_000_000,
      "resets at once that a client provokes"),
    .count(
      "resets_sent_per_second", \.http2.resetsSentPerSecond, 0...1_000_000,
      "provoked resets a second after that", unit: .perSecond),
    .count(
      "max_control_frames", \.http2.maxControlFrames, 1...1_000_000_000,
      "PRIORITY, WINDOW_UPDATE and unknown frames of a connection"),
    .count(
      "control_frames_per_stream", \.http2.controlFramesPerStream, 0...1_000_000,
      "as many more for each call"),
    .count(
      "control_frames_per_data_frame", \.http2.controlFramesPerDataFrame, 0...1_000_000,
      "as many more for each DATA frame sent"),
    .count(
      "control_frames_per_message", \.http2.controlFramesPerMessage, 0...1_000_000,
      "as many more for each message sent"),
    .count("max_settings", \.http2.maxSettings, 1...1_000_000, "SETTINGS frames at once"),
    .count(
      "settings_per_second", \.http2.settingsPerSecond, 0...1_000_000,
      "SETTINGS frames a second after that", unit: .perSecond),
    .count(
      "max_empty_data_frames", \.http2.maxEmptyDataFrames, 1...1_000_000, "empty DATA in a row"),
    .count(
      "max_queued_acks", \.http2.maxQueuedAcks, 1...1_000_000,
      "acknowledgements that a client has not taken"),
    .count(
      "max_ping_strikes", \.http2.maxPingStrikes, 0...1_000_000,
      "pings that come too soon, in a row; GOAWAY says too_many_pings"),
    .time("min_ping_interval", \.http2.minPingInterval, "less is too soon while calls run"),
    .time(
      "min_ping_interval_without_calls", \.http2.minPingIntervalWithoutCalls,
      "less is too soon while none runs"),
  ]

  private static let life: [LimitSetting<RPCOptions>] = [
    .time("keepalive_time", \.http2.keepaliveTime, "quiet for so long, a client is pinged"),
    .time("keepalive_timeout", \.http2.keepaliveTimeout, "to answer that ping"),
    .time("max_idle", \.http2.maxConnectionIdle, "a connection without calls"),
    .time("max_age", \.http2.maxConnectionAge, "a connection, give or take a tenth"),
    .time("max_age_grace", \.http2.maxConnectionAgeGrace, "for its calls after that"),
    .time(
      "drain_grace", \.drainGrace, "for calls after SIGTERM", in: .zero...(.hours(24 * 365))),
    .time(
      "drain_ping_timeout", \.http2.drainPingTimeout,
      "from the first GOAWAY to the last, without an answer to the ping between"),
    .time("linger_timeout", \.http2.lingerTimeout, "for a client to close once the server has"),
  ]
}
