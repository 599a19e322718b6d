/// An error code of RST_STREAM and GOAWAY. A value. Source: RFC 9113, section 7.
package struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
  /// As on the wire; codes that nobody has defined are kept, and may be taken for `internalError`.
  package let rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// No fault: a graceful shutdown; in RST_STREAM, a response that is whole before its request is.
  package static let noError = HTTP2ErrorCode(rawValue: 0)
  /// A rule was broken for which there is no code more exact.
  package static let protocolError = HTTP2ErrorCode(rawValue: 1)
  /// The sender's own fault.
  package static let internalError = HTTP2ErrorCode(rawValue: 2)
  /// More bytes came than the window held, or the window grew over 2^31-1.
  package static let flowControlError = HTTP2ErrorCode(rawValue: 3)
  /// SETTINGS were not acknowledged in time: ``HTTP2Options/settingsTimeout``.
  package static let settingsTimeout = HTTP2ErrorCode(rawValue: 4)
  /// A frame came for a stream whose sender had ended it.
  package static let streamClosed = HTTP2ErrorCode(rawValue: 5)
  /// The length does not fit the frame's type, or is over SETTINGS_MAX_FRAME_SIZE.
  package static let frameSizeError = HTTP2ErrorCode(rawValue: 6)
  /// Nothing was done for the stream: its request may be sent again as it is.
  package static let refusedStream = HTTP2ErrorCode(rawValue: 7)
  /// The stream is not needed any more; also for a peer that is idle, or takes nothing, for too long.
  package static let cancel = HTTP2ErrorCode(rawValue: 8)
  /// The header compression's state is lost, and with it the connection.
  package static let compressionError = HTTP2ErrorCode(rawValue: 9)
  /// The connection behind a CONNECT was lost; gRPC has none.
  package static let connectError = HTTP2ErrorCode(rawValue: 10)
  /// The peer sends too much of something; the debug data of GOAWAY name the ``Limit``.
  package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 11)
  /// The TLS connection does not meet RFC 9113, section 9.2.
  package static let inadequateSecurity = HTTP2ErrorCode(rawValue: 12)
  /// The request has to come by HTTP/1.1.
  package static let http11Required = HTTP2ErrorCode(rawValue: 13)
}
