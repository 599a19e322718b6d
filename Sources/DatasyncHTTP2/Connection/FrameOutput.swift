import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Frames on their way into one write, in order; used again and again. A value.
///
/// Bytes that many streams send are written from where they are, not copied.
struct FrameOutput {
  /// Bytes of ``own``, and behind them bytes that others hold, too.
  private struct Part {
    let ownCount: Int
    let shared: ByteBuffer
  }

  private var own = ByteBuffer()
  private var parts: [Part] = []
  /// Of ``own``, in ``parts``.
  private var partedCount = 0
  private(set) var count = 0

  /// Each takes two of the 1,024 places of a vectored write (IOV_MAX).
  private static let maxParts = 256

  /// Whether it takes no more shared bytes.
  var isFullOfParts: Bool { parts.count >= Self.maxParts }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    own.append(bytes)
    count += bytes.count
  }

  mutating func append(shared bytes: ByteBuffer) {
    parts.append(Part(ownCount: own.readableBytes - partedCount, shared: bytes))
    partedCount = own.readableBytes
    count += bytes.readableBytes
  }

  mutating func removeAll() {
    guard count > 0 else { return }
    own.clear()
    // One by one where there are few, as in most writes: taking out a range costs more.
    if parts.count > 4 { parts.removeAll(keepingCapacity: true) }
    while parts.popLast() != nil {}
    partedCount = 0
    count = 0
  }

  /// A connection at rest keeps little.
  mutating func trim() {
    if own.capacity > HTTP2Connection.maxKeptBytes { self = FrameOutput() }
  }

  // MARK: - Written

  /// Writes to a socket that does not block, in one system call.
  ///
  /// - Returns: How many bytes the socket took: not all where it is full, or broken.
  func write(to socket: CInt) -> Int {
    if parts.isEmpty {
      let sent = own.withUnsafeReadableBytes { send(socket, $0.baseAddress, $0.count, Self.flags) }
      return max(0, sent)
    }
    return withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2 * parts.count + 1) { vectors in
      var used = 0
      forEachPiece { piece in
        vectors.initializeElement(
          at: used,
          to: iovec(
            iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count))
        used += 1
      }
      var message = msghdr()
      message.msg_iov = vectors.baseAddress
      message.msg_iovlen = .init(used)
      return max(0, sendmsg(socket, &message, Self.flags))
    }
  }

  #if canImport(Glibc)
    private static let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
  #else
    // SIGPIPE is off for NIO's sockets there.
    private static let flags = MSG_DONTWAIT
  #endif

  /// What is left behind so many bytes, as a buffer that lasts.
  func rest(after written: Int) -> ByteBuffer {
    if parts.isEmpty {
      var rest = own
      rest.moveReaderIndex(forwardBy: written)
      return rest
    }
    var rest = ByteBuffer()
    rest.reserveCapacity(count - written)
    var skipped = written
    forEachPiece { piece in
      let skip = min(skipped, piece.count)
      skipped -= skip
      rest.append(UnsafeRawBufferPointer(rebasing: piece[skip...]))
    }
    return rest
  }

  /// The pieces' memory is held by the output itself, and stays where it is.
  private func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
    own.withUnsafeReadableBytes { own in
      var start = 0
      for part in parts {
        if part.ownCount > 0 {
          body(UnsafeRawBufferPointer(rebasing: own[start..<start + part.ownCount]))
        }
        start += part.ownCount
        part.shared.withUnsafeReadableBytes(body)
      }
      if start < own.count { body(UnsafeRawBufferPointer(rebasing: own[start...])) }
    }
  }
}
