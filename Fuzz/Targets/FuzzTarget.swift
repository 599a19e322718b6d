/// A way into the server for bytes of others, and what has to hold whatever they are. A value.
///
/// Each has its inputs in `Fuzz/corpus/<name>`.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// What a client sends on a connection, from the preface on, up to the handlers of calls.
  case http2
  /// The same from a client that keeps to the form of frames; ``ClientFrames`` says how inputs are
  /// read.
  case frames
  /// The same in Connect and gRPC-Web, on a listener for the web.
  case web
  /// The bytes of a call's stream: prefixes, messages, compressed ones among them.
  case messages
  /// Requests of the contract, in a session or alone.
  case envelope
  /// A row, from a client or from the store.
  case row

  /// Page tokens and resume tokens: their text, and what is in it.
  case token
  /// What a mutation id was answered, as the database keeps it.
  case stored
  /// Requests of HTTP/1, on a connection.
  case http1
  /// What a client sends on a WebSocket.
  case websocket
  /// Protobuf's JSON, from a client, or of a message.
  case json

  /// - Throws: ``FuzzFault``, where something did not hold.
  package func run(_ bytes: [UInt8]) throws {
    switch self {
    case .http2: try ConnectionTarget.run(bytes: bytes)
    case .frames: try ConnectionTarget.run(frames: bytes)
    case .web: try ConnectionTarget.run(frames: bytes, isWeb: true)
    case .messages: try MessagesTarget.run(bytes)
    case .envelope: try EnvelopeTarget.run(bytes)
    case .row: try RowTarget.run(bytes)
    case .token: try TokenTarget.run(bytes)
    case .stored: try StoredTarget.run(bytes)
    case .http1: try HTTP1Target.run(bytes)
    case .websocket: try WebSocketTarget.run(bytes)
    case .json: try JSONTarget.run(bytes)
    }
  }
}

/// What did not hold. A value.
package struct FuzzFault: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) {
    self.description = description
  }
}

func require(_ condition: Bool, _ description: @autoclosure () -> String) throws(FuzzFault) {
  if !condition { throw FuzzFault(description()) }
}

/// The first byte of an input that arrives in parts says in which. A value.
struct Arrival {
  let partBytes: Int
  private let bits: UInt8

  init(_ byte: UInt8) {
    bits = byte
    partBytes = [Int.max, 1, 9, 64][Int(byte & 3)]
  }

  /// One of six choices, from 0.
  func choice(_ index: UInt8) -> Bool { bits >> (2 + index) & 1 == 1 }

  func parts(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var rest = bytes
    var parts: [ArraySlice<UInt8>] = []
    while !rest.isEmpty {
      parts.append(rest.prefix(partBytes))
      rest = rest.dropFirst(partBytes)
    }
    return parts
  }
}
