import DatasyncAccess
import DatasyncFilter
import DatasyncModel
import DatasyncStorage

/// Why a subscription sends nothing for a moment. A value.
struct SubscriptionHold: OptionSet {
  let rawValue: UInt8

  /// The sets that belong to its caller are being read.
  static let sets = SubscriptionHold(rawValue: 1)
  /// The access file has changed, and its caller is still to be judged by it.
  static let access = SubscriptionHold(rawValue: 2)
}

// What its caller may read, and what comes of it when that is another.
extension Subscription {
  var isHeld: Bool { !holds.isEmpty }

  // MARK: - Held

  /// Sends nothing until it is known what its caller may read.
  func hold(_ reason: SubscriptionHold) {
    let wasHeld = isHeld
    holds.insert(reason)
    guard !wasHeld else { return }
    if case .live = phase { fallBack(to: loop.head) }
    stopReading()
  }

  /// What is being read is of no use any more: the view may be another when it comes.
  private func stopReading() {
    dropPages()
    switch phase {
    case .snapshotting(var rows):
      rows.isReading = false
      phase = .snapshotting(rows)
    case .judging(var judgement):
      judgement.isReading = false
      phase = .judging(judgement)
    case .replaying(let position, _): phase = .replaying(position: position, isReading: false)
    case .starting, .resting, .live, .ended: break
    }
  }

  /// What its caller may read is as it was.
  func release(_ reason: SubscriptionHold) {
    guard holds.remove(reason) != nil, !isHeld else { return }
    sink?.subscriptionReleased()
    switch phase {
    case .snapshotting: readInitialRows()
    case .judging: goOnJudging()
    case .replaying: pump()
    case .starting, .resting, .live, .ended: break
    }
  }

  /// Stays before a commit, with all that see the same.
  func leaveAudience(before commit: Commit) {
    if case .live = phase { audience?.depart(before: commit, in: loop) }
  }

  // MARK: - Changes

  /// The caller may read something else now: what it has been sent is judged anew before anything more is.
  func rightsChanged(to rights: Rights?) {
    guard !isEnded else { return }
    owesJudgement = true
    holds.remove(.access)
    useRights(rights)
  }

  /// Goes over to rights, once the sets that they need are known.
  func useRights(_ rights: Rights?) {
    loop.memberships.leave(self)
    let needed = rights?.memberships(for: view.table, in: loop.catalog) ?? []
    plan.memberships = needed
    guard stage != .queued else { return bind(rights, .none) }
    guard let rights, !needed.isEmpty else { return take(.none, at: .zero, rights: rights) }
    hold(.sets)
    loop.memberships.join(self, rights, needed)
  }

  /// The sets that belong to its caller, as they were at a sequence, and are.
  func take(_ sets: MembershipSets, at sequence: Sequence, rights: Rights?) {
    guard !isEnded else { return }
    guard stage == .begun else {
      bind(rights, sets)
      guard !isEnded else { return }
      stage = .begun
      begin()
      return release(.sets)
    }
    let isSame =
      !owesJudgement && sets.digest == plan.sets.digest
      && rights.map { plan.rights?.isSame(as: $0) ?? false } ?? (plan.rights == nil)
    if !isSame { change(to: rights, sets, through: sequence) }
    if !isEnded, holds.contains(.sets) { release(.sets) }
  }

  /// Takes rights before anything is sent.
  private func bind(_ rights: Rights?, _ sets: MembershipSets) {
    owesJudgement = false
    do throws(DatasyncError) {
      plan.view = try adaptedView(to: loop.catalog, rights: rights, sets: sets)
    } catch {
      return end(error)
    }
    take(rights, sets)
  }

  /// Has another view from the position on, or from a sequence on that the loop's tail reaches back from.
  private func change(to rights: Rights?, _ sets: MembershipSets, through end: Sequence) {
    guard sink?.takesJudgements ?? true else { return self.end(.viewChanged) }
    if case .judging(let running) = phase, running.commits == nil, running.sent.isFull {
      waitingChange = WaitingChange(rights: rights, sets: sets)
      return
    }
    let (oldRights, oldSets) = (plan.rights, plan.sets)
    var (new, refusal): (View?, DatasyncError?)
    do throws(DatasyncError) {
      new = try adaptedView(to: loop.catalog, rights: rights, sets: sets)
    } catch {
      refusal = error
    }
    take(rights, sets)
    owesJudgement = false
    waitingChange = nil
    guard let place = leavePlace() else {
      guard let new else { return self.end(refusal) }
      plan.view = new
      if case .snapshotting = phase { startInitialRows() }
      return
    }
    let canNarrow =
      place.sent.isWhole && new != nil && rights.map { oldRights?.isSame(as: $0) ?? false } ?? false
    let tables = concerned(place.sent.tables(in: loop.catalog), new).compactMap { table in
      canNarrow
        ? narrowed(table, rights, from: oldSets, to: sets) : (table: table, rows: Filter?.none)
    }
    let commits = place.isWithinCommit ? nil : commits(after: place.position, through: end)
    judge(
      Judgement(
        sent: place.sent, new: new, refusal: refusal, start: place.position, commits: commits,
        position: commits?.last?.last ?? place.position, isWithinCommit: place.isWithinCommit,
        tables: tables, held: place.held))
  }

