import DatasyncFilter
import DatasyncModel

/// The live subscriptions of a loop, found by what a change is about: by table, and within a table
/// by an equality in their filter, so that a change costs what it matches. Loop-bound.
struct SubscriptionIndex {
  private var everyTable = TableIndex()
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

  /// Calls back for each audience that the change may concern, each once.
  func forEachCandidate(of change: JudgedChange, _ body: (Audience) -> Void) {
    everyTable.forEachCandidate(of: change, body)
    tables[change.table.id]?.forEachCandidate(of: change, body)
  }

  func forEach(inTable id: Int, _ body: (Subscription) -> Void) {
    everyTable.forEach(body)
    tables[id]?.forEach(body)
  }
}

/// The audiences of one table. A value.
private struct TableIndex {
  private var audiences: Set<AudienceMember> = []
  private var unindexed = SlotSet<Audience>()
  /// By position of the column, then by the value that it must equal.
  private var byEquality: [Int: [Value: SlotSet<Audience>]] = [:]

  var isEmpty: Bool { audiences.isEmpty }

  mutating func insert(_ subscription: Subscription) {
    let new = Audience(key: subscription.audienceKey, view: subscription.view)
    let (isNew, member) = audiences.insert(AudienceMember(audience: new))
    let audience = member.audience
    if isNew { index(audience) }
    audience.insert(subscription)
    subscription.joined(audience)
  }

  /// Of several equalities the one that fewest others are found by: `done eq false` says little.
  private mutating func index(_ audience: Audience) {
    let equalities = audience.view.condition.equalities
    let key =
      equalities.count < 2
      ? equalities.first : equalities.min { count(of: $0) < count(of: $1) }
    audience.indexKey = key
    guard let key else { return unindexed.insert(audience) }
    byEquality[key.column, default: [:]][key.value, default: SlotSet<Audience>()].insert(audience)
  }

  private func count(of key: (column: Int, value: Value)) -> Int {
    byEquality[key.column]?[key.value]?.count ?? 0
  }

  mutating func remove(_ subscription: Subscription) {
    guard let audience = subscription.audience else { return }
    audience.remove(subscription)
    subscription.leftAudience()
    guard audience.isEmpty else { return }
    audiences.remove(AudienceMember(audience: audience))
    guard let key = audience.indexKey else { return unindexed.remove(audience) }
    byEquality[key.column]?[key.value]?.remove(audience)
    if byEquality[key.column]?[key.value]?.isEmpty ?? false {
      byEquality[key.column]?[key.value] = nil
    }
    if byEquality[key.column]?.isEmpty ?? false { byEquality[key.column] = nil }
  }

  func forEachCandidate(of change: JudgedChange, _ body: (Audience) -> Void) {
    unindexed.forEach(body)
    for (column, values) in byEquality {
      let (before, after) = change.values(ofColumn: column)
      if let before { values[before]?.forEach(body) }
      if let after, after != before { values[after]?.forEach(body) }
    }
  }

  func forEach(_ body: (Subscription) -> Void) {
    for member in audiences { member.audience.forEach(body) }
  }
}

/// An audience as its key tells it from others. A value.
private struct AudienceMember: Hashable {
  let audience: Audience

  static func == (left: AudienceMember, right: AudienceMember) -> Bool {
    left.audience.key == right.audience.key
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(audience.key)
  }
}
