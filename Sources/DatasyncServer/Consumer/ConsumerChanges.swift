import DatasyncModel
import DatasyncStorage
import ServiceLifecycle

/// Every commit after a position that the database keeps by name, one after the other.
///
/// At least once, in order, without an end: what was given is done when the next one is asked for; whatever
/// happens before that, it is given again. One loop at a time has a name.
public struct ConsumerChanges: AsyncSequence, Sendable {
  /// One commit, or a part of one that is too large for memory.
  public typealias Element = CommittedChanges

  let name: String
  let running: RunningService

  /// Nothing is read, nor is the name taken, before the first element is asked for.
  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(cursor: ConsumerCursor(name, running))
  }

  /// Confined to the task that iterates.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let cursor: ConsumerCursor

    /// The next commit; nil once the server ends, or the task is cancelled or told to shut down.
    ///
    /// - Throws: ``ConsumerError``.
    public func next() async throws -> CommittedChanges? {
      do {
        return try await cursor.next()
      } catch let error as DatasyncError {
        // What it waits for when the server ends is refused.
        if cursor.isOver { return nil }
        throw ConsumerError(error)
      }
    }
  }
}

/// One who follows. Confined to the task that iterates.
final class ConsumerCursor {
  private let name: String
  private let running: RunningService
  private var service: DatasyncService?
  /// Everything up to here is done, and the database knows.
  private var position: Sequence = .zero
  /// Where the last one that was given ends; it is done when the next one is asked for.
  private var given: Sequence?
  /// Of a commit that is given in parts: where the next part begins.
  private var within: (after: Sequence, head: CommitHead)?
  /// Read, and not given yet; the first comes last.
  private var ahead: [Commit] = []

  /// Commits that are read at once, and a part of one that is too large for memory, in bytes.
  private static let pageBytes = 1 << 20

  init(_ name: String, _ running: RunningService) {
    self.name = name
    self.running = running
  }

  deinit {
    service?.consumers.leave(name)
  }

  var isOver: Bool { service?.consumers.isEnded ?? false }

  func next() async throws -> CommittedChanges? {
    if service == nil { try await begin() }
    guard let service else { return nil }
    if let given {
      position = try await service.take(ConsumerStep(name, .move(to: given)))
      self.given = nil
      service.consumers.moved(name, to: position)
    }
    if let within { return try await part(after: within.after, within.head, service) }
    while ahead.isEmpty {
      guard !ends(service) else { return nil }
      await service.wait(after: position)
      guard !ends(service) else { return nil }
      let page = try await read(service)
      if page.isTooLarge { return try await part(after: position, nil, service) }
      ahead = page.commits.reversed()
    }
    guard let commit = ahead.popLast() else { return nil }
    given = commit.last
    service.consumerTook()
    return CommittedChanges(commit, in: service.store.catalog)
  }

  /// A service that follows is told to shut down before the server is, which waits for it.
  private func ends(_ service: DatasyncService) -> Bool {
    service.consumers.isEnded || Task.isCancelled || Task.isShuttingDownGracefully
  }

  private func begin() async throws {
    if let fault = ConsumerCursor.fault(in: name) { throw ConsumerError(.badName, fault) }
    guard let service = try await running.service() else { return }
    guard service.consumers.enter(name) else {
      throw ConsumerError(.inUse, "somebody follows as \"\(name)\" already")
    }
    do {
      position = try await service.take(ConsumerStep(name, .begin))
    } catch {
      service.consumers.leave(name)
      throw error
    }
    service.consumers.moved(name, to: position)
    self.service = service
  }

  private func read(_ service: DatasyncService) async throws -> LogPage {
    let position = position
    do {
      return try await service.readLog { snapshot throws(DatasyncError) in
        try snapshot.changes(
          after: position, through: snapshot.sequence, maxBytes: ConsumerCursor.pageBytes)
      }
    } catch let error as DatasyncError where error.reason == "HISTORY_COMPACTED" {
      service.consumerFellOut(name)
      throw error
    }
  }

  /// Some changes of a commit that is too large to be held.
  private func part(
    after: Sequence, _ known: CommitHead?, _ service: DatasyncService
  ) async throws -> CommittedChanges {
    let part = try await service.readLog { snapshot throws(DatasyncError) in
      let head =
        if let known { known } else { try snapshot.commitHead(at: after.next) }
      return try CommitPart(
        after: after, head, in: snapshot, maxBytes: ConsumerCursor.pageBytes)
    }
    within = part.isLast ? nil : (part.commit.last, part.head)
    if part.isLast {
      given = part.commit.last
      service.consumerTook()
    }
    return CommittedChanges(part.commit, isWhole: part.isLast, in: service.store.catalog)
  }

  static func fault(in name: String) -> String? {
    guard (1...64).contains(name.utf8.count),
      !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
    else { return "the name of a consumer has 1 to 64 bytes, and no control characters" }
    return nil
  }
}

/// Some changes of one commit, copied out of the log. A value.
private struct CommitPart: Sendable {
  let commit: Commit
  let head: CommitHead
  /// Whether the commit ends with it.
  let isLast: Bool

  init(
    after: Sequence, _ head: CommitHead, in snapshot: any StorageSnapshot, maxBytes: Int
  ) throws(DatasyncError) {
    var changes: [Change] = []
    var bytes = 0
    var isLast = true
    try snapshot.forEachLogEntry(after: after, through: snapshot.sequence) { entry in
      if !changes.isEmpty {
        if entry.commit != nil { return false }
        if bytes >= maxBytes {
          isLast = false
          return false
        }
      }
      bytes += entry.byteCount
      changes.append(
        Change(
          sequence: entry.sequence, tableID: entry.tableID,
          key: String(decoding: entry.key, as: UTF8.self), operation: entry.operation,
          before: entry.before.map { RowImage(bytes: Array($0)) },
          after: entry.after.map { RowImage(bytes: Array($0)) }, faulty: entry.faulty))
      return true
    }
    guard !changes.isEmpty else {
      throw DatasyncError(.internal, "the log has lost what it had at \(after)")
    }
    commit = Commit(
      changes: changes,
      author: Author(
        clientID: String(decoding: head.origin, as: UTF8.self),
        principal: String(decoding: head.principal, as: UTF8.self)), committedAt: head.time)
    self.head = head
    self.isLast = isLast
  }
}
