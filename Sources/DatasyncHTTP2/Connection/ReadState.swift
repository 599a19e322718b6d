import NIOCore

/// How far the read at hand has come. A value.
struct ReadState {
  /// Where the bytes are that nghttp2 is reading, for taking slices of them.
  var base: UnsafeRawPointer?
  /// Whether nghttp2 is reading.
  var isInSession = false
  /// Between a read and its completion, which sends what there is.
  var isOpen = false
  /// Whether the channel has been kept from reading, and waits to be asked.
  var isHeld = false
  /// Fewer bytes than tell HTTP/2 from HTTP/1.
  private var prefaceStart = ByteBuffer()

  /// The beginning of the client's preface; no method of HTTP/1 begins like this.
  private static let preface = Array("PRI".utf8)

  enum OnPreface {
    /// That is not known yet.
    case needsMore
    /// All that has come so far.
    case http2(ByteBuffer)
    case http1(isHeadOnly: Bool)
  }

  /// The first bytes of a connection of which it is not known what it speaks. What is neither goes to the
  /// session, which says so.
  mutating func prefaceBegan(_ bytes: ByteBuffer, answersHTTP1: Bool) -> OnPreface {
    prefaceStart.writeImmutableBuffer(bytes)
    let start = prefaceStart.readableBytesView
    if Self.preface.starts(with: start.prefix(Self.preface.count)) {
      guard start.count >= Self.preface.count else { return .needsMore }
    } else if answersHTTP1, HTTP1Beginning.isRequest(start) {
      return .http1(isHeadOnly: HTTP1Beginning.isHeadOnly(start))
    }
    defer { prefaceStart = ByteBuffer() }
    return .http2(prefaceStart)
  }
}
