import DatasyncFilter
import DatasyncModel

/// The live subscriptions of a loop, found by what a change is about: by table, and within a table
/// by an equality in their filter, so that a change costs what it matches. Loop-bound.
struct SubscriptionIndex {
  private var everyTable = SubscriptionSet()
  private var tables: [Int: TableIndex] = [:]

  mutating func insert(_ subscription: Subscription) {
    guard let table = subscription.view.table else { return everyTable.insert(subscription) }
    tables[table.id, default: TableIndex()].insert(subscription)
  }

  mutating func remove(_ subscription: Subscription) {
    guard let table = subscription.view.table else { return everyTable.remove(subscription) }
    tables[table.id]?.remove(subscription)
    if tables[table.id]?.isEmpty ?? false { tables[table.id] = nil }
  }

  /// Calls back for each subscription that the change may concern, each once.
  func forEachCandidate(of change: JudgedChange, _ body: (Subscription) -> Void) {
    everyTable.forEach(body)
    tables[change.table.id]?.forEachCandidate(of: change, body)
  }

  func forEach(inTable id: Int, _ body: (Subscription) -> Void) {
    everyTable.forEach(body)
    tables[id]?.forEach(body)
  }
}

/// The subscriptions of one table. A value.
private struct TableIndex {
  private var unindexed = SubscriptionSet()
  /// By position of the column, then by the value that it must equal.
  private var byEquality: [Int: [Value: SubscriptionSet]] = [:]

  var isEmpty: Bool { unindexed.isEmpty && byEquality.isEmpty }

  /// Of several equalities the one that fewest others are found by: `done eq false` says little.
  mutating func insert(_ subscription: Subscription) {
    let equalities = subscription.view.filter?.equalities ?? []
    let key =
      equalities.count < 2
      ? equalities.first : equalities.min { count(of: $0) < count(of: $1) }
    subscription.indexKey = key
    guard let key else { return unindexed.insert(subscription) }
    byEquality[key.column, default: [:]][key.value, default: SubscriptionSet()]
      .insert(subscription)
  }

  private func count(of key: (column: Int, value: Value)) -> Int {
    byEquality[key.column]?[key.value]?.count ?? 0
  }

  mutating func remove(_ subscription: Subscription) {
    guard let key = subscription.indexKey else { return unindexed.remove(subscription) }
    byEquality[key.column]?[key.value]?.remove(subscription)
    if byEquality[key.column]?[key.value]?.isEmpty ?? false {
      byEquality[key.column]?[key.value] = nil
    }
    if byEquality[key.column]?.isEmpty ?? false { byEquality[key.column] = nil }
  }

  func forEachCandidate(of change: JudgedChange, _ body: (Subscription) -> Void) {
    unindexed.forEach(body)
    for (column, values) in byEquality {
      let before = change.before.map { $0[column] }
      let after = change.after.map { $0[column] }
      if let before { values[before]?.forEach(body) }
      if let after, after != before { values[after]?.forEach(body) }
    }
  }

  func forEach(_ body: (Subscription) -> Void) {
    unindexed.forEach(body)
    for values in byEquality.values {
      for set in values.values { set.forEach(body) }
    }
  }
}

/// Subscriptions in no order; joining and leaving cost nothing that grows. A value.
struct SubscriptionSet {
  private var members: ContiguousArray<Subscription> = []

  var isEmpty: Bool { members.isEmpty }
  var count: Int { members.count }

  mutating func insert(_ subscription: Subscription) {
    subscription.slot = members.count
    members.append(subscription)
  }

  mutating func remove(_ subscription: Subscription) {
    let slot = subscription.slot
    guard slot < members.count, members[slot] === subscription else { return }
    members.swapAt(slot, members.count - 1)
    members[slot].slot = slot
    members.removeLast()
  }

  /// The set is held while it is walked: a member may leave meanwhile.
  func forEach(_ body: (Subscription) -> Void) {
    for member in members { body(member) }
  }
}
