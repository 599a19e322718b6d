import Testing

@testable import DatasyncStore

@Suite struct RetentionClockTests {
  private static let day: Int64 = 86_400 * 1_000_000
  private static let start: Int64 = 1_700_000_000_000_000

  private func clock(saved: Int64? = nil) -> RetentionClock {
    RetentionClock(saved: saved, calendar: Self.start, monotonic: .seconds(100))
  }

  @Test func `it goes with the calendar, as long as the two agree`() {
    var clock = clock()
    #expect(clock.now == Self.start)
    // Ten seconds later the calendar has lost a second, or gained a minute.
    clock.advance(calendar: Self.start + 9_000_000, monotonic: .seconds(110))
    #expect(clock.now == Self.start + 9_000_000)
    clock.advance(calendar: Self.start + 79_000_000, monotonic: .seconds(120))
    #expect(clock.now == Self.start + 79_000_000)
  }

  @Test func `a calendar that is set forward is believed after a day`() {
    var clock = clock()
    let ahead = Self.start + 8 * Self.day
    clock.advance(calendar: ahead + 10_000_000, monotonic: .seconds(110))
    #expect(clock.now == Self.start + 10_000_000)
    clock.advance(calendar: ahead + Self.day, monotonic: .seconds(100 + 86_400))
    #expect(clock.now == Self.start + Self.day)
    clock.advance(calendar: ahead + Self.day + 10_000_000, monotonic: .seconds(110 + 86_400))
    #expect(clock.now == ahead + Self.day + 10_000_000)
  }

  @Test func `a calendar that is set back is followed at once, and forward again it is not`() {
    var clock = clock()
    clock.advance(calendar: Self.start - 8 * Self.day, monotonic: .seconds(110))
    #expect(clock.now == Self.start - 8 * Self.day)
    clock.advance(calendar: Self.start + 20_000_000, monotonic: .seconds(120))
    #expect(clock.now == Self.start - 8 * Self.day + 10_000_000)
  }

  @Test func `a restart on a wrong calendar believes it no sooner`() {
    #expect(clock(saved: Self.start - 8 * Self.day).now == Self.start - 8 * Self.day)
    #expect(clock(saved: Self.start - 60_000_000).now == Self.start)
    // Saved while the calendar was ahead.
    #expect(clock(saved: Self.start + 8 * Self.day).now == Self.start)
    #expect(clock(saved: .min).now == .min)
  }
}
