import NIOCore
import Testing

@testable import DatasyncRPC

struct MessageDeframerTests {
  private func framed(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
    let count = UInt32(message.count)
    return [flag] + withUnsafeBytes(of: count.bigEndian, Array.init) + message
  }

  @Test func `messages are the same however the bytes are cut`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SplitMix(seed: seed)
    for _ in 0..<200 {
      let messages = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        (0..<Int.random(in: 0...40, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
      }
      var rest = messages.flatMap { framed($0) }[...]
      var deframer = MessageDeframer(maxMessageBytes: 40)
      var found: [[UInt8]] = []
      while !rest.isEmpty {
        let count = Int.random(in: 1...rest.count, using: &random)
        deframer.append(ByteBuffer(bytes: rest.prefix(count)))
        rest = rest.dropFirst(count)
        if Bool.random(using: &random) { deframer.detach() }
        while case .message(let message, false) = deframer.next() {
          found.append(Array(buffer: message))
        }
      }
      #expect(found == messages, "seed \(seed)")
      #expect(deframer.bufferedBytes == 0, "seed \(seed)")
    }
  }

  @Test func `a length over the limit fails before its bytes have come`() {
    var deframer = MessageDeframer(maxMessageBytes: 100)
    deframer.append(ByteBuffer(bytes: [0, 0, 0, 0, 101]))
    guard case .failed(let status) = deframer.next() else {
      Issue.record("not refused")
      return
    }
    #expect(status.code == .resourceExhausted)
  }

  @Test(arguments: [UInt8(2), 3, 128, 255])
  func `a flag that is not known fails`(flag: UInt8) {
    var deframer = MessageDeframer(maxMessageBytes: 100)
    deframer.append(ByteBuffer(bytes: [flag]))
    guard case .failed(let status) = deframer.next() else {
      Issue.record("not refused")
      return
    }
    #expect(status.code == .internal)
  }

  @Test func `an empty message is one, and a part of one is none`() {
    var deframer = MessageDeframer(maxMessageBytes: 100)
    deframer.append(ByteBuffer(bytes: [1, 0, 0, 0]))
    let early = deframer.next()
    #expect(early == .needsMore)
    #expect(deframer.bufferedBytes == 4)
    deframer.append(ByteBuffer(bytes: [0]))
    let whole = deframer.next()
    #expect(whole == .message(ByteBuffer(), isCompressed: true))
    let after = deframer.next()
    #expect(after == .needsMore)
  }

  @Test func `a part that is kept does not keep the read that it came in`() {
    var deframer = MessageDeframer(maxMessageBytes: 1 << 20)
    var read = ByteBuffer(repeating: 0, count: 200_000)
    read.moveReaderIndex(to: 199_990)
    deframer.append(read)
    while case .message = deframer.next() {}
    deframer.append(ByteBuffer(bytes: [0, 0, 1, 0, 0, 7]))
    deframer.detach()
    #expect(deframer.bufferedBytes == 6)
  }
}

/// A generator that can be started again from its seed.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
