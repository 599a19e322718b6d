import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore
import Testing

@testable import DatasyncServer

/// What a subscription says first.
@Suite struct SubscriptionStartTests {
  /// Keeps what is sent, in words; takes nothing at first.
  private final class FullStream: EventSink {
    var isWritable = false
    let isTyped = false
    var sent: [String] = []
    var waiting: Subscription?

    func awaitDrain(_ subscription: Subscription) { waiting = subscription }
    func sharedForm(for requestID: UInt64) -> EventForm? { nil }
    func send(framed bytes: ByteBuffer, messageCount: Int) { sent.append("framed") }
    func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64) {
      sent.append("change")
    }
    func send(checkpoint: [UInt8], for requestID: UInt64) { sent.append("checkpoint") }
    func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?) { sent.append("end") }

    func drain() {
      isWritable = true
      let subscription = waiting
      waiting = nil
      subscription?.drained()
    }
  }

  @Test(arguments: [nil, DurationMessage(seconds: 0, nanos: 100_000_000)])
  func `one from now on says where it begins before the first change, though the stream is full`(
    minInterval: DurationMessage?
  ) async throws {
    let sent = try await TestLoop.run { loop in
      let plan = try loop.resolver.subscription(
        SubscribeRequest(
          table: "notes", filter: "", select: [], includeDeleted: false, start: .now, once: false,
          excludeOwn: false, previous: false, minInterval: minInterval, heartbeatInterval: nil))
      let sink = FullStream()
      let subscription = Subscription(
        requestID: 1, plan: plan, author: .unknown, loop: loop, sink: sink)
      subscription.start()
      let change = Fixture.change(
        loop.head.rawValue + 1, "a", before: nil, after: Fixture.row("a", title: "t"))
      let commit = Fixture.commit(change)
      _ = loop.deliver(CommittedBatch(answers: [], commits: [commit], head: commit.last))
      sink.drain()
      subscription.cancel()
      return sink.sent
    }
    #expect(sent.prefix(2) == ["checkpoint", "change"])
  }
}
