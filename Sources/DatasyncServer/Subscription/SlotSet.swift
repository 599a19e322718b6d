/// What knows its own place in a ``SlotSet``, which alone touches it. Loop-bound.
protocol SlotHolder: AnyObject {
  var slot: Int { get set }
}

/// Objects in no order; joining and leaving cost nothing that grows. A value.
///
/// Most sets have one member, and there are as many sets as subscriptions: that one needs no array.
struct SlotSet<Member: SlotHolder> {
  /// In slot 0.
  private var first: Member?
  /// From slot 1 on.
  private var others: ContiguousArray<Member> = []

  var isEmpty: Bool { first == nil }
  var count: Int { first == nil ? 0 : 1 + others.count }

  mutating func insert(_ member: Member) {
    member.slot = count
    if first == nil { first = member } else { others.append(member) }
  }

  mutating func remove(_ member: Member) {
    guard contains(member) else { return }
    let last = others.popLast()
    if others.isEmpty, others.capacity > 0 { others = [] }
    guard let last else { return first = nil }
    // The last one takes its place, unless it is the one that leaves.
    guard last !== member else { return }
    last.slot = member.slot
    if member.slot == 0 { first = last } else { others[member.slot - 1] = last }
  }

  private func contains(_ member: Member) -> Bool {
    let slot = member.slot
    return slot == 0 ? first === member : slot < count && others[slot - 1] === member
  }

  /// The set is held while it is walked: a member may leave meanwhile.
  func forEach(_ body: (Member) -> Void) {
    let others = others
    if let first { body(first) }
    for member in others { body(member) }
  }
}
