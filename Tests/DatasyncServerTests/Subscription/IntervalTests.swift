import DatasyncMessages
import DatasyncModel
import NIOCore
import Testing

@testable import DatasyncServer

struct IntervalTests {
  @Test(arguments: [1, 86_399, 86_400, 2 * 86_400, 30 * 86_400] as [Int64])
  func `an interval is as long as it was asked for`(seconds: Int64) throws {
    let amount = try SubscriptionPlan.amount(
      DurationMessage(seconds: seconds, nanos: 5), field: "min_interval")
    #expect(amount == .seconds(seconds) + .nanoseconds(5))
  }

  @Test func `one that no clock counts ends in a hundred years, and none is negative`() throws {
    for seconds in [315_576_000_000, .max] as [Int64] {
      let amount = try SubscriptionPlan.amount(
        DurationMessage(seconds: seconds, nanos: 999_999_999), field: "min_interval")
      #expect(amount == .seconds(100 * 365 * 86_400))
      #expect(NIODeadline.now() + amount > .now())
    }
    for duration in [
      DurationMessage(seconds: -1, nanos: 0), DurationMessage(seconds: 0, nanos: -1),
    ] {
      #expect(throws: DatasyncError.self) {
        try SubscriptionPlan.amount(duration, field: "min_interval")
      }
    }
  }
}
