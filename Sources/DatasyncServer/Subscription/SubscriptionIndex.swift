import DatasyncFilter
import DatasyncModel

/// The live subscriptions of a loop, found by what a change is about: by table, and within a table
/// by an equality in their filter, or by values of which a row must have one, so that a change costs what it
/// matches. Loop-bound.
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
  /// Likewise, of which a row must have one.
  private var bySeveral: [Int: [Value: [ObjectIdentifier: Audience]]] = [:]

  var isEmpty: Bool { audiences.isEmpty }

  mutating func insert(_ subscription: Subscription) {
    let new = Audience(key: subscription.audienceKey, view: subscription.view)
    let (isNew, member) = audiences.insert(AudienceMember(audience: new))
    let audience = member.audience
    if isNew { index(audience) }
    audience.insert(subscription)
    subscription.joined(audience)
  }

  /// With more values than this an audience is asked about each change.
  private static let maxValues = 4096

  /// Of several ways to find it that by which fewest others are found: `done eq false` says little.
  private mutating func index(_ audience: Audience) {
    let ways = audience.view.condition.waysToFind.filter { way in
      way.reduce(0) { $0 + $1.values.count } <= TableIndex.maxValues
    }
    let way = ways.count < 2 ? ways.first : ways.min { count(of: $0) < count(of: $1) }
    guard let way else { return unindexed.insert(audience) }
    if let only = TableIndex.only(of: way) {
      audience.indexKey = .one(column: only.column, value: only.value)
      byEquality[only.column, default: [:]][only.value, default: SlotSet<Audience>()]
        .insert(audience)
      return
    }
    audience.indexKey = .several(way)
    for (column, values) in way {
      for value in values {
        bySeveral[column, default: [:]][value, default: [:]][ObjectIdentifier(audience)] = audience
      }
    }
  }

  private static func only(
    of way: [(column: Int, values: [Value])]
  ) -> (column: Int, value: Value)? {
    guard way.count == 1, way[0].values.count == 1 else { return nil }
    return (way[0].column, way[0].values[0])
  }

  private func count(of way: [(column: Int, values: [Value])]) -> Int {
    way.reduce(0) { sum, part in
      part.values.reduce(sum) { sum, value in
        sum + (byEquality[part.column]?[value]?.count ?? 0)
          + (bySeveral[part.column]?[value]?.count ?? 0)
      }
    }
  }

  mutating func remove(_ subscription: Subscription) {
    guard let audience = subscription.audience else { return }
    audience.remove(subscription)
    subscription.leftAudience()
    guard audience.isEmpty else { return }
    audiences.remove(AudienceMember(audience: audience))
    switch audience.indexKey {
    case nil: unindexed.remove(audience)
    case .one(let column, let value):
      byEquality[column]?[value]?.remove(audience)
      if byEquality[column]?[value]?.isEmpty ?? false { byEquality[column]?[value] = nil }
      if byEquality[column]?.isEmpty ?? false { byEquality[column] = nil }
    case .several(let way):
      for (column, values) in way {
        for value in values {
          bySeveral[column]?[value]?[ObjectIdentifier(audience)] = nil
          if bySeveral[column]?[value]?.isEmpty ?? false { bySeveral[column]?[value] = nil }
        }
        if bySeveral[column]?.isEmpty ?? false { bySeveral[column] = nil }
      }
    }
  }

  func forEachCandidate(of change: JudgedChange, _ body: (Audience) -> Void) {
    unindexed.forEach(body)
    for (column, values) in byEquality {
      let (before, after) = change.values(ofColumn: column)
      if let before { values[before]?.forEach(body) }
      if let after, after != before { values[after]?.forEach(body) }
    }
    for (column, values) in bySeveral {
      let (before, after) = change.values(ofColumn: column)
      // One that is found by several values is shown the change once.
      let first = FaultSwitch.isOn(.setIndexAfterOnly) ? nil : before
      for value in [first, after == first ? nil : after] {
        guard let value, let found = values[value] else { continue }
        for audience in found.values where audience.isShownFirst(change) { body(audience) }
      }
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
