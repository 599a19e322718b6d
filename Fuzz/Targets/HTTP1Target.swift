import DatasyncHTTP1
import DatasyncHTTP2
import NIOCore

/// Requests of HTTP/1 on a connection, heads and bodies. Namespace.
enum HTTP1Target {
  private static let maxHeadBytes = 1024

  static func run(_ bytes: [UInt8]) throws {
    guard let first = bytes.first else { return }
    let whole = read([bytes.dropFirst()])
    let parts = read(Arrival(first).parts(bytes.dropFirst()))
    try require(whole.requests == parts.requests, "in parts \(parts), as a whole \(whole)")
    try require(
      whole.bodyBytes + whole.leftBytes < bytes.count, "\(whole) of \(bytes.count) bytes")
  }

  /// What was read of a connection. A value.
  private struct Requests: Equatable {
    /// Heads and ends, as text.
    var requests: [String] = []
    var bodyBytes = 0
    var leftBytes = 0
    /// Whether it is not read any further.
    var isOver = false
  }

  private static func read(_ parts: [ArraySlice<UInt8>]) -> Requests {
    var found = Requests()
    var heads = HTTP1HeadReader(maxBytes: maxHeadBytes, maxFields: 16, scheme: "http")
    var body: HTTP1BodyReader?
    var buffer = ByteBuffer()
    for part in parts where !found.isOver {
      buffer.writeBytes(part)
      while read(&heads, &body, &buffer, &found) {}
    }
    found.leftBytes = buffer.readableBytes
    return found
  }

  /// - Returns: Whether there may be more.
  private static func read(
    _ heads: inout HTTP1HeadReader, _ body: inout HTTP1BodyReader?, _ buffer: inout ByteBuffer,
    _ found: inout Requests
  ) -> Bool {
    let output = body?.next(&buffer)
    switch output {
    case .bytes(let bytes)?:
      found.bodyBytes += bytes.readableBytes
    case .end?:
      found.requests.append("end after \(found.bodyBytes)")
      body = nil
    case .failed(let fault)?:
      found.requests.append("\(fault.status)")
      found.isOver = true
      return false
    case .needsMore?: return false
    case nil:
      switch heads.next(&buffer) {
      case .needsMore: return false
      case .head(let head):
        found.requests.append("\(head.fields.pairs) \(head.body) \(head.keepsAlive)")
        body = HTTP1BodyReader(head.body, maxTrailerBytes: maxHeadBytes)
      case .failed(let fault):
        found.requests.append("\(fault.status)")
        found.isOver = true
        return false
      }
    }
    return true
  }
}
