import DatasyncMessages
import DatasyncModel
import DatasyncStore
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import DatasyncServer

/// What a subscription says first.
@Suite struct SubscriptionStartTests {
  private final class Deaf: StoreObserver {
    func batchCommitted(_ batch: CommittedBatch) -> Bool { false }
    func catalogChanged(_ catalog: Catalog) {}
  }

  /// Keeps what is sent, in words; takes nothing at first.
  private final class FullStream: EventSink {
    var isWritable = false
    let isTyped = false
    var sent: [String] = []
    var waiting: Subscription?

    func awaitDrain(_ subscription: Subscription) { waiting = subscription }
    func sharedForm(for requestID: UInt64) -> EventForm? { nil }
    func send(framed bytes: ByteBuffer, messageCount: Int) { sent.append("framed") }
    func send(change: [UInt8], own: Bool, more: Bool, for requestID: UInt64) {
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
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).db").path
    defer {
      for suffix in ["", "-wal", "-shm", "-datasync"] {
        try? FileManager.default.removeItem(atPath: path + suffix)
      }
    }
    try Store.create(path: path, schema: "CREATE TABLE other (id TEXT PRIMARY KEY)")
    let store = try Store.open(path: path, options: StoreOptions(), observer: Deaf())
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop = group.next()
    let sent = try await eventLoop.submit {
      let catalog = Catalog(tables: [Fixture.notes], generation: 100)
      let loop = ServiceLoop(
        index: 0, eventLoop: eventLoop, store: store, head: store.head, options: ServiceOptions(),
        logger: Logger(label: "test"))
      loop.catalogChanged(catalog)
      let plan = try SubscriptionPlan(
        SubscribeRequest(
          table: "notes", filter: "", select: [], includeDeleted: false, start: .now, once: false,
          excludeOwn: false, previous: false, minInterval: minInterval, heartbeatInterval: nil),
        catalog: catalog, ownTable: nil, options: loop.options)
      let sink = FullStream()
      let subscription = Subscription(
        requestID: 1, plan: plan, clientID: "", loop: loop, sink: sink)
      subscription.start()
      let change = Fixture.change(
        store.head.rawValue + 1, "a", before: nil, after: Fixture.row("a", title: "t"))
      let commit = Fixture.commit(change)
      _ = loop.deliver(CommittedBatch(answers: [], commits: [commit], head: commit.last))
      sink.drain()
      subscription.cancel()
      return sink.sent
    }.get()
    try await group.shutdownGracefully()
    store.close()
    #expect(sent.prefix(2) == ["checkpoint", "change"])
  }
}
