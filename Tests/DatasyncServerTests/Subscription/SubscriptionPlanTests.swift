import DatasyncMessages
import DatasyncModel
import NIOCore
import Testing

@testable import DatasyncServer

@Suite struct SubscriptionPlanTests {
  /// Read on a loop, where requests are resolved.
  private func plan(
    heartbeat: DurationMessage? = nil, interval: DurationMessage? = nil
  ) async throws -> (heartbeat: TimeAmount, minInterval: TimeAmount?) {
    try await TestLoop.run { loop in
      let plan = try loop.resolver.subscription(
        SubscribeRequest(
          table: "notes", filter: "", select: [], includeDeleted: false, start: .now, once: false,
          excludeOwn: false, previous: false, minInterval: interval, heartbeatInterval: heartbeat))
      return (plan.heartbeat, plan.minInterval)
    }
  }

  @Test func `a heartbeat is 15 s unless asked for, and within its bounds`() async throws {
    #expect(try await plan().heartbeat == .seconds(15))
    #expect(
      try await plan(heartbeat: DurationMessage(seconds: 0, nanos: 0)).heartbeat == .seconds(15))
    #expect(
      try await plan(heartbeat: DurationMessage(seconds: 0, nanos: 1)).heartbeat
        == .milliseconds(100))
    #expect(
      try await plan(heartbeat: DurationMessage(seconds: 2, nanos: 500_000_000)).heartbeat
        == .milliseconds(2500))
    #expect(
      try await plan(heartbeat: DurationMessage(seconds: 301, nanos: 0)).heartbeat == .minutes(5))
    #expect(
      try await plan(heartbeat: DurationMessage(seconds: .max, nanos: 999_999_999)).heartbeat
        == .minutes(5))
  }

  @Test func `an interval of zero is none, and any other has a least value`() async throws {
    #expect(try await plan().minInterval == nil)
    #expect(try await plan(interval: DurationMessage(seconds: 0, nanos: 0)).minInterval == nil)
    #expect(
      try await plan(interval: DurationMessage(seconds: 0, nanos: 1)).minInterval
        == .milliseconds(10))
    #expect(
      try await plan(interval: DurationMessage(seconds: 0, nanos: 50_000_000)).minInterval
        == .milliseconds(50))
  }

  @Test func `no duration is negative`() async {
    let negative = DurationMessage(seconds: 0, nanos: -1)
    await #expect(throws: DatasyncError.self) { try await plan(heartbeat: negative) }
    await #expect(throws: DatasyncError.self) { try await plan(interval: negative) }
  }
}
