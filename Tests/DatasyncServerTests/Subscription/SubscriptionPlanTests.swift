import DatasyncMessages
import DatasyncModel
import NIOCore
import Testing

@testable import DatasyncServer

@Suite struct SubscriptionPlanTests {
  private func plan(
    heartbeat: DurationMessage? = nil, interval: DurationMessage? = nil
  ) throws -> SubscriptionPlan {
    try SubscriptionPlan(
      SubscribeRequest(
        table: "notes", filter: "", select: [], includeDeleted: false, start: .now, once: false,
        excludeOwn: false, previous: false, minInterval: interval, heartbeatInterval: heartbeat),
      catalog: Catalog(tables: [Fixture.notes], generation: 1), ownTable: nil,
      options: ServiceOptions(), tokens: TokenCoder(key: []),
      filters: FilterShelf(maxBytes: .max))
  }

  @Test func `a heartbeat is 15 s unless asked for, and within its bounds`() throws {
    #expect(try plan().heartbeat == .seconds(15))
    #expect(try plan(heartbeat: DurationMessage(seconds: 0, nanos: 0)).heartbeat == .seconds(15))
    #expect(
      try plan(heartbeat: DurationMessage(seconds: 0, nanos: 1)).heartbeat == .milliseconds(100))
    #expect(
      try plan(heartbeat: DurationMessage(seconds: 2, nanos: 500_000_000)).heartbeat
        == .milliseconds(2500))
    #expect(try plan(heartbeat: DurationMessage(seconds: 301, nanos: 0)).heartbeat == .minutes(5))
    #expect(
      try plan(heartbeat: DurationMessage(seconds: .max, nanos: 999_999_999)).heartbeat
        == .minutes(5))
  }

  @Test func `an interval of zero is none, and any other has a least value`() throws {
    #expect(try plan().minInterval == nil)
    #expect(try plan(interval: DurationMessage(seconds: 0, nanos: 0)).minInterval == nil)
    #expect(
      try plan(interval: DurationMessage(seconds: 0, nanos: 1)).minInterval == .milliseconds(10))
    #expect(
      try plan(interval: DurationMessage(seconds: 0, nanos: 50_000_000)).minInterval
        == .milliseconds(50))
  }

  @Test func `no duration is negative`() {
    let negative = DurationMessage(seconds: 0, nanos: -1)
    #expect(throws: DatasyncError.self) { try plan(heartbeat: negative) }
    #expect(throws: DatasyncError.self) { try plan(interval: negative) }
  }
}
