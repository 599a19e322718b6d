import DatasyncRPC
import NIOCore

/// What a client sends on a WebSocket. Namespace.
enum WebSocketTarget {
  private static let maxBytes = 4096

  static func run(_ bytes: [UInt8]) throws {
    guard let first = bytes.first else { return }
    let arrival = Arrival(first)
    let whole = try read([bytes.dropFirst()], arrival)
    let parts = try read(arrival.parts(bytes.dropFirst()), arrival)
    try require(whole == parts, "in parts \(parts), as a whole \(whole)")
    for case .message(let message) in whole {
      try require(message.readableBytes <= maxBytes, "a message of \(message.readableBytes) bytes")
    }
  }

  private static func read(
    _ parts: [ArraySlice<UInt8>], _ arrival: Arrival
  ) throws -> [WebSocketReader.Output] {
    var reader = WebSocketReader(isText: arrival.choice(0), maxMessageBytes: maxBytes)
    var outputs: [WebSocketReader.Output] = []
    for part in parts {
      reader.append(ByteBuffer(bytes: part))
      while true {
        let output = reader.next()
        if output == .needsMore { break }
        outputs.append(output)
        switch output {
        case .failed, .close: return outputs
        case .message, .ping, .pong, .needsMore: continue
        }
      }
      if arrival.choice(1) { reader.detach() }
      // A message, a control frame, and less than the head of another frame.
      try require(reader.heldBytes <= maxBytes + 125 + 14, "\(reader.heldBytes) bytes are held")
    }
    return outputs
  }
}
