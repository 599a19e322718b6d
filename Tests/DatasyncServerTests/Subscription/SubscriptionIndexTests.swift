import DatasyncMessages
import DatasyncModel
import NIOCore
import Testing

@testable import DatasyncServer

@Suite struct SubscriptionIndexTests {
  /// Runs the body on an event loop, with a maker of subscriptions by their filters.
  private func withIndex<Result: Sendable>(
    _ body: @escaping @Sendable ((String) throws -> Subscription) throws -> Result
  ) async throws -> Result {
    try await TestLoop.run { loop in
      try body { filter in try subscription(filter, loop: loop) }
    }
  }

  private func subscription(_ filter: String, loop: ServiceLoop) throws -> Subscription {
    let plan = try loop.resolver.subscription(
      SubscribeRequest(
        table: "notes", filter: filter, select: [], includeDeleted: false, start: .now,
        once: false, excludeOwn: false, previous: false, minInterval: nil, heartbeatInterval: nil))
    return Subscription(
      requestID: 1, plan: plan, author: .unknown, loop: loop, sink: Nowhere())
  }

  private final class Nowhere: EventSink {
    let isWritable = true
    let isTyped = false
    func awaitDrain(_ subscription: Subscription) {}
    func sharedForm(for requestID: UInt64) -> EventForm? { nil }
    func send(framed bytes: ByteBuffer, messageCount: Int) {}
    func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64) {}
    func send(checkpoint: [UInt8], for requestID: UInt64) {}
    func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?) {}
  }

  private static func change(
    before: RowImage?, after: RowImage?, sequence: UInt64
  ) -> JudgedChange {
    let change = Fixture.change(sequence, "a", before: before, after: after)
    return JudgedChange(
      change: change, table: Fixture.notes, commit: Fixture.commit(change),
      memos: RowMemos())
  }

  /// How many subscriptions are looked at for a change of the row.
  private static func candidates(
    _ index: SubscriptionIndex, before: RowImage?, after: RowImage?, sequence: UInt64 = 2
  ) -> Int {
    var count = 0
    let change = change(before: before, after: after, sequence: sequence)
    index.forEachCandidate(of: change) { _ in count += 1 }
    return count
  }

  @Test func `a change is shown to those whose equality it has, before or after`() async throws {
    let counts = try await withIndex { make in
      var index = SubscriptionIndex()
      var kept: [Subscription] = []
      for filter in ["title eq 'a'", "title eq 'b'", "title eq 'b' and stars gt 3", "stars gt 3"] {
        kept.append(try make(filter))
      }
      for subscription in kept { index.insert(subscription) }
      let (a, b) = (Fixture.row("a", title: "a"), Fixture.row("a", title: "b"))
      let all = [
        Self.candidates(index, before: nil, after: a), Self.candidates(index, before: a, after: b),
        Self.candidates(index, before: b, after: b),
        Self.candidates(index, before: nil, after: Fixture.row("a", title: "c")),
      ]
      for subscription in kept { index.remove(subscription) }
      return all + [Self.candidates(index, before: a, after: b)]
    }
    #expect(counts == [2, 4, 3, 1, 0])
  }

  @Test func `an equality that many share does not hide the one that tells them apart`()
    async throws
  {
    let counts = try await withIndex { make in
      var index = SubscriptionIndex()
      var kept: [Subscription] = []
      for number in 0..<500 {
        kept.append(try make("deleted eq false and stars eq 3 and title eq 't\(number)'"))
        index.insert(kept[number])
      }
      let row = Fixture.row("a", title: "t400", stars: 3)
      let counts = [
        Self.candidates(index, before: nil, after: row),
        Self.candidates(index, before: nil, after: Fixture.row("a", title: "none", stars: 3)),
      ]
      for subscription in kept { index.remove(subscription) }
      return counts + [Self.candidates(index, before: nil, after: row)]
    }
    // The first of all cannot know what others will share.
    #expect(counts[0] <= 3 && counts[1] <= 2 && counts[2] == 0)
    #expect(counts[0] >= 1)
  }

  @Test func `of those with sets of values a change finds those that have its value, each once`()
    async throws
  {
    let counts = try await withIndex { make in
      var index = SubscriptionIndex()
      var kept: [Subscription] = []
      // As many as may be connected; each has two lists, of which it shares one with another.
      for number in 0..<5000 {
        kept.append(try make("deleted eq false and title in ('l\(number)', 'l\(number + 1)')"))
        index.insert(kept[number])
      }
      let (a, b) = (Fixture.row("a", title: "l400"), Fixture.row("a", title: "l401"))
      let counts = [
        Self.candidates(index, before: nil, after: a),
        Self.candidates(index, before: b, after: nil, sequence: 9),
        Self.candidates(index, before: a, after: b, sequence: 3),
        Self.candidates(index, before: nil, after: Fixture.row("a", title: "none"), sequence: 4),
      ]
      for subscription in kept { index.remove(subscription) }
      return counts + [Self.candidates(index, before: a, after: b, sequence: 5)]
    }
    // The first ones cannot know what others will share: two of them are found by that.
    #expect(zip(counts, [2, 2, 3, 0, 0]).allSatisfy { (0...2).contains($0 - $1) }, "\(counts)")
  }

  @Test func `of those that see all tables by their rules a change finds whom it concerns`()
    async throws
  {
    let access = """
      credentials: { certificates: common-name }
      tables: { notes: { read: "title eq @principal.id or title eq 'all'" } }
      """
    let counts = try await TestLoop.run(access: access) { loop in
      var index = SubscriptionIndex()
      var kept: [Subscription] = []
      for number in 0..<300 {
        let plan = try loop.resolver(of: "p\(number)").subscription(
          SubscribeRequest(
            table: "", filter: "", select: [], includeDeleted: false, start: .now, once: false,
            excludeOwn: false, previous: false, minInterval: nil, heartbeatInterval: nil))
        kept.append(
          Subscription(
            requestID: 1, plan: plan, author: .unknown, loop: loop, sink: Nowhere()))
        index.insert(kept[number])
      }
      let (one, all) = (Fixture.row("a", title: "p7"), Fixture.row("a", title: "all"))
      let counts = [
        Self.candidates(index, before: nil, after: one),
        Self.candidates(index, before: one, after: all, sequence: 3),
        Self.candidates(index, before: nil, after: Fixture.row("a", title: "none"), sequence: 4),
      ]
      for subscription in kept { index.remove(subscription) }
      return counts + [Self.candidates(index, before: one, after: all, sequence: 5)]
    }
    #expect(counts == [1, 300, 0, 0])
  }
}
