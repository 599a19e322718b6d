import Foundation
import NIOCore
import Testing

@testable import DatasyncRPC

/// Streams of anything.
struct FuzzTests {
  @Test func `a stream in any parts is taken apart as in one`() throws {
    let count = try Mutator.run("messages") { mutator, corpus in
      let bytes = mutator.input(corpus)
      let input = Comment(rawValue: Data(bytes).base64EncodedString())
      var whole = MessageDeframer(maxMessageBytes: 1000)
      whole.append(ByteBuffer(bytes: bytes))
      let expected = Self.outputs(&whole)
      var deframer = MessageDeframer(maxMessageBytes: 1000)
      var outputs: [MessageDeframer.Output] = []
      for part in mutator.parts(bytes) {
        deframer.append(ByteBuffer(bytes: part))
        outputs += Self.outputs(&deframer)
        if case .failed = outputs.last { break }
        if mutator.below(2) == 0 { deframer.detach() }
      }
      #expect(outputs == expected, input)
      let payload = outputs.reduce(0) { sum, output in
        guard case .message(let message, _) = output else { return sum }
        #expect(message.readableBytes <= 1000, input)
        return sum + MessageDeframer.prefixBytes + message.readableBytes
      }
      if case .failed = outputs.last { return }
      #expect(payload + deframer.bufferedBytes == bytes.count, input)
    }
    #expect(count > 0)
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

  @Test func `compressed bytes of any kind give a message within the limit, or a fault`() throws {
    var sizes: Set<Int> = []
    let count = try Mutator.run("gzip") { mutator, corpus in
      let bytes = mutator.input(corpus)
      let input = Comment(rawValue: Data(bytes).base64EncodedString())
      let limit = [0, 10, 10_000, 1 << 20][mutator.below(4)]
      for encoding in [Encoding.gzip, .deflate] {
        let message = try? Compression.decompress(
          ByteBuffer(bytes: bytes), encoding, maxBytes: limit)
        #expect(message.map { $0.readableBytes <= limit } ?? true, input)
        if let message { sizes.insert(message.readableBytes) }
      }
    }
    #expect(count > 0)
    // The unchanged ones are among them.
    #expect(sizes.contains(17) || count < 1000)
  }
}
