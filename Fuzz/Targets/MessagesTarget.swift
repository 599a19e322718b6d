import DatasyncRPC
import NIOCore

/// The deframer, and zlib behind it. Namespace.
enum MessagesTarget {
  private static let maxBytes = 4096

  static func run(_ bytes: [UInt8]) throws {
    guard let first = bytes.first else { return }
    let arrival = Arrival(first)
    var whole = MessageDeframer(maxMessageBytes: maxBytes)
    whole.append(ByteBuffer(bytes: bytes.dropFirst()))
    let expected = outputs(&whole)

    var deframer = MessageDeframer(maxMessageBytes: maxBytes)
    var outputs: [MessageDeframer.Output] = []
    for part in arrival.parts(bytes.dropFirst()) {
      deframer.append(ByteBuffer(bytes: part))
      outputs += Self.outputs(&deframer)
      if case .failed = outputs.last { break }
      if arrival.choice(0) { deframer.detach() }
    }
    try require(outputs == expected, "in parts \(outputs), as a whole \(expected)")

    var bytesGivenOut = 0
    for case .message(let message, let isCompressed) in outputs {
      try require(message.readableBytes <= maxBytes, "a message of \(message.readableBytes) bytes")
      bytesGivenOut += 5 + message.readableBytes
      if isCompressed { try decompress(message, arrival.choice(1) ? .deflate : .gzip) }
    }
    if case .failed = outputs.last { return }
    try require(
      bytesGivenOut + deframer.bufferedBytes == bytes.count - 1,
      "\(bytesGivenOut) bytes given out and \(deframer.bufferedBytes) kept of \(bytes.count - 1)")
  }

  private static func outputs(_ deframer: inout MessageDeframer) -> [MessageDeframer.Output] {
    var outputs: [MessageDeframer.Output] = []
    while true {
      let output = deframer.next()
      if output == .needsMore { return outputs }
      outputs.append(output)
      if case .failed = output { return outputs }
    }
  }

  /// A message within the limit that is the same after there and back, or a fault.
  private static func decompress(_ message: ByteBuffer, _ encoding: Encoding) throws {
    guard let plain = try? Compression.decompress(message, encoding, maxBytes: maxBytes) else {
      return
    }
    try require(plain.readableBytes <= maxBytes, "\(plain.readableBytes) bytes decompressed")
    guard let again = Compression.compress(plain, encoding) else {
      throw FuzzFault("\(plain.readableBytes) bytes cannot be compressed")
    }
    let back = try? Compression.decompress(again, encoding, maxBytes: maxBytes)
    try require(back == plain, "\(plain.readableBytes) bytes are others after there and back")
  }
}
