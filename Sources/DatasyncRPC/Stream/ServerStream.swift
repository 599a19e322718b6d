package import DatasyncHTTP1
package import DatasyncHTTP2
import NIOCore

/// What a call runs on, whichever HTTP carries it. Loop-bound; as cheap to hold as the one object in it.
///
/// Every member means what it does in ``HTTP2Stream``.
package enum ServerStream {
  case http2(HTTP2Stream)
  case http1(HTTP1Stream)

  /// The request's fields, pseudo-header fields first.
  var head: HeaderBlock {
    switch self {
    case .http2(let stream): stream.head
    case .http1(let stream): stream.request.fields
    }
  }

  var exceededHeaderLimit: Limit? {
    switch self {
    case .http2(let stream): stream.exceededHeaderLimit
    // Such a request has been refused.
    case .http1: nil
    }
  }

  var isHTTP2: Bool {
    if case .http2 = self { return true }
    return false
  }

  /// Whether an answer's length need not be known.
  var hasStreams: Bool {
    switch self {
    case .http2: true
    case .http1(let stream): !stream.request.isVersion10
    }
  }

  /// Nil: nobody, or somebody who knows HTTP/2 alone.
  var delegate: (any ServerStreamDelegate)? {
    get {
      switch self {
      case .http2(let stream): stream.delegate as? any ServerStreamDelegate
      case .http1(let stream): stream.delegate as? any ServerStreamDelegate
      }
    }
    nonmutating set {
      switch self {
      case .http2(let stream): stream.delegate = newValue
      case .http1(let stream): stream.delegate = newValue
      }
    }
  }

  @inline(__always)
  var isRemoteEnded: Bool {
    switch self {
    case .http2(let stream): stream.isRemoteEnded
    case .http1(let stream): stream.isRemoteEnded
    }
  }

  var isHeadAlone: Bool {
    switch self {
    case .http2(let stream): stream.isHeadAlone
    case .http1(let stream): stream.isHeadAlone
    }
  }

  /// Whether the client sends its body only once it is told to.
  var awaitsContinue: Bool {
    switch self {
    case .http2: false
    case .http1(let stream): stream.request.expectsContinue
    }
  }

  var isResetByUs: Bool {
    switch self {
    case .http2(let stream): stream.isResetByUs
    case .http1(let stream): stream.isResetByUs
    }
  }

  @inline(__always)
  var awaitsBytes: Bool {
    get {
      switch self {
      case .http2(let stream): stream.awaitsBytes
      case .http1(let stream): stream.awaitsBytes
      }
    }
    nonmutating set {
      switch self {
      case .http2(let stream): stream.awaitsBytes = newValue
      case .http1(let stream): stream.awaitsBytes = newValue
      }
    }
  }

  var lastRead: NIODeadline {
    switch self {
    case .http2(let stream): stream.lastRead
    case .http1(let stream): stream.lastRead
    }
  }

  var lastWrite: NIODeadline {
    switch self {
    case .http2(let stream): stream.lastWrite
    case .http1(let stream): stream.lastWrite
    }
  }

  // MARK: - Sending

  @inline(__always)
  var bufferedBytes: Int {
    switch self {
    case .http2(let stream): stream.bufferedBytes
    case .http1(let stream): stream.bufferedBytes
    }
  }

  @inline(__always)
  var isWritable: Bool {
    switch self {
    case .http2(let stream): stream.isWritable
    case .http1(let stream): stream.isWritable
    }
  }

  func respond(_ head: HeaderBlock, endStream: Bool = false) {
    switch self {
    case .http2(let stream): stream.respond(head, endStream: endStream)
    case .http1(let stream): stream.respond(head, endStream: endStream)
    }
  }

  func respond(endStream: Bool = false, adding add: (inout HeaderBlock) -> Void) {
    switch self {
    case .http2(let stream): stream.respond(endStream: endStream, adding: add)
    case .http1(let stream):
      var fields = HeaderBlock()
      add(&fields)
      stream.respond(fields, endStream: endStream)
    }
  }

  @inline(__always)
  func respond(_ head: FixedFields) {
    switch self {
    case .http2(let stream): stream.respond(head)
    case .http1(let stream): stream.respond(HeaderBlock(head))
    }
  }

  @inline(__always)
  @discardableResult
  func write(_ body: (inout ByteBuffer) -> Void) -> Bool {
    switch self {
    case .http2(let stream): stream.write(body)
    case .http1(let stream): stream.write(body)
    }
  }

  @inline(__always)
  func write(shared bytes: ByteBuffer) -> Bool {
    switch self {
    case .http2(let stream): stream.write(shared: bytes)
    case .http1(let stream): stream.write { $0.writeImmutableBuffer(bytes) }
    }
  }

  func finish() {
    switch self {
    case .http2(let stream): stream.finish()
    case .http1(let stream): stream.finish()
    }
  }

  func finish(trailers add: (inout HeaderBlock) -> Void) {
    switch self {
    case .http2(let stream): stream.finish(trailers: add)
    case .http1(let stream): stream.finish()
    }
  }

  @inline(__always)
  func finish(trailers: FixedFields) {
    switch self {
    case .http2(let stream): stream.finish(trailers: trailers)
    case .http1(let stream): stream.finish()
    }
  }

  func reset(_ code: HTTP2ErrorCode) {
    switch self {
    case .http2(let stream): stream.reset(code)
    case .http1(let stream): stream.reset()
    }
  }

  // MARK: - Receiving

  @inline(__always)
  func consume(_ bytes: Int) {
    switch self {
    case .http2(let stream): stream.consume(bytes)
    case .http1(let stream): stream.consume(bytes)
    }
  }
}
