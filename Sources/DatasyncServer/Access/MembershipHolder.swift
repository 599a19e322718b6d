import DatasyncAccess
import DatasyncFilter
import DatasyncModel
import DatasyncStorage

/// What belongs to one principal as rows are at the loop's head, and the subscriptions that are judged by that.
/// Loop-bound.
final class MembershipHolder {
  struct Key: Hashable {
    /// See ``Rights/key``.
    let principal: ExactText
    let version: Int
    let memberships: Set<String>
  }

  /// One of the sets, as it is asked what a change of a row means to it. A value.
  private struct Source {
    let table: Table
    let column: Int
    let rule: BoundRule

    /// What a row adds to the set; nil: nothing.
    func value(of image: RowImage?) throws(FilterFault) -> Value? {
      guard let image, !RowDecoder.isDeleted(image) else { return nil }
      let values = RowDecoder.values(of: image, table: table)
      guard !values[column].isNull, try rule.holds(for: values) else { return nil }
      return values[column]
    }
  }

  let key: Key
  let rights: Rights
  /// The tables, by id, whose rows make up the sets.
  let tables: Set<Int>
  /// As they are at the loop's head; nil: they have to be read.
  private(set) var sets: MembershipSets?
  /// The last sequence at which they became what they are, as far as that is known.
  private(set) var sequence = Sequence.zero
  /// They have to be read as of this sequence, or a later one.
  private(set) var staleSince = Sequence.zero
  var isQueued = false
  var members: [ObjectIdentifier: Subscription] = [:]
  private var sources: [Int: [Source]] = [:]

  init(_ key: Key, _ rights: Rights) {
    self.key = key
    self.rights = rights
    tables = Set(rights.rules.memberships(for: key.memberships).map(\.table.id))
  }

  func take(_ sets: MembershipSets, at sequence: Sequence) {
    self.sets = sets
    self.sequence = sequence
    sources = [:]
    for membership in rights.rules.memberships(for: key.memberships) {
      let rule = membership.rule.folded(for: rights.principal).binding(sets.values)
      if case .never = rule { continue }
      sources[membership.table.id, default: []].append(
        Source(table: membership.table, column: membership.column, rule: rule))
    }
  }

  /// They are others after the sequence, or may be.
  func forget(at sequence: Sequence) {
    sets = nil
    staleSince = max(staleSince, sequence)
  }

  /// How its rows are found in the tables of its sets.
  var conditions: [(table: Int, rule: BoundRule)] {
    sources.flatMap { table, sources in sources.map { (table, $0.rule) } }
  }

  /// Whether sets may be others after a change than before it.
  func isConcerned(by change: Change) -> Bool {
    guard tables.contains(change.tableID) else { return false }
    if change.operation == .tableAttached { return true }
    return (sources[change.tableID] ?? []).contains { source in
      do throws(FilterFault) {
        return try source.value(of: change.before) != source.value(of: change.after)
      } catch {
        // Reading the set says what is wrong.
        return true
      }
    }
  }

  func isConcerned(by commit: Commit) -> Bool {
    commit.isInLogOnly || commit.changes.contains { isConcerned(by: $0) }
  }
}
