import DatasyncAccess
import DatasyncModel
import DatasyncStorage
import DequeModule

/// The sets of those who subscribe on a loop by memberships: finds whom a commit concerns, holds their
/// subscriptions before it, and has them judged when the sets have been read. Loop-bound.
final class MembershipWatch {
  private var holders: [MembershipHolder.Key: MembershipHolder] = [:]
  /// By the table whose rows make up sets.
  private var index: [Int: MembershipIndex] = [:]
  /// Those whose sets are to be read; as many as there are holders.
  private var queue: Deque<MembershipHolder> = []
  private var readCount = 0

  /// At once; the others wait for their turn.
  private static let maxReads = 16

  var isEmpty: Bool { holders.isEmpty }
  /// Principals.
  var count: Int { holders.count }

  // MARK: - Members

  /// Tells the subscription of its sets, once they are known; until then it is held.
  func join(_ subscription: Subscription, _ rights: Rights, _ names: Set<String>) {
    let key = MembershipHolder.Key(
      principal: ExactText(rights.key), version: rights.version, memberships: names)
    let holder = holders[key] ?? MembershipHolder(key, rights)
    holders[key] = holder
    holder.members[ObjectIdentifier(subscription)] = subscription
    subscription.holder = holder
    guard let sets = holder.sets else {
      holder.forget(at: subscription.loop.head)
      enqueue(holder)
      return readNext(in: subscription.loop)
    }
    subscription.take(sets, at: holder.sequence, rights: holder.rights)
  }

  func leave(_ subscription: Subscription) {
    guard let holder = subscription.holder else { return }
    subscription.holder = nil
    holder.members[ObjectIdentifier(subscription)] = nil
    guard holder.members.isEmpty else { return }
    unindex(holder)
    holders[holder.key] = nil
  }

  private func insert(_ holder: MembershipHolder) {
    for (table, rule) in holder.conditions {
      index[table, default: MembershipIndex()].insert(holder, rule: rule)
    }
  }

  private func unindex(_ holder: MembershipHolder) {
    guard holder.sets != nil else { return }
    for (table, rule) in holder.conditions {
      index[table]?.remove(holder, rule: rule)
      if index[table]?.isEmpty ?? false { index[table] = nil }
    }
  }

  // MARK: - Commits

  /// Holds the subscriptions of those whose sets a commit may change, before it is shown to anybody.
  func note(_ commit: Commit, in loop: ServiceLoop) {
    guard !holders.isEmpty, !FaultSwitch.isOn(.staleSets) else { return }
    if commit.isInLogOnly {
      for holder in holders.values { hold(holder, before: commit, in: loop) }
      return
    }
    for change in commit.changes {
      guard let index = index[change.tableID], let table = loop.catalog.table(id: change.tableID)
      else { continue }
      var concerned: [MembershipHolder] = []
      index.forEachCandidate(of: change, in: table) { holder in
        if holder.isConcerned(by: change) { concerned.append(holder) }
      }
      for holder in concerned { hold(holder, before: commit, in: loop) }
    }
    // What is being read just now is looked at when it has been read.
  }

  private func hold(_ holder: MembershipHolder, before commit: Commit, in loop: ServiceLoop) {
    unindex(holder)
    holder.forget(at: commit.last)
    for subscription in holder.members.values {
      subscription.leaveAudience(before: commit)
      subscription.hold(.sets)
    }
    enqueue(holder)
  }

  // MARK: - Reading

  private func enqueue(_ holder: MembershipHolder) {
    guard !holder.isQueued else { return }
    holder.isQueued = true
    queue.append(holder)
  }

  /// Reads what has to be read, once the batch at hand is published.
  func readNext(in loop: ServiceLoop) {
    while readCount < MembershipWatch.maxReads, let holder = queue.popFirst() {
      guard !holder.members.isEmpty else { continue }
      readCount += 1
      read(holder, in: loop)
    }
  }

  private func read(_ holder: MembershipHolder, in loop: ServiceLoop) {
    let (rights, names, sequence) = (holder.rights, holder.key.memberships, holder.staleSince)
    loop.read(
      .tables(holder.tables),
      { snapshot throws(DatasyncError) in
        // Where the log does not reach back that far any more, what follows it has to do.
        let rows = PastRows(snapshot, at: max(sequence, snapshot.oldest))
        return (try rights.sets(names, in: rows), rows.sequence)
      },
      completion: { [self] (result: Result<(MembershipSets, Sequence), DatasyncError>) in
        readCount -= 1
        holder.isQueued = false
        switch result {
        case .failure(let error):
          for subscription in holder.members.values { subscription.end(error) }
        case .success(let (sets, sequence)):
          loop.whenPublished(sequence) { [self] in known(sets, at: sequence, of: holder, in: loop) }
        }
        readNext(in: loop)
      })
  }

  private func known(
    _ sets: MembershipSets, at sequence: Sequence, of holder: MembershipHolder, in loop: ServiceLoop
  ) {
    guard !holder.members.isEmpty, holder.sets == nil, !holder.isQueued else { return }
    holder.take(sets, at: sequence)
    let later = loop.tail.commits(after: sequence, through: loop.head, maxBytes: .max)
    guard let later, !later.contains(where: { holder.isConcerned(by: $0) }) else {
      holder.forget(at: loop.head)
      enqueue(holder)
      return readNext(in: loop)
    }
    insert(holder)
    for subscription in holder.members.values {
      subscription.take(sets, at: sequence, rights: holder.rights)
    }
  }
}
