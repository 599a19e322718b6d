import Testing

@testable import DatasyncServer

struct SlotSetTests {
  private final class Member: SlotHolder {
    var slot = 0
    let name: Int

    init(_ name: Int) { self.name = name }
  }

  private static func names(_ set: SlotSet<Member>) -> Set<Int> {
    var names: Set<Int> = []
    set.forEach { #expect(names.insert($0.name).inserted) }
    #expect(names.count == set.count)
    #expect(names.isEmpty == set.isEmpty)
    return names
  }

  @Test func `members come and go in any order`() {
    var random = SystemRandomNumberGenerator()
    var set = SlotSet<Member>()
    var inside: [Member] = []
    var outside = (0..<6).map(Member.init)
    for _ in 0..<5000 {
      if Bool.random(using: &random), let member = outside.randomElement(using: &random) {
        outside.removeAll { $0 === member }
        inside.append(member)
        set.insert(member)
      } else if let member = inside.randomElement(using: &random) {
        inside.removeAll { $0 === member }
        outside.append(member)
        set.remove(member)
        // One that is not there, whatever slot it remembers.
        set.remove(member)
      }
      #expect(SlotSetTests.names(set) == Set(inside.map(\.name)))
    }
  }

  @Test func `who leaves while the set is walked spoils nothing`() {
    var set = SlotSet<Member>()
    let members = (0..<4).map(Member.init)
    for member in members { set.insert(member) }
    var seen: [Int] = []
    set.forEach { member in
      seen.append(member.name)
      set.remove(member)
    }
    #expect(seen == [0, 1, 2, 3])
    #expect(set.isEmpty)
  }
}
