package import NIOCore

/// Takes messages out of what a client sends on a WebSocket. A value.
///
/// What has come of a message is unmasked and put together as it comes, so that nothing is held twice, and
/// nothing for a length that was only said. Source: RFC 6455, sections 5 and 8.1.
package struct WebSocketReader: Sendable {
  /// What there is to be taken. A value.
  package enum Output: Equatable, Sendable {
    case message(ByteBuffer)
    case ping(ByteBuffer)
    case pong
    /// The client ends it; nothing follows.
    case close(WebSocketFrame.CloseCode?)
    case needsMore
    /// The WebSocket is not read any further.
    case failed(WebSocketFrame.CloseCode, String)
  }

  /// A frame that has begun. A value.
  private struct Frame: Sendable {
    let kind: WebSocketFrame.Kind
    let isFinal: Bool
    let mask: [UInt8]
    let length: Int
    var read = 0
  }

  /// Of a message, without anything in them.
  package static let maxEmptyFragments = 16

  private let kind: WebSocketFrame.Kind
  private let maxMessageBytes: Int
  private let headroom: Int
  private var input = ByteBuffer()
  private var frame: Frame?
  /// Nil: none has begun.
  private var message: ByteBuffer?
  private var control = ByteBuffer()
  private var emptyFragments = 0

  /// - Parameters:
  ///   - isText: What messages are; others are refused.
  ///   - headroom: Bytes that stand free before each message that is given out.
  package init(isText: Bool, maxMessageBytes: Int, headroom: Int = 0) {
    kind = isText ? .text : .binary
    self.maxMessageBytes = maxMessageBytes
    self.headroom = headroom
  }

  /// Received and not given out.
  package var heldBytes: Int {
    input.readableBytes + control.readableBytes + (message?.readableBytes ?? 0)
  }

  /// Whether more of a message or a frame is due.
  package var isWithinMessage: Bool { message != nil || frame != nil || input.readableBytes > 0 }

  package mutating func append(_ data: ByteBuffer) {
    if input.readableBytes == 0 {
      input = data
    } else {
      input.discardReadBytes()
      input.writeImmutableBuffer(data)
    }
  }

  /// Copies what is left, so that a few bytes do not keep a whole read in memory.
  package mutating func detach() {
    var copy = ByteBuffer()
    copy.writeImmutableBuffer(input)
    input = copy
  }

  /// What comes next; after a failure or a close nothing is to be asked for.
  package mutating func next() -> Output {
    do throws(Fault) {
      while true {
        if frame == nil {
          guard let begun = try readHead() else { return .needsMore }
          try begin(begun)
        }
        guard readPayload(), let whole = frame else { return .needsMore }
        frame = nil
        if let output = try ended(whole) { return output }
      }
    } catch {
      return .failed(error.code, error.sentence)
    }
  }

  private struct Fault: Error {
    let code: WebSocketFrame.CloseCode
    let sentence: String

    init(_ sentence: String, _ code: WebSocketFrame.CloseCode = .protocolError) {
      self.code = code
      self.sentence = sentence
    }
  }

  // MARK: - Heads

  /// - Returns: Nil: it has not come whole.
  private mutating func readHead() throws(Fault) -> Frame? {
    let start = input.readerIndex
    guard let first: UInt8 = input.getInteger(at: start) else { return nil }
    guard first & 0x70 == 0 else { throw Fault("a frame has bits of an extension") }
    guard let kind = WebSocketFrame.Kind(rawValue: first & 0x0F) else {
      throw Fault("a frame is of no known kind")
    }
    guard let second: UInt8 = input.getInteger(at: start + 1) else { return nil }
    guard second & 0x80 != 0 else { throw Fault("a frame is not masked") }
    guard let (length, lengthBytes) = try readLength(second & 0x7F, at: start + 2) else {
      return nil
    }
    let isFinal = first & 0x80 != 0
    if kind.isControl, !isFinal || length > WebSocketFrame.maxControlBytes {
      throw Fault("a control frame is too long or in fragments")
    }
    guard let mask = input.getBytes(at: start + 2 + lengthBytes, length: 4) else { return nil }
    input.moveReaderIndex(forwardBy: 6 + lengthBytes)
    return Frame(kind: kind, isFinal: isFinal, mask: mask, length: length)
  }

  /// A length is written in as few bytes as it can be.
  private func readLength(
    _ short: UInt8, at index: Int
  ) throws(Fault) -> (length: Int, bytes: Int)? {
    switch short {
    case 126:
      guard let length: UInt16 = input.getInteger(at: index) else { return nil }
      guard length > 125 else { throw Fault("a length is longer than need be") }
      return (Int(length), 2)
    case 127:
      guard let length: UInt64 = input.getInteger(at: index) else { return nil }
      guard length > 0xFFFF else { throw Fault("a length is longer than need be") }
      guard let length = Int(exactly: length) else { throw Fault("a length is negative") }
      return (length, 8)
    default: return (Int(short), 0)
    }
  }

  private mutating func begin(_ begun: Frame) throws(Fault) {
    frame = begun
    if begun.kind.isControl { return }
    if begun.kind == .continuation {
      guard message != nil else { throw Fault("a fragment continues nothing") }
    } else {
      guard message == nil else { throw Fault("a message begins within another") }
      guard begun.kind == kind else {
        throw Fault(
          kind == .text ? "messages are texts here" : "messages are bytes here", .unacceptableKind)
      }
      message = ByteBuffer(repeating: 0, count: headroom)
      emptyFragments = 0
    }
    let count = (message?.readableBytes ?? 0) - headroom
    guard begun.length <= maxMessageBytes - count else {
      throw Fault(
        "a message is over the limit of \(maxMessageBytes) (max_message_bytes)", .tooLarge)
    }
    guard begun.length == 0, !begun.isFinal else { return }
    emptyFragments += 1
    guard emptyFragments <= WebSocketReader.maxEmptyFragments else {
      throw Fault("a message has too many fragments without a byte")
    }
  }

  // MARK: - Payloads

  /// - Returns: Whether the frame at hand is whole.
  private mutating func readPayload() -> Bool {
    guard var frame else { return false }
    let count = min(frame.length - frame.read, input.readableBytes)
    if count > 0, let part = input.readSlice(length: count) {
      if frame.kind.isControl {
        WebSocketReader.unmask(part, frame.mask, from: frame.read, to: &control)
      } else {
        var whole = message.take() ?? ByteBuffer()
        WebSocketReader.unmask(part, frame.mask, from: frame.read, to: &whole)
        message = whole
      }
      frame.read += count
      self.frame = frame
    }
    return frame.read == frame.length
  }

  private static func unmask(
    _ part: ByteBuffer, _ mask: [UInt8], from offset: Int, to buffer: inout ByteBuffer
  ) {
    let count = part.readableBytes
    let turned = (0..<8).map { UInt64(mask[(offset + $0) & 3]) << (8 * $0) }.reduce(0, |)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
      part.withUnsafeReadableBytes { bytes in
        var index = 0
        while index + 8 <= count {
          let word = UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
          room.storeBytes(of: (word ^ turned).littleEndian, toByteOffset: index, as: UInt64.self)
          index += 8
        }
        while index < count {
          room[index] = bytes[index] ^ UInt8(truncatingIfNeeded: turned >> (8 * (index & 7)))
          index += 1
        }
      }
      return count
    }
  }

  /// - Returns: Nil: more of the message is to come.
  private mutating func ended(_ frame: Frame) throws(Fault) -> Output? {
    switch frame.kind {
    case .ping: return .ping(takeControl())
    case .pong:
      _ = takeControl()
      return .pong
    case .close: return .close(try closeCode(takeControl()))
    case .continuation, .text, .binary:
      guard frame.isFinal, let whole = message.take() else { return nil }
      guard kind == .binary || WebSocketReader.isText(whole, from: headroom) else {
        throw Fault("a message is not UTF-8", .badText)
      }
      return .message(whole)
    }
  }

  private mutating func takeControl() -> ByteBuffer {
    defer { control = ByteBuffer() }
    return control
  }

  private func closeCode(_ payload: ByteBuffer) throws(Fault) -> WebSocketFrame.CloseCode? {
    guard payload.readableBytes > 0 else { return nil }
    guard let code: UInt16 = payload.getInteger(at: payload.readerIndex) else {
      throw Fault("a close frame has half a code")
    }
    guard WebSocketFrame.CloseCode(rawValue: code).isSendable else {
      throw Fault("a close frame has the code \(code), which none may")
    }
    guard WebSocketReader.isText(payload, from: 2) else {
      throw Fault("the reason of a close frame is not UTF-8", .badText)
    }
    return WebSocketFrame.CloseCode(rawValue: code)
  }

  private static func isText(_ buffer: ByteBuffer, from offset: Int) -> Bool {
    String(validating: buffer.readableBytesView.dropFirst(offset), as: UTF8.self) != nil
  }
}
