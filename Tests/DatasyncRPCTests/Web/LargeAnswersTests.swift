import NIOCore
import NIOPosix
import Testing

@testable import DatasyncRPC

struct LargeAnswersTests {
  private func answer(
    _ bytes: Int, _ codec: MessageCodec = .json, acceptsGzip: Bool = false, _ status: Status = .ok
  ) -> ConnectAnswer {
    ConnectAnswer(
      status: status, message: ByteBuffer(repeating: 0x61, count: bytes), codec: codec,
      path: "/s/m",
      acceptsGzip: acceptsGzip, transcoder: NoTranscoder())
  }

  @Test
  func `What takes long to write is large`() {
    let (least, less) = (LargeAnswers.leastBytes, LargeAnswers.leastBytes - 1)
    #expect(answer(least).largeBytes == least)
    #expect(answer(least, .proto, acceptsGzip: true).largeBytes == least)
    #expect(answer(less).largeBytes == nil)
    #expect(answer(least, .proto).largeBytes == nil)
    #expect(answer(least, .json, Status(.internal)).largeBytes == nil)
  }

  @Test
  func `Answers are written on other threads, as much as may wait there`() async throws {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let threads = NIOThreadPool(numberOfThreads: 1)
    threads.start()
    let large = LargeAnswers(maxBytes: 1000, threads: threads)
    let promise = loop.makePromise(of: ByteBuffer.self)
    let answer = answer(600)
    let taken = try await loop.submit {
      let first = large.write(answer, bytes: 600, on: loop) { promise.succeed($0.body) }
      // What came first is held until the loop has it back.
      return [first, large.write(answer, bytes: 600, on: loop) { _ in Issue.record("refused") }]
    }.get()
    #expect(taken == [true, false])
    #expect(try await promise.futureResult.get().readableBytes == 600)
    let again = loop.makePromise(of: ByteBuffer.self)
    let isTaken = try await loop.submit {
      large.write(answer, bytes: 600, on: loop) { again.succeed($0.body) }
    }.get()
    #expect(isTaken)
    #expect(try await again.futureResult.get().readableBytes == 600)
    try await threads.shutdownGracefully()
  }
}
