import DatasyncHTTP2
import NIOCore

/// The HTTP that a client's connection speaks. Loop-bound.
///
/// Every member means what it does in ``HTTP2Connection``.
enum ServerLink {
  case http2(HTTP2Connection)

  @inline(__always)
  var now: NIODeadline {
    switch self {
    case .http2(let connection): connection.now
    }
  }

  var channel: (any Channel)? {
    switch self {
    case .http2(let connection): connection.channel
    }
  }

  var traffic: ConnectionTraffic {
    switch self {
    case .http2(let connection): connection.traffic
    }
  }

  var windows: (local: Int, remote: Int)? {
    switch self {
    case .http2(let connection): connection.windows
    }
  }

  var streams: [ServerStream] {
    switch self {
    case .http2(let connection): connection.streams.map { .http2($0) }
    }
  }

  @inline(__always)
  func countMessagesSent(_ count: Int) {
    switch self {
    case .http2(let connection): connection.countMessagesSent(count)
    }
  }

  @inline(__always)
  func countMessageReceived() {
    switch self {
    case .http2(let connection): connection.countMessageReceived()
    }
  }

  func beginDrain(reason: String, grace: TimeAmount) {
    switch self {
    case .http2(let connection):
      connection.beginDrain(reason: reason, grace: grace, endsCalls: false)
    }
  }

  func close(reason: String) {
    switch self {
    case .http2(let connection): connection.close(reason: reason)
    }
  }
}
