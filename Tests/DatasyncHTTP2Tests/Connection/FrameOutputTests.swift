import NIOCore
import Testing

@testable import DatasyncHTTP2

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct FrameOutputTests {
  /// Frames' headers and messages of several lengths, some of them shared; and the same in one piece.
  private func sample(messages: Int, bytes: Int) -> (FrameOutput, [UInt8]) {
    var output = FrameOutput()
    var expected: [UInt8] = []
    for message in 0..<messages {
      let header = (0..<9).map { UInt8(truncatingIfNeeded: message &* 31 &+ $0) }
      header.withUnsafeBytes { output.append($0) }
      let body = (0..<bytes + message).map { UInt8(truncatingIfNeeded: message &+ $0 &* 7) }
      if message % 3 == 2 {
        body.withUnsafeBytes { output.append($0) }
      } else {
        output.append(shared: ByteBuffer(bytes: body))
      }
      expected += header + body
    }
    return (output, expected)
  }

  private func pair() throws -> (near: CInt, far: CInt) {
    var ends: [CInt] = [0, 0]
    #if canImport(Glibc)
      let stream = CInt(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    try #require(socketpair(AF_UNIX, stream, 0, &ends) == 0)
    return (ends[0], ends[1])
  }

  private func take(_ socket: CInt, _ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let taken = recv(socket, &bytes, count, 0)
    return Array(bytes.prefix(max(0, taken)))
  }

  @Test(arguments: [1, 2, 3, 100])
  func `one write sends everything in order`(messages: Int) throws {
    let (near, far) = try pair()
    defer { _ = (close(near), close(far)) }
    let (output, expected) = sample(messages: messages, bytes: 300)
    #expect(output.count == expected.count)
    #expect(output.write(to: near) == expected.count)
    #expect(take(far, expected.count + 1) == expected)
  }

  @Test func `what a full socket does not take is the rest`() throws {
    let (near, far) = try pair()
    defer { _ = (close(near), close(far)) }
    let (output, expected) = sample(messages: 200, bytes: 20_000)
    let written = output.write(to: near)
    try #require(written > 0 && written < expected.count)
    let rest = Array(buffer: output.rest(after: written))
    #expect(take(far, written) + rest == expected)
  }

  @Test func `the rest begins anywhere`() {
    let (output, expected) = sample(messages: 7, bytes: 5)
    for written in 0...expected.count {
      #expect(Array(buffer: output.rest(after: written)) == Array(expected[written...]))
    }
    var own = FrameOutput()
    expected.withUnsafeBytes { own.append($0) }
    #expect(Array(buffer: own.rest(after: 10)) == Array(expected[10...]))
  }

  @Test func `a socket whose peer is gone takes nothing, and nobody is killed`() throws {
    let (near, far) = try pair()
    close(far)
    defer { close(near) }
    for messages in [1, 10] {
      #expect(sample(messages: messages, bytes: 10).0.write(to: near) == 0)
    }
  }

  @Test func `it is full before a vectored write has too many pieces, and empty again after`()
    throws
  {
    let (near, far) = try pair()
    defer { _ = (close(near), close(far)) }
    var output = FrameOutput()
    var expected: [UInt8] = []
    while !output.isFullOfParts {
      [UInt8(1)].withUnsafeBytes { output.append($0) }
      output.append(shared: ByteBuffer(bytes: [2, 3]))
      expected += [1, 2, 3]
    }
    #expect(output.write(to: near) == expected.count)
    #expect(take(far, expected.count + 1) == expected)
    output.removeAll()
    #expect(output.count == 0)
    #expect(output.rest(after: 0).readableBytes == 0)
  }
}
