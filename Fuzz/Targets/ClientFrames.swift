/// What a client does that keeps to the form of frames, as the bytes of an input tell: two a step, and
/// what the step takes besides. So that most inputs get as far as calls, where those of
/// ``FuzzTarget/http2`` mostly end at a length that is wrong. A value.
struct ClientFrames {
  enum Step {
    case bytes([UInt8])
    case wait(milliseconds: Int64)
  }

  private(set) var steps: [Step] = []
  private var input: ArraySlice<UInt8>
  private var lastStream: UInt32 = 0
  /// Whether calls come in the protocols of the web.
  private let isWeb: Bool

  private static let maxSteps = 200
  private static let paths = [
    "/f.E/U", "/f.E/C", "/f.E/P", "/f.E/M", "/f.E/S", "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/f.E/None",
  ]

  private static let webTypes = [
    "application/proto", "application/json", "application/connect+proto",
    "application/connect+json", "application/grpc-web", "application/grpc-web+json",
    "application/grpc-web-text", "application/grpc-web-text+proto", "application/grpc",
    "text/plain",
  ]

  init(_ input: ArraySlice<UInt8>, isWeb: Bool = false) {
    self.input = input
    self.isWeb = isWeb
    append(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
    frame(4, flags: 0, stream: 0, [])
    while !self.input.isEmpty, steps.count < ClientFrames.maxSteps { step(next(), next()) }
  }

  private mutating func next() -> UInt8 { input.popFirst() ?? 0 }

  private mutating func take(_ count: Int) -> [UInt8] {
    defer { input = input.dropFirst(count) }
    return Array(input.prefix(count))
  }

  private mutating func append(_ bytes: [UInt8]) {
    steps.append(.bytes(bytes))
  }

  /// - Parameter argument: Its lowest three bits choose the stream; the rest is the step's.
  private mutating func step(_ kind: UInt8, _ argument: UInt8) {
    let stream = self.stream(argument)
    switch kind & 15 {
    case 0, 1: open(argument, endsStream: kind & 15 == 1)
    case 2, 3: frame(0, flags: kind & 1, stream: stream, message(isCompressed: argument & 8 != 0))
    case 4: frame(0, flags: argument >> 3 & 1, stream: stream, take(Int(next())))
    case 5: frame(0, flags: 1, stream: stream, [])
    case 6: frame(3, flags: 0, stream: stream, [0, 0, 0, argument >> 3])
    case 7: frame(8, flags: 0, stream: stream, number(UInt32(next()) << UInt32(argument >> 3)))
    case 8: frame(8, flags: 0, stream: 0, number(UInt32(next()) << UInt32(argument >> 3)))
    case 9:
      let value = number(UInt32(next()) << UInt32(argument >> 3))
      frame(4, flags: 0, stream: 0, [0, argument & 7] + value)
    case 10: frame(6, flags: argument >> 3 & 1, stream: 0, [UInt8](repeating: argument, count: 8))
    case 11: frame(7, flags: 0, stream: 0, number(0) + number(UInt32(argument >> 3)))
    case 12: frame(1, flags: 5, stream: stream, field("trailer", "1"))
    case 13: steps.append(.wait(milliseconds: Int64(argument) * 40))
    case 14:
      let padding = Int(argument >> 3)
      frame(
        0, flags: 8, stream: stream,
        [UInt8(padding)] + message(isCompressed: false) + [UInt8](repeating: 0, count: padding))
    default: frame(argument, flags: next(), stream: self.stream(next()), take(Int(next() & 31)))
    }
  }

  /// The last one that was opened, one before it, or one that is not open yet.
  private func stream(_ argument: UInt8) -> UInt32 {
    let back = UInt32(argument & 7)
    return back == 7 ? lastStream + 2 : lastStream > 2 * back ? lastStream - 2 * back : 1
  }

  private mutating func open(_ argument: UInt8, endsStream: Bool) {
    lastStream += lastStream == 0 ? 1 : 2
    var block =
      field(":method", "POST") + field(":scheme", "http") + field(":authority", "localhost")
      + field(":path", ClientFrames.paths[Int(argument & 7)]) + field("te", "trailers")
    block += isWeb ? webFields(next()) : field("content-type", "application/grpc")
    if argument & 8 != 0 { block += field("grpc-timeout", "\(next())m") }
    if argument & 16 != 0 { block += field("grpc-encoding", "gzip") }
    if argument & 32 != 0 { block += field("grpc-accept-encoding", "gzip,deflate") }
    if argument & 64 != 0 { block += field("key-bin", "AAEC") }
    let flags: UInt8 = endsStream ? 1 : 0
    guard argument & 128 != 0 else {
      return frame(1, flags: flags | 4, stream: lastStream, block)
    }
    frame(1, flags: flags, stream: lastStream, Array(block.prefix(20)))
    frame(9, flags: 4, stream: lastStream, Array(block.dropFirst(20)))
  }

  /// A prefix and as many bytes as it says.
  private mutating func message(isCompressed: Bool) -> [UInt8] {
    let bytes = take(Int(next()))
    return [isCompressed ? 1 : 0] + number(UInt32(bytes.count)) + bytes
  }

  /// - Parameter choice: Its lowest four bits choose the type.
  private mutating func webFields(_ choice: UInt8) -> [UInt8] {
    let types = ClientFrames.webTypes
    var fields = field("content-type", types[Int(choice & 15) % types.count])
    if choice & 16 != 0 {
      fields += field("content-encoding", "gzip") + field("connect-content-encoding", "gzip")
    }
    if choice & 32 != 0 {
      fields += field("accept-encoding", "gzip") + field("connect-accept-encoding", "gzip")
      fields += field("grpc-accept-encoding", "deflate")
    }
    if choice & 64 != 0 { fields += field("connect-timeout-ms", "\(next())") }
    if choice & 128 != 0 { fields += field("origin", "http://localhost") }
    return fields
  }

  /// Literal, never indexed, without Huffman codes (RFC 7541 §6.2.3); both shorter than 127 bytes.
  private func field(_ name: String, _ value: String) -> [UInt8] {
    [0x10, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)]
      + Array(value.utf8)
  }

  private func number(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private mutating func frame(_ kind: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) {
    let head = Array(number(UInt32(payload.count)).dropFirst()) + [kind, flags] + number(stream)
    append(head + payload)
  }
}
