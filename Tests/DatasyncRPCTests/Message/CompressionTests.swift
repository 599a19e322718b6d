import NIOCore
import Testing

@testable import DatasyncRPC

struct CompressionTests {
  @Test(arguments: [Encoding.gzip, .deflate])
  func `what is compressed comes back`(encoding: Encoding) throws {
    for size in [0, 1, 100, 65_536, 200_000] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
      let message = ByteBuffer(bytes: bytes)
      let small = try #require(Compression.compress(message, encoding))
      let back = try Compression.decompress(small, encoding, maxBytes: size)
      #expect(back == message)
    }
  }

  @Test(arguments: [Encoding.gzip, .deflate])
  func `a bomb stops at the limit`(encoding: Encoding) throws {
    let bomb = try #require(
      Compression.compress(ByteBuffer(repeating: 0, count: 16 << 20), encoding))
    #expect(bomb.readableBytes < 100_000)
    #expect(throws: Compression.Fault.tooLarge) {
      try Compression.decompress(bomb, encoding, maxBytes: 4 << 20)
    }
    let exact = try #require(Compression.compress(ByteBuffer(repeating: 0, count: 1000), encoding))
    #expect(try Compression.decompress(exact, encoding, maxBytes: 1000).readableBytes == 1000)
    #expect(throws: Compression.Fault.tooLarge) {
      try Compression.decompress(exact, encoding, maxBytes: 999)
    }
  }

  @Test func `memory that is out is neither a message's size nor its form`() {
    // zlib.h: Z_MEM_ERROR, Z_DATA_ERROR, Z_BUF_ERROR, Z_VERSION_ERROR.
    #expect(Compression.Fault(code: -4) == .outOfMemory)
    for code in [-3, -5, -6] as [Int32] { #expect(Compression.Fault(code: code) == .malformed) }
  }

  @Test(arguments: [Encoding.gzip, .deflate])
  func `what is cut, broken or followed by more is refused`(encoding: Encoding) throws {
    let good = try #require(Compression.compress(ByteBuffer(string: "hello hello"), encoding))
    for count in 0..<good.readableBytes {
      let cut = try #require(good.getSlice(at: 0, length: count))
      #expect(throws: Compression.Fault.malformed) {
        try Compression.decompress(cut, encoding, maxBytes: 1000)
      }
    }
    var longer = good
    longer.writeInteger(UInt8(0))
    #expect(throws: Compression.Fault.malformed) {
      try Compression.decompress(longer, encoding, maxBytes: 1000)
    }
    #expect(throws: Compression.Fault.malformed) {
      try Compression.decompress(ByteBuffer(string: "not compressed"), encoding, maxBytes: 1000)
    }
  }
}
