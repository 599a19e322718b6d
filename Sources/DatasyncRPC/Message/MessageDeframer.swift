package import NIOCore

/// Takes messages out of a stream's bytes, each from behind its ``MessagePrefix``. A value.
package struct MessageDeframer: Sendable {
  /// What there is to be taken. A value.
  package enum Output: Equatable, Sendable {
    case message(ByteBuffer, isCompressed: Bool)
    case needsMore
    /// The stream is not read any further.
    case failed(Status)
  }

  private let maxMessageBytes: Int
  /// nil: empty. NIO's empty buffer is one for the process, and every thread would count its references.
  private var buffer: ByteBuffer?
  /// Whether `buffer` is a slice of what was received, and not this value's own.
  private var isBorrowed = true

  /// - Parameter maxMessageBytes: Of a message as it comes, without its prefix; 0: only empty ones.
  package init(maxMessageBytes: Int) {
    self.maxMessageBytes = maxMessageBytes
  }

  /// Received and not given out.
  package var bufferedBytes: Int { buffer?.readableBytes ?? 0 }

  /// Keeps a slice of what was received where nothing waits before it, else copies.
  package mutating func append(_ data: ByteBuffer) {
    guard data.readableBytes > 0 else { return }
    if buffer == nil {
      buffer = data
      isBorrowed = true
    } else {
      own(room: data.readableBytes)
      buffer?.writeImmutableBuffer(data)
    }
  }

  /// Lets go of everything.
  package mutating func removeAll() {
    buffer = nil
  }

  /// The next message, which must be whole: a slice, without a copy. A failure stays one.
  package mutating func next() -> Output {
    guard let waiting = buffer?.readableBytes else { return .needsMore }
    guard let flags = buffer?.messageFlags else { return .needsMore }
    guard flags.isSubset(of: .compressed) else {
      return .failed(
        Status(.internal, "a message begins with the flag \(flags.rawValue), not 0 or 1"))
    }
    guard let length = buffer?.messageLength else { return .needsMore }
    guard length <= maxMessageBytes else {
      return .failed(
        Status(
          .resourceExhausted,
          "a message of \(length) bytes is over the limit of \(maxMessageBytes) (max_message_bytes)"
        ))
    }
    let isCompressed = flags.contains(.compressed)
    let size = MessagePrefix.byteCount + Int(length)
    guard waiting >= size else { return .needsMore }
    guard waiting > size else {
      // The last one takes the memory along.
      guard var message = buffer.take() else { return .needsMore }
      message.moveReaderIndex(forwardBy: MessagePrefix.byteCount)
      return .message(message, isCompressed: isCompressed)
    }
    buffer?.moveReaderIndex(forwardBy: MessagePrefix.byteCount)
    guard let message = buffer?.readSlice(length: Int(length)) else { return .needsMore }
    return .message(message, isCompressed: isCompressed)
  }

  /// Copies what is left, so that a few bytes do not keep a whole read in memory.
  package mutating func detach() {
    if isBorrowed, buffer != nil { own(room: 0) }
  }

  private mutating func own(room: Int) {
    guard var old = buffer.take() else { return }
    guard isBorrowed else {
      if old.readerIndex > 4096, old.readerIndex > old.readableBytes { old.discardReadBytes() }
      buffer = old
      return
    }
    var copy = ByteBuffer()
    copy.reserveCapacity(old.readableBytes + room)
    copy.writeImmutableBuffer(old)
    buffer = copy
    isBorrowed = false
  }
}
