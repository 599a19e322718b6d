/// What knows its own place in a ``SlotSet``, which alone touches it. Loop-bound.
protocol SlotHolder: AnyObject {
  var slot: Int { get set }
}

/// Objects in no order; joining and leaving cost nothing that grows. A value.
struct SlotSet<Member: SlotHolder> {
  private var members: ContiguousArray<Member> = []

  var isEmpty: Bool { members.isEmpty }
  var count: Int { members.count }

  mutating func insert(_ member: Member) {
    member.slot = members.count
    members.append(member)
  }

  mutating func remove(_ member: Member) {
    let slot = member.slot
    guard slot < members.count, members[slot] === member else { return }
    members.swapAt(slot, members.count - 1)
    members[slot].slot = slot
    members.removeLast()
  }

  /// The set is held while it is walked: a member may leave meanwhile.
  func forEach(_ body: (Member) -> Void) {
    for member in members { body(member) }
  }
}
