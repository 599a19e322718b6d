package import NIOCore

/// What stands on a WebSocket: kinds of frames, codes of closing, and how a server writes them. Namespace.
/// Source: RFC 6455, sections 5 and 7.4.
package enum WebSocketFrame {
  /// What a frame is; the codes between are nobody's.
  package enum Kind: UInt8, Sendable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    var isControl: Bool { rawValue >= 8 }
  }

  /// Why a WebSocket is closed. A value.
  package struct CloseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
      self.rawValue = rawValue
    }

    package static let normal = CloseCode(rawValue: 1000)
    package static let protocolError = CloseCode(rawValue: 1002)
    /// Text where bytes are due, or the reverse.
    package static let unacceptableKind = CloseCode(rawValue: 1003)
    package static let badText = CloseCode(rawValue: 1007)
    package static let tooLarge = CloseCode(rawValue: 1009)

    /// What a call's status is here: 4000 and its code, but for OK.
    package init(_ code: Status.Code) {
      rawValue = code == .ok ? 1000 : 4000 + UInt16(clamping: code.rawValue)
    }

    /// Whether a client may say it. Source: RFC 6455, section 7.4.
    var isSendable: Bool {
      switch rawValue {
      case 1000...1003, 1007...1014, 3000...4999: true
      default: false
      }
    }
  }

  /// Of a control frame.
  package static let maxControlBytes = 125

  /// Appends a whole frame, as servers send it: without a mask.
  package static func append(
    _ kind: Kind, _ payload: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
  ) {
    buffer.writeInteger(0x80 | kind.rawValue)
    switch payload.count {
    case ...125: buffer.writeInteger(UInt8(payload.count))
    case ...0xFFFF:
      buffer.writeInteger(UInt8(126))
      buffer.writeInteger(UInt16(payload.count))
    default:
      buffer.writeInteger(UInt8(127))
      buffer.writeInteger(UInt64(payload.count))
    }
    buffer.writeBytes(payload)
  }

  /// Appends the frame that closes, its reason cut at a character to what fits.
  ///
  /// - Parameter code: Nil: none is said.
  package static func appendClose(
    _ code: CloseCode?, _ reason: String = "", to buffer: inout ByteBuffer
  ) {
    var payload: [UInt8] = []
    if let code {
      payload = [UInt8(code.rawValue >> 8), UInt8(code.rawValue & 0xFF)]
      for character in reason.unicodeScalars {
        let bytes = String(character).utf8
        guard payload.count + bytes.count <= maxControlBytes else { break }
        payload += bytes
      }
    }
    payload.withUnsafeBytes { append(.close, $0, to: &buffer) }
  }
}
