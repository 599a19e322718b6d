import DatasyncAccess
import DatasyncModel
import DatasyncStorage
import Synchronization

/// Sets that belong to principals, kept as long as no row of their tables changes: nobody sorts a hundred
/// thousand values for each read. Sendable; a lock guards it, not held while rows are read.
final class MembershipCache: Sendable {
  /// Of all that is kept; with more, it begins anew.
  static let maxKeptValues = 2_000_000

  fileprivate struct Key: Hashable {
    let principal: String
    let memberships: Set<String>
  }

  /// Sets, and from which sequence to which they are known to be these.
  fileprivate struct Entry {
    let sets: MembershipSets
    let tables: Set<Int>
    let first: Sequence
    var last: Sequence
  }

  fileprivate struct State {
    /// Of the rules; see ``Rights/version``.
    var version = 0
    var entries: [Key: Entry] = [:]
    var valueCount = 0
    /// Every change up to here has been noted.
    var head = Sequence.zero
    /// When rows of a table last changed.
    var lastChange: [Int: Sequence] = [:]
    /// The last commit of which nobody can say what it changed.
    var lastUnknown = Sequence.zero
  }

  private let state = Mutex(State())
  private let maxValues: Int

  /// - Parameter maxValues: Of one set.
  init(maxValues: Int) {
    self.maxValues = maxValues
  }

  // MARK: - Commits

  /// Nothing that was committed before is unknown to whoever reads from now on.
  func begin(at head: Sequence) {
    state.withLock { $0.head = max($0.head, head) }
  }

  /// Comes in the order of the commits, before the next ones are made.
  func note(_ batch: CommittedBatch) {
    state.withLock { state in
      for commit in batch.commits {
        if commit.isInLogOnly { state.lastUnknown = commit.last }
        for change in commit.changes { state.lastChange[change.tableID] = change.sequence }
      }
      state.head = max(state.head, batch.head)
    }
  }

  /// Sequences begin anew.
  func forget() {
    state.withLock { $0 = State(version: $0.version) }
  }

  // MARK: - Sets

  /// The sets of a principal as rows are.
  ///
  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_MEMBERSHIP_VALUES; what reading the rows throws.
  func sets(
    _ names: Set<String>, of rights: Rights, in rows: any RowSource
  ) throws(DatasyncError) -> MembershipSets {
    guard !names.isEmpty else { return .none }
    let key = Key(principal: rights.key, memberships: names)
    let sequence = rows.sequence
    if let sets = try kept(key, rights.version, in: rows) { return sets }
    let memberships = rights.rules.memberships(for: names)
    let sets = try MembershipReader(
      principal: rights.principal, names: names, memberships: memberships, maxValues: maxValues
    ).sets(in: rows)
    keep(
      Entry(
        sets: sets, tables: Set(memberships.map(\.table.id)), first: sequence, last: sequence),
      key, rights.version)
    return sets
  }

  private func kept(
    _ key: Key, _ version: Int, in rows: any RowSource
  ) throws(DatasyncError) -> MembershipSets? {
    let sequence = rows.sequence
    let (found, known) = state.withLock { state in
      (version == state.version ? state.entries[key] : nil, state.known(for: key))
    }
    guard let entry = found, let known, sequence >= entry.first else { return nil }
    guard sequence > known else { return entry.sets }
    // What was committed a moment ago, or is being written, has not been noted yet.
    guard try !rows.hasChanges(in: entry.tables, after: known) else { return nil }
    return entry.sets
  }

  private func keep(_ entry: Entry, _ key: Key, _ version: Int) {
    state.withLock { state in
      // What a transaction has not committed may be taken back.
      guard entry.first <= state.head, version >= state.version else { return }
      if version > state.version
        || state.valueCount + entry.sets.count > MembershipCache.maxKeptValues
      {
        state.entries.removeAll()
        state.valueCount = 0
        state.version = version
      }
      if let old = state.entries[key] {
        guard old.first <= entry.first else { return }
        state.valueCount -= old.sets.count + 1
      }
      state.entries[key] = entry
      // One that is empty takes something, too.
      state.valueCount += entry.sets.count + 1
    }
  }
}

extension MembershipCache.State {
  /// Up to which sequence a kept entry is known to be right; nil: its tables have changed since.
  fileprivate mutating func known(for key: MembershipCache.Key) -> Sequence? {
    guard let entry = entries[key] else { return nil }
    let change = entry.tables.reduce(lastUnknown) { max($0, lastChange[$1] ?? .zero) }
    guard change <= entry.last else { return nil }
    let known = max(entry.last, head)
    entries[key]?.last = known
    return known
  }
}