  /// nil: there are none, or too many.
  private func commits(after position: Sequence, through end: Sequence) -> [Commit]? {
    guard end > position,
      let commits = loop.tail.commits(
        after: position, through: end, maxBytes: loop.options.replayChunkBytes)
    else { return nil }
    return commits.isEmpty ? nil : commits
  }

  private func concerned(_ sent: [Table], _ new: View?) -> [Table] {
    let ids = Set((sent + (new?.tables(in: loop.catalog) ?? [])).map(\.id))
    return loop.catalog.tables.filter { ids.contains($0.id) }
  }

  /// The rows of a table that other sets show, or no longer do; nil: none.
  private func narrowed(
    _ table: Table, _ rights: Rights?, from old: MembershipSets, to new: MembershipSets
  ) -> (table: Table, rows: Filter?)? {
    switch rights?.difference(in: table, from: old, to: new) {
    case .some(.none): return nil
    case .rows(let filter):
      return (table, (try? loop.store.check(filter)) == nil ? nil : filter)
    case nil, .all: return (table, nil)
    }
  }

  /// What has been sent, and up to where; nil: nothing.
  private func leavePlace() -> SentPlace? {
    switch phase {
    case .ended, .starting:
      return nil
    case .snapshotting(let rows):
      rows.cancellation.cancel()
      dropPages()
      return rows.position.map { position in
        let place = RowPlace(tables: rows.tables.map(\.id), after: rows.after?.first)
        return SentPlace(SentRows(view, before: place), position)
      }
    case .live:
      loop.live.remove(self)
      return SentPlace(SentRows(all: view), loop.head)
    case .replaying(let position, _), .resting(let position, _):
      loop.intervals.remove(self)
      guard let cut = pages.within else { return SentPlace(SentRows(all: view), position) }
      // What was not sent yet is judged by the new view, in its turn.
      holdPages { $0.within = CommitCut(start: cut.start, head: cut.head) }
      let reached = cut.held.map { Sequence($0.sequence.rawValue - 1) } ?? position
      return SentPlace(SentRows(all: view), reached, isWithinCommit: true)
    case .judging(let running):
      running.cancellation.cancel()
      return SentPlace(running)
    }
  }

  /// A judgement has ended: another may have waited for that.
  func judgementEnded() {
    guard let change = waitingChange else { return }
    self.change(to: change.rights, change.sets, through: .zero)
  }
}

/// What a subscription has been sent when its rights change. A value.
private struct SentPlace {
  let sent: SentRows
  let position: Sequence
  let isWithinCommit: Bool
  let held: Judgement.Held?

  init(_ sent: SentRows, _ position: Sequence, isWithinCommit: Bool = false) {
    self.sent = sent
    self.position = position
    self.isWithinCommit = isWithinCommit
    held = nil
  }

  /// Amid a judgement.
  init(_ running: Judgement) {
    isWithinCommit = running.isWithinCommit
    guard running.commits == nil else {
      // Nothing of it was sent.
      (sent, position, held) = (running.sent, running.start, nil)
      return
    }
    position = running.position
    let judged = running.sent.judged(
      by: running.new, before: running.place, changedAfter: running.changedAfter)
    // A row that is still to be sent is judged anew: it may be none any more that may be read.
    if let row = running.held?.row {
      (sent, held) = (judged.unsent(row, as: running.sent), nil)
    } else {
      (sent, held) = (judged, running.held)
    }
  }
}

/// Rights that wait for a judgement to end. Immutable: a reference, since hardly any subscription has some.
final class WaitingChange {
  let rights: Rights?
  let sets: MembershipSets

  init(rights: Rights?, sets: MembershipSets) {
    self.rights = rights
    self.sets = sets
  }
}
