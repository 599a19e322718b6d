import DatasyncFilter
import DatasyncModel
import Testing

@Suite struct SpeedTests {
  /// Prints what a judgement costs; fails only where it is a hundred times what it should be, since
  /// tests run unoptimized and on busy machines.
  @Test func `the common filter takes little time`() throws {
    let filter = try Filter(
      parsing: "title eq 'u1' and deleted eq false", table: Sample.table)
    let row = Sample.row(["title": .string("u1")])
    let clock = ContinuousClock()
    let count = 200_000
    var matches = 0
    let elapsed = try clock.measure {
      for _ in 0..<count where try filter.matches(row) { matches += 1 }
    }
    let nanoseconds = Double(elapsed.components.attoseconds) / 1e9 / Double(count)
    print("speed: \(nanoseconds) ns a row")
    #expect(matches == count)
    #expect(elapsed < .seconds(2))
  }
}
