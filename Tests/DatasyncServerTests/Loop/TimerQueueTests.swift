import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore
import Synchronization
import Testing

@testable import DatasyncServer

/// However many subscriptions have timers, the loop goes on to serve others.
@Suite struct TimerQueueTests {
  private final class Sink: EventSink {
    let isWritable = true
    let isTyped = false
    var changeCount = 0
    var checkpointCount = 0

    func awaitDrain(_ subscription: Subscription) {}
    func sharedForm(for requestID: UInt64) -> EventForm? { nil }
    func send(framed bytes: ByteBuffer, messageCount: Int) {}
    func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64) {
      changeCount += 1
    }
    func send(checkpoint: [UInt8], for requestID: UInt64) { checkpointCount += 1 }
    func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?) {}
  }

  private static func subscription(
    _ loop: ServiceLoop, interval: DurationMessage, sink: Sink
  ) throws -> Subscription {
    let plan = try loop.resolver.subscription(
      SubscribeRequest(
        table: "notes", filter: "", select: [], includeDeleted: false, start: .now, once: false,
        excludeOwn: false, previous: false, minInterval: interval,
        heartbeatInterval: DurationMessage(seconds: 300, nanos: 0)))
    return Subscription(requestID: 1, plan: plan, author: .unknown, loop: loop, sink: sink)
  }

  private static func deliver(_ id: String, on loop: ServiceLoop) {
    let change = Fixture.change(
      loop.head.rawValue + 1, id, before: nil, after: Fixture.row(id, title: "t"))
    let commit = Fixture.commit(change)
    _ = loop.deliver(CommittedBatch(answers: [], commits: [commit], head: commit.last))
  }

  /// The longest that the loop kept somebody waiting who came once a millisecond.
  private static func longestWait(
    on loop: ServiceLoop, rounds: Int, each round: @escaping (Int) -> Void
  ) -> EventLoopFuture<TimeAmount> {
    let promise = loop.eventLoop.makePromise(of: TimeAmount.self)
    let work = NIOLoopBound(round, eventLoop: loop.eventLoop)
    let eventLoop = loop.eventLoop
    @Sendable func next(_ number: Int, _ longest: TimeAmount, due: NIODeadline) {
      eventLoop.scheduleTask(deadline: due) {
        let late = max(longest, NIODeadline.now() - due)
        guard number < rounds else { return promise.succeed(late) }
        work.value(number)
        next(number + 1, late, due: .now() + .milliseconds(1))
      }
    }
    next(0, .zero, due: .now() + .milliseconds(1))
    return promise.futureResult
  }

  @Test(.timeLimit(.minutes(2)))
  func `5,000 subscriptions with the least interval do not stop a loop`() async throws {
    let (late, told) = try await TestLoop.runFuture { loop in
      let sink = Sink()
      let subscriptions = try (0..<5000).map { _ in
        try TimerQueueTests.subscription(
          loop, interval: DurationMessage(seconds: 0, nanos: 1), sink: sink)
      }
      for subscription in subscriptions { subscription.start() }
      return TimerQueueTests.longestWait(on: loop, rounds: 500) { number in
        if number % 5 == 0 { TimerQueueTests.deliver("a\(number)", on: loop) }
      }.assumeIsolated().map { late in
        for subscription in subscriptions { subscription.cancel() }
        return (late, sink.changeCount)
      }.nonisolated()
    }
    // A debug build on a busy machine; a loop without turns came to nobody at all.
    #expect(late < .milliseconds(1500), "somebody waited for \(late)")
    #expect(told > 5000)
  }

  @Test(.timeLimit(.minutes(1)))
  func `a subscription that has nothing to say has no timer, and is told what comes later`()
    async throws
  {
    let (before, after) = try await TestLoop.runFuture { loop in
      let sink = Sink()
      let subscription = try TimerQueueTests.subscription(
        loop, interval: DurationMessage(seconds: 0, nanos: 10_000_000), sink: sink)
      subscription.start()
      let counts = NIOLoopBoundBox((0, 0), eventLoop: loop.eventLoop)
      return TimerQueueTests.longestWait(on: loop, rounds: 120) { number in
        if number == 60 {
          counts.value.0 = sink.changeCount
          TimerQueueTests.deliver("late", on: loop)
        }
      }.assumeIsolated().map { _ in
        counts.value.1 = sink.changeCount
        subscription.cancel()
        return counts.value
      }.nonisolated()
    }
    #expect(before == 0)
    #expect(after == 1)
  }

  @Test func `who leaves is not called, and leaves nobody else out`() async throws {
    let told = try await TestLoop.runFuture { loop in
      let sinks = (0..<20).map { _ in Sink() }
      let subscriptions = try sinks.map {
        try TimerQueueTests.subscription(
          loop, interval: DurationMessage(seconds: 0, nanos: 20_000_000), sink: $0)
      }
      for subscription in subscriptions { subscription.start() }
      for index in stride(from: 0, to: 20, by: 3) { subscriptions[index].cancel() }
      TimerQueueTests.deliver("a", on: loop)
      return TimerQueueTests.longestWait(on: loop, rounds: 100) { _ in }
        .assumeIsolated().map { _ in
          for subscription in subscriptions { subscription.cancel() }
          return sinks.map(\.changeCount)
        }.nonisolated()
    }
    #expect(told == (0..<20).map { $0 % 3 == 0 ? 0 : 1 })
  }
}
