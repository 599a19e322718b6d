import DatasyncModel

/// Tells which table is which: names and numbers belong to a name for ever, whatever is created, dropped
/// and renamed around it. A value; used once.
///
/// A table that takes a known name takes its identity. One that was renamed to a name that is not known
/// takes its identity along, which its triggers tell, until the old name is used again.
struct TableIdentity {
  private(set) var entries: [TableEntry]
  private(set) var claimed: Set<Int> = []
  private var nextID: Int
  private var messages: MessageNames

  init(registry: TableRegistry) throws(SQLiteFailure) {
    entries = try registry.entries()
    messages = MessageNames(known: entries.map(\.message))
    nextID = max(try registry.nextID(), (entries.map(\.id).max() ?? 0) + 1)
  }

  /// The entry of each table, in the order given; new ones for those that are not known.
  mutating func match(_ raws: [RawTable]) -> [TableEntry] {
    var positions = [Int?](repeating: nil, count: raws.count)
    claim(raws, &positions, by: \.name.asciiLowercased) { $0.name.asciiLowercased }
    claim(raws, &positions, by: \.id) { $0.ownerID }
    claim(raws, &positions, by: \.presentName.asciiLowercased) { $0.name.asciiLowercased }
    return zip(raws, positions).map { raw, position in
      position.map { entries[$0] } ?? added(raw)
    }
  }

  /// Entries whose tables are gone.
  var absent: [TableEntry] { entries.filter { !claimed.contains($0.id) } }

  /// Gives the tables that have none yet the first free entry of the same name or id.
  private mutating func claim<Mark: Hashable>(
    _ raws: [RawTable], _ positions: inout [Int?], by mark: (TableEntry) -> Mark,
    _ wanted: (RawTable) -> Mark?
  ) {
    var free: [Mark: Int] = [:]
    for (position, entry) in entries.enumerated() where !claimed.contains(entry.id) {
      if free[mark(entry)] == nil { free[mark(entry)] = position }
    }
    for (index, raw) in raws.enumerated() where positions[index] == nil {
      guard let wanted = wanted(raw), let position = free.removeValue(forKey: wanted) else {
        continue
      }
      positions[index] = position
      claimed.insert(entries[position].id)
    }
  }

  private mutating func added(_ raw: RawTable) -> TableEntry {
    var entry = TableEntry(new: raw.name, id: nextID)
    entry.message = messages.name(ofTable: raw.name, id: nextID)
    entries.append(entry)
    claimed.insert(entry.id)
    nextID += 1
    return entry
  }
}

extension RawTable {
  /// The identity that the triggers on it belong to; nil: it has none of ours.
  var ownerID: Int? {
    triggers.lazy.filter(\.isOurs).compactMap { CaptureTriggers.tableID(ofTrigger: $0.name) }.first
  }

  /// Whether all triggers of an identity are there, and none of another.
  func hasAllTriggers(of id: Int, _ placement: Placement) -> Bool {
    let ours = Set(triggers.filter(\.isOurs).map(\.name))
    return ours == Set(CaptureTriggers.kinds(placement).map { "datasync_\(id)_\($0)" })
  }
}
