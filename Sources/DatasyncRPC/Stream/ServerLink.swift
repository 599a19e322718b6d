import DatasyncHTTP1
import DatasyncHTTP2
import NIOCore

/// The HTTP that a client's connection speaks. Loop-bound.
///
/// Every member means what it does in ``HTTP2Connection``; where a protocol has no such thing, nothing.
enum ServerLink {
  case http2(HTTP2Connection)
  case http1(HTTP1Connection)
  /// It is not known yet: nothing has been said, or nothing but TLS.
  case none

  @inline(__always)
  var now: NIODeadline {
    switch self {
    case .http2(let connection): connection.now
    case .http1(let connection): connection.now
    case .none: NIODeadline.uptimeNanoseconds(0)
    }
  }

  var channel: (any Channel)? {
    switch self {
    case .http2(let connection): connection.channel
    case .http1(let connection): connection.channel
    case .none: nil
    }
  }

  var traffic: ConnectionTraffic {
    switch self {
    case .http2(let connection): connection.traffic
    case .http1(let connection): connection.traffic
    case .none: ConnectionTraffic()
    }
  }

  var windows: (local: Int, remote: Int)? {
    switch self {
    case .http2(let connection): connection.windows
    case .http1, .none: nil
    }
  }

  var streams: [ServerStream] {
    switch self {
    case .http2(let connection): connection.streams.map { .http2($0) }
    case .http1(let connection): connection.stream.map { [.http1($0)] } ?? []
    case .none: []
    }
  }

  @inline(__always)
  func countMessagesSent(_ count: Int) {
    switch self {
    case .http2(let connection): connection.countMessagesSent(count)
    case .http1(let connection): connection.countMessagesSent(count)
    case .none: break
    }
  }

  @inline(__always)
  func countMessageReceived() {
    switch self {
    case .http2(let connection): connection.countMessageReceived()
    case .http1(let connection): connection.countMessageReceived()
    case .none: break
    }
  }

  func beginDrain(reason: String, grace: TimeAmount) {
    switch self {
    case .http2(let connection):
      connection.beginDrain(reason: reason, grace: grace, endsCalls: false)
    case .http1(let connection): connection.beginDrain(timeLeft: grace)
    case .none: break
    }
  }

  func close(reason: String) {
    switch self {
    case .http2(let connection): connection.close(reason: reason)
    case .http1(let connection): connection.close()
    case .none: break
    }
  }
}
