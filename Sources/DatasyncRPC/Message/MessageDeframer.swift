package import NIOCore

/// Takes messages out of a stream's bytes: flag, length in four bytes, message. A value.
/// Source: grpc/doc/PROTOCOL-HTTP2.md.
package struct MessageDeframer: Sendable {
  package enum Output: Equatable, Sendable {
    case message(ByteBuffer, isCompressed: Bool)
    case needsMore
    /// The stream is not read any further.
    case failed(Status)
  }

  static let prefixBytes = 5

  private let maxMessageBytes: Int
  private var buffer = ByteBuffer()
  /// Whether `buffer` is a slice of what was received, and not this value's own.
  private var isBorrowed = true

  package init(maxMessageBytes: Int) {
    self.maxMessageBytes = maxMessageBytes
  }

  /// Received and not given out.
  package var bufferedBytes: Int { buffer.readableBytes }

  package mutating func append(_ data: ByteBuffer) {
    if buffer.readableBytes == 0 {
      buffer = data
      isBorrowed = true
    } else {
      own(room: data.readableBytes)
      buffer.writeImmutableBuffer(data)
    }
  }

  package mutating func next() -> Output {
    guard let flag = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else {
      return .needsMore
    }
    guard flag <= 1 else {
      return .failed(Status(.internal, "a message begins with the flag \(flag), not 0 or 1"))
    }
    guard let length = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt32.self) else {
      return .needsMore
    }
    guard length <= maxMessageBytes else {
      return .failed(
        Status(
          .resourceExhausted,
          "a message of \(length) bytes is over the limit of \(maxMessageBytes) (max_message_bytes)"
        ))
    }
    guard buffer.readableBytes >= Self.prefixBytes + Int(length) else { return .needsMore }
    buffer.moveReaderIndex(forwardBy: Self.prefixBytes)
    guard let message = buffer.readSlice(length: Int(length)) else { return .needsMore }
    if buffer.readableBytes == 0 { buffer = ByteBuffer() }
    return .message(message, isCompressed: flag == 1)
  }

  /// Copies what is left, so that a few bytes do not keep a whole read in memory.
  package mutating func detach() {
    if isBorrowed, buffer.readableBytes > 0 { own(room: 0) }
  }

  private mutating func own(room: Int) {
    guard isBorrowed else {
      if buffer.readerIndex > 4096, buffer.readerIndex > buffer.readableBytes {
        buffer.discardReadBytes()
      }
      return
    }
    var copy = ByteBuffer()
    copy.reserveCapacity(buffer.readableBytes + room)
    copy.writeImmutableBuffer(buffer)
    buffer = copy
    isBorrowed = false
  }
}
