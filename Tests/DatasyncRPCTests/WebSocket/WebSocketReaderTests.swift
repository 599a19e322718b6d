import DatasyncRPC
import NIOCore
import Testing

struct WebSocketReaderTests {
  /// A frame as clients send it.
  private func frame(
    _ first: UInt8, _ payload: [UInt8], mask: [UInt8]? = [1, 2, 3, 4], length: [UInt8]? = nil
  ) -> [UInt8] {
    let count = UInt8(clamping: payload.count)
    var bytes = [first] + (length ?? [count])
    if let mask {
      bytes[1] |= 0x80
      bytes += mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
    } else {
      bytes += payload
    }
    return bytes
  }

  private func read(
    _ bytes: [UInt8], isText: Bool = false, max: Int = 100, parts: Int = .max
  ) -> [WebSocketReader.Output] {
    var reader = WebSocketReader(isText: isText, maxMessageBytes: max)
    var outputs: [WebSocketReader.Output] = []
    var rest = bytes[...]
    while true {
      switch reader.next() {
      case .needsMore:
        guard !rest.isEmpty else { return outputs }
        reader.append(ByteBuffer(bytes: rest.prefix(parts)))
        rest = rest.dropFirst(parts)
      case .failed(let code, let sentence):
        return outputs + [.failed(code, sentence)]
      case .close(let code):
        return outputs + [.close(code)]
      case let output: outputs.append(output)
      }
    }
  }

  private func code(_ bytes: [UInt8], isText: Bool = false) -> UInt16? {
    guard case .failed(let code, _)? = read(bytes, isText: isText).last else { return nil }
    return code.rawValue
  }

  @Test(arguments: [1, 2, 3, 9, Int.max])
  func `messages are the same in any parts`(parts: Int) {
    let long = [UInt8](0..<100)
    let bytes =
      frame(0x82, long) + frame(0x02, [1, 2, 3]) + frame(0x89, [7]) + frame(0x00, [])
      + frame(0x80, [4, 5]) + frame(0x8A, []) + frame(0x82, []) + frame(0x88, [3, 0xE8, 0x61])
    #expect(
      read(bytes, parts: parts) == [
        .message(ByteBuffer(bytes: long)), .ping(ByteBuffer(bytes: [7])),
        .message(ByteBuffer(bytes: [1, 2, 3, 4, 5])), .pong, .message(ByteBuffer()),
        .close(.normal),
      ])
  }

  @Test func `what is written is read, at every length's edge`() {
    for count in [0, 1, 125, 126, 0xFFFF, 0x10000] {
      var buffer = ByteBuffer()
      let payload = [UInt8](repeating: 0xA5, count: count)
      payload.withUnsafeBytes { WebSocketFrame.append(.binary, $0, to: &buffer) }
      var bytes = Array(buffer.readableBytesView)
      bytes[1] |= 0x80
      bytes.insert(contentsOf: [0, 0, 0, 0], at: bytes.count - count)
      #expect(read(bytes, max: 0x10000) == [.message(ByteBuffer(bytes: payload))])
    }
  }

  @Test(
    arguments: [
      ([0x82, 0x01, 0x61], 1002), ([0xC2, 0x80], 1002), ([0x92, 0x80], 1002), ([0x83, 0x80], 1002),
      ([0x8B, 0x80], 1002), ([0x09, 0x80], 1002), ([0x89, 0xFE, 0, 126], 1002),
      ([0x82, 0xFE, 0, 125], 1002), ([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002),
      ([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002), ([0x80, 0x80, 0, 0, 0, 0], 1002),
      ([0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0], 1002),
      ([0x81, 0x80, 0, 0, 0, 0], 1003), ([0x82, 0xFE, 0x01, 0, 0, 0, 0, 0], 1009),
      ([0x88, 0x81, 0, 0, 0, 0, 3], 1002), ([0x88, 0x82, 0, 0, 0, 0, 3, 0xED], 1002),
      ([0x88, 0x82, 0, 0, 0, 0, 0, 1], 1002), ([0x88, 0x83, 0, 0, 0, 0, 3, 0xE8, 0xFF], 1007),
    ] as [([UInt8], UInt16)])
  func `a bad frame ends it with its code`(bytes: [UInt8], code: UInt16) {
    #expect(self.code(bytes) == code)
  }

  @Test func `a text is UTF-8, also where a character stands in two fragments`() {
    #expect(
      read(frame(0x01, [0xC3]) + frame(0x80, [0xA4]), isText: true)
        == [.message(ByteBuffer(string: "ä"))])
    #expect(code(frame(0x01, [0xC3]) + frame(0x80, [0x28]), isText: true) == 1007)
    #expect(code(frame(0x82, [1]), isText: true) == 1003)
  }

  @Test func `fragments have a bound, in bytes and in number`() {
    let small = (0..<3).flatMap { frame($0 == 0 ? 0x02 : 0x00, [UInt8](repeating: 1, count: 40)) }
    #expect(code(small) == 1009)
    #expect(code(frame(0x02, []) + (0..<20).flatMap { _ in frame(0x00, []) }) == 1002)
  }

  @Test func `nothing is held for a length that was only said`() {
    var reader = WebSocketReader(isText: false, maxMessageBytes: 1 << 30)
    reader.append(ByteBuffer(bytes: [0x82, 0xFF, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3, 4, 9]))
    #expect(reader.next() == .needsMore)
    #expect(reader.heldBytes == 1 && reader.isWithinMessage)
  }

  @Test func `the reason of a close is cut at a character`() {
    var buffer = ByteBuffer()
    WebSocketFrame.appendClose(
      WebSocketFrame.CloseCode(.unavailable), String(repeating: "ä", count: 80), to: &buffer)
    let bytes = Array(buffer.readableBytesView)
    #expect(Array(bytes.prefix(4)) == [0x88, 124, 0x0F, 0xAE])
    #expect(String(decoding: bytes[4...], as: UTF8.self) == String(repeating: "ä", count: 61))
  }
}
