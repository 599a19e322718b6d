import NIOCore
import Testing

@testable import DatasyncRPC

struct MessageFramerTests {
  @Test func `a message is framed alike, however it is written`() {
    for count in [0, 1, 255, 256, 70_000] {
      let message = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
      let length = (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) }
      var buffers = [ByteBuffer](repeating: ByteBuffer(bytes: [9]), count: 3)
      message.withUnsafeBytes { MessageFramer.append($0, to: &buffers[0]) }
      MessageFramer.append(to: &buffers[1]) { $0.writeBytes(message) }
      MessageFramer.append(to: &buffers[2], maxBytes: count + 64) { room in
        room.copyBytes(from: message)
        return count
      }
      for buffer in buffers { #expect(Array(buffer: buffer) == [9, 0] + length + message) }
    }
  }

  @Test func `a compressed message says so`() {
    var buffer = ByteBuffer()
    [UInt8]([7, 8]).withUnsafeBytes { MessageFramer.append($0, .compressed, to: &buffer) }
    #expect(Array(buffer: buffer) == [1, 0, 0, 0, 2, 7, 8])
  }

  @Test func `a prefix is read once it is whole, its flags before that`() {
    let bytes: [UInt8] = [0xFF, 3, 1, 2, 3, 4, 5]
    for count in 0...5 {
      var buffer = ByteBuffer(bytes: bytes.prefix(1 + count))
      buffer.moveReaderIndex(forwardBy: 1)
      #expect(buffer.messageFlags?.rawValue == (count > 0 ? 3 : nil))
      #expect(buffer.messageLength == (count == 5 ? 0x0102_0304 : nil))
    }
  }

  @Test func `a length beyond four bytes is cut, not turned over`() {
    #expect(MessagePrefix(length: 1 << 40).length == .max)
  }
}
