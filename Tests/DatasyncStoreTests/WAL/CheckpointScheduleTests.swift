import Testing

@testable import DatasyncStore

/// When the WAL is copied, and how: without SQLite, with times as arguments.
struct CheckpointScheduleTests {
  private var schedule = CheckpointSchedule(passivePages: 100, restartPages: 1000)

  private func outcome(
    _ pages: Int, _ copied: Int, isComplete: Bool = true
  ) -> CheckpointSchedule.Outcome {
    CheckpointSchedule.Outcome(isComplete: isComplete, pages: pages, copiedPages: copied)
  }

  @Test mutating func `it copies each time that the WAL has grown by its step, and not before`() {
    schedule.walGrew(to: 99)
    #expect(schedule.step(isQuiet: false) == nil && !schedule.isDue)
    schedule.walGrew(to: 120)
    #expect(schedule.step(isQuiet: false) == .passive)
    #expect(schedule.ended(.passive, outcome(120, 120), now: .zero) == nil)
    schedule.walGrew(to: 219)
    #expect(!schedule.isDue)
    schedule.walGrew(to: 220)
    #expect(schedule.isDue)
  }

  @Test mutating func `a WAL that the writer began anew is counted from its beginning`() {
    schedule.walGrew(to: 500)
    _ = schedule.ended(.passive, outcome(500, 500), now: .zero)
    schedule.walGrew(to: 3)
    #expect(!schedule.isDue)
    schedule.walGrew(to: 100)
    #expect(schedule.isDue)
  }

  @Test mutating func `over its mark the WAL is begun anew, once nearly all is copied`() {
    schedule.walGrew(to: 1000)
    #expect(schedule.step(isQuiet: false) == .passive)
    #expect(schedule.ended(.passive, outcome(1000, 900), now: .zero) == .restart)
    #expect(schedule.ended(.restart, outcome(1000, 1000), now: .zero) == nil)
    #expect(schedule.pages == 0)
  }

  @Test mutating func `a reader that stays does not make the writer wait`() {
    schedule.walGrew(to: 5000)
    #expect(schedule.ended(.passive, outcome(5000, 40), now: .seconds(1)) == nil)
    #expect(schedule.blockedSince == .seconds(1))
  }

  @Test mutating func `a RESTART that failed is not tried again at once, and ever more seldom`() {
    var now: Duration = .seconds(1)
    var pauses: [Duration] = []
    var last = now
    for step in 10..<4000 {
      now += .milliseconds(50)
      schedule.walGrew(to: step * 100)
      guard schedule.ended(.passive, outcome(step * 100, step * 100), now: now) == .restart else {
        continue
      }
      pauses.append(now - last)
      last = now
      #expect(
        schedule.ended(.restart, outcome(step * 100, step * 100, isComplete: false), now: now)
          == nil)
    }
    #expect(pauses.dropFirst().prefix(3) == [.milliseconds(500), .seconds(1), .seconds(2)])
    #expect(pauses.max() == .seconds(30))
  }

  @Test mutating func `a copy that failed brings no RESTART, and is tried again with the next`() {
    schedule.walGrew(to: 2000)
    #expect(schedule.ended(.passive, outcome(-1, -1, isComplete: false), now: .zero) == nil)
    #expect(!schedule.isDue)
    schedule.walGrew(to: 2100)
    #expect(schedule.isDue)
  }

  @Test mutating func `when all is quiet the WAL is emptied, once`() {
    schedule.walGrew(to: 5)
    #expect(schedule.step(isQuiet: true) == .truncate)
    _ = schedule.ended(.truncate, outcome(5, 5, isComplete: false), now: .zero)
    #expect(schedule.step(isQuiet: true) == .truncate)
    _ = schedule.ended(.truncate, outcome(0, 0), now: .zero)
    #expect(schedule.step(isQuiet: true) == nil)
    schedule.walGrew(to: 1)
    #expect(schedule.step(isQuiet: true) == .truncate)
  }

  @Test mutating func `a long read is spoken of once for each doubling of the WAL`() {
    schedule.walGrew(to: 1500)
    _ = schedule.ended(.passive, outcome(1500, 10), now: .seconds(1))
    #expect(schedule.reportsLongRead(now: .seconds(2)) == false)
    #expect(schedule.reportsLongRead(now: .seconds(6)) == true)
    #expect(schedule.reportsLongRead(now: .seconds(7)) == false)
    schedule.walGrew(to: 2000)
    #expect(schedule.reportsLongRead(now: .seconds(8)) == true)
    // It has ended, and another one begins.
    _ = schedule.ended(.passive, outcome(2000, 2000), now: .seconds(9))
    _ = schedule.ended(.passive, outcome(2100, 10), now: .seconds(10))
    #expect(schedule.reportsLongRead(now: .seconds(12)) == false)
    #expect(schedule.reportsLongRead(now: .seconds(15)) == true)
  }
}
