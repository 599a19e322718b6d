import NIOCore
import Testing

@testable import DatasyncHTTP2

struct ValueTests {
  private func at(_ milliseconds: Int64) -> NIODeadline {
    .uptimeNanoseconds(0) + .milliseconds(milliseconds)
  }

  @Test func `a bucket gives its burst, then its rate, and never more than its burst`() {
    var bucket = TokenBucket(capacity: 3, perSecond: 2)
    let times: [Int64] = [0, 0, 0, 0, 499, 501, 502, 100_000, 100_000, 100_000, 100_000]
    let taken = times.map { bucket.take(now: at($0)) }
    #expect(
      taken == [true, true, true, false, false, true, false, true, true, true, false])
    // A clock that goes back gives nothing.
    let back = bucket.take(now: at(50_000))
    #expect(!back)
  }

  @Test func `pings strike by their distance, and answers wipe the slate`() {
    var strikes = PingStrikes(
      minInterval: .seconds(10), minIntervalWithoutCalls: .seconds(100), maxStrikes: 1)
    let withCalls = [0, 10_000, 19_999, 20_000].map {
      strikes.pingReceived(now: at($0), hasCalls: true)
    }
    #expect(withCalls == [true, true, true, false])
    strikes.answered()
    let without = [20_001, 60_000, 100_000].map {
      strikes.pingReceived(now: at($0), hasCalls: false)
    }
    #expect(without == [true, true, false])
  }

  @Test func `ids that were passed over are known, those that were opened may come again`() {
    var watch = StreamIDWatch()
    let answers = [1, 3, 9, 3, 9, 1, 5, 7, 11, 2].map { watch.headersBegan($0) }
    #expect(answers == [true, true, true, true, true, true, false, false, true, true])
  }

  @Test func `the list of ids that were passed over is bounded`() {
    var watch = StreamIDWatch()
    let rising = stride(from: Int32(1), to: 10_000, by: 6).map { watch.headersBegan($0) }
    #expect(!rising.contains(false))
    let known = [3, 9_003].map { watch.headersBegan($0) }
    #expect(known == [false, true])
  }

  @Test func `timers fall due in turn, each once`() {
    var timers = ConnectionTimers()
    #expect(timers.next == nil)
    timers[.idle] = at(20)
    timers[.keepalive] = at(10)
    #expect(timers.next == at(10))
    let due = [9, 25, 25, 25].map { timers.due(at($0)) }
    #expect(due == [nil, .keepalive, .idle, nil])
    #expect(timers.next == nil)
  }

  @Test func `a header block keeps names and values in order, static or not`() {
    var block = HeaderBlock()
    block.add(":status", "200")
    block.add("x-dynamic", String("value"))
    block.add(String("x-both"), "ü")
    block.add("x-empty", "")
    #expect(block.pairs.map(\.name) == [":status", "x-dynamic", "x-both", "x-empty"])
    #expect(block.pairs.map(\.value) == ["200", "value", "ü", ""])
    #expect(block["x-both"] == "ü")
    #expect(block["x-none"] == nil)
    block.removeAll()
    #expect(block.isEmpty)
  }
}
