import DatasyncFilter
import DatasyncModel

/// The live subscriptions of a loop, found by what a change is about: by table, and within a table
/// by an equality in their filter, or by values of which a row must have one, so that a change costs what it
/// matches. Loop-bound.
struct SubscriptionIndex {
  private var everyTable = TableIndex()
  private var tables: [Int: TableIndex] = [:]

  mutating func insert(_ subscription: Subscription) {
    if let table = subscription.view.table {
      _ = tables[table.id, default: TableIndex()].insert(subscription)
    } else if let new = everyTable.insert(subscription) {
      for (table, part) in new.view.parts ?? [:] {
        tables[table, default: TableIndex()].insert(new, seeing: part, of: table)
      }
    }
  }

  mutating func remove(_ subscription: Subscription) {
    if let table = subscription.view.table {
      _ = tables[table.id]?.remove(subscription)
      forgetIfEmpty(table.id)
    } else if let old = everyTable.remove(subscription) {
      for table in (old.view.parts ?? [:]).keys {
        tables[table]?.remove(old, of: table)
        forgetIfEmpty(table)
      }
    }
  }

  private mutating func forgetIfEmpty(_ table: Int) {
    if tables[table]?.isEmpty ?? false { tables[table] = nil }
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

  /// Of those that see all tables, who may be concerned by any row of this one.
  private var others: [ObjectIdentifier: Audience] = [:]

  var isEmpty: Bool { audiences.isEmpty && bySeveral.isEmpty && others.isEmpty }

  /// - Returns: Its audience, where that is new.
  mutating func insert(_ subscription: Subscription) -> Audience? {
    let new = Audience(key: subscription.audienceKey, view: subscription.view)
    let (isNew, member) = audiences.insert(AudienceMember(audience: new))
    let audience = member.audience
    if isNew { index(audience) }
    audience.insert(subscription)
    subscription.joined(audience)
    return isNew ? audience : nil
  }

  /// With more values than this an audience is asked about each change.
  private static let maxValues = 4096

  /// Of several ways to find it that by which fewest others are found: `done eq false` says little.
  private func way(
    to condition: ViewCondition
  ) -> [(column: Int, values: [Value])]? {
    let ways = condition.waysToFind.filter { way in
      way.reduce(0) { $0 + $1.values.count } <= TableIndex.maxValues
    }
    return ways.count < 2 ? ways.first : ways.min { count(of: $0) < count(of: $1) }
  }

  private mutating func index(_ audience: Audience) {
    // One that sees tables by their own rules is found in those.
    guard audience.view.parts == nil else { return audience.indexKey = .several([]) }
    guard let way = way(to: audience.view.condition) else { return unindexed.insert(audience) }
    if let only = TableIndex.only(of: way) {
      audience.indexKey = .one(column: only.column, value: only.value)
      byEquality[only.column, default: [:]][only.value, default: SlotSet<Audience>()]
        .insert(audience)
      return
    }
    audience.indexKey = .several(way)
    insert(audience, by: way)
  }

  private mutating func insert(_ audience: Audience, by way: [(column: Int, values: [Value])]) {
    for (column, values) in way {
      for value in values {
        bySeveral[column, default: [:]][value, default: [:]][ObjectIdentifier(audience)] = audience
      }
    }
  }

  private mutating func remove(_ audience: Audience, by way: [(column: Int, values: [Value])]) {
    for (column, values) in way {
      for value in values {
        bySeveral[column]?[value]?[ObjectIdentifier(audience)] = nil
        if bySeveral[column]?[value]?.isEmpty ?? false { bySeveral[column]?[value] = nil }
      }
      if bySeveral[column]?.isEmpty ?? false { bySeveral[column] = nil }
    }
  }

  /// One that sees all tables, by what it sees of this one.
  mutating func insert(_ audience: Audience, seeing part: View, of table: Int) {
    guard let way = way(to: part.condition) else {
      return others[ObjectIdentifier(audience)] = audience
    }
    audience.partKeys[table] = .several(way)
    insert(audience, by: way)
  }

  mutating func remove(_ audience: Audience, of table: Int) {
    guard case .several(let way) = audience.partKeys[table] else {
      return others[ObjectIdentifier(audience)] = nil
    }
    remove(audience, by: way)
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

  /// - Returns: Its audience, where that is empty now.
  mutating func remove(_ subscription: Subscription) -> Audience? {
    guard let audience = subscription.audience else { return nil }
    audience.remove(subscription)
    subscription.leftAudience()
    guard audience.isEmpty else { return nil }
    audiences.remove(AudienceMember(audience: audience))
    switch audience.indexKey {
    case nil: unindexed.remove(audience)
    case .one(let column, let value):
      byEquality[column]?[value]?.remove(audience)
      if byEquality[column]?[value]?.isEmpty ?? false { byEquality[column]?[value] = nil }
      if byEquality[column]?.isEmpty ?? false { byEquality[column] = nil }
    case .several(let way): remove(audience, by: way)
    }
    return audience
  }

  func forEachCandidate(of change: JudgedChange, _ body: (Audience) -> Void) {
    unindexed.forEach(body)
    if !others.isEmpty { others.values.forEach(body) }
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
