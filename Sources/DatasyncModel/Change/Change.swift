/// What happened to one row: an entry of the change log, as the database saw it. Immutable, shared
/// by reference between event loops.
///
/// What a subscriber sees of it (ADD, UPDATE, DELETE) depends on its view and is decided there.
package final class Change: Sendable {
  /// What the statement did; a soft delete is an update. The log has four bits for it.
  package enum Operation: Int, Sendable {
    case insert = 1
    case update = 2
    case delete = 3
    /// The table's history begins (attach): no row; the log knows nothing of its rows before.
    case tableAttached = 4
  }

  /// Also the version of the row that it leaves; of `tableAttached`, that of all the table's rows.
  package let sequence: Sequence
  /// ``Table/id``.
  package let tableID: Int
  /// The key of the row, as text; empty for `tableAttached`.
  package let key: String
  package let operation: Operation
  /// The row's wire bytes before; nil where there was no row.
  package let before: RowImage?
  /// The row's wire bytes after; nil where it was removed (a soft delete keeps it, `deleted` set).
  package let after: RowImage?
  /// Which of the two has values that cannot be read; see ``RowFaults``.
  package let faulty: FaultyImages

  /// That the images go with the operation is not checked.
  package init(
    sequence: Sequence, tableID: Int, key: String, operation: Operation, before: RowImage?,
    after: RowImage?, faulty: FaultyImages = FaultyImages(before: false, after: false)
  ) {
    self.sequence = sequence
    self.tableID = tableID
    self.key = key
    self.operation = operation
    self.before = before
    self.after = after
    self.faulty = faulty
  }

  /// What it costs to keep in memory, in bytes, about.
  package var memoryCost: Int {
    160 + key.utf8.count + (before?.bytes.count ?? 0) + (after?.bytes.count ?? 0)
  }
}

/// The images of a change that have values which cannot be read. A value.
package struct FaultyImages: OptionSet, Hashable, Sendable {
  /// Bit 0 for before, bit 1 for after; the log keeps it beside the operation.
  package let rawValue: Int

  package init(rawValue: Int) {
    self.rawValue = rawValue
  }

  /// Costs less than a literal, which is assembled from its elements.
  package init(before: Bool, after: Bool) {
    rawValue = (before ? 1 : 0) | (after ? 2 : 0)
  }

  package static let before = FaultyImages(rawValue: 1)
  package static let after = FaultyImages(rawValue: 2)
}

/// The changes of one commit, which nobody sees apart: one write, one Commit request, or all foreign
/// changes adopted together. Immutable, shared by reference.
package final class Commit: Sendable {
  /// In order of sequence, consecutive; empty where there are too many to be kept in memory: then the
  /// log alone has them.
  package let changes: [Change]
  /// Sequences of the first change and of the last.
  package let first: Sequence
  package let last: Sequence
  /// Who wrote it.
  package let author: Author
  /// Microseconds since 1970 UTC.
  package let committedAt: Int64
  /// What it costs to keep in memory, in bytes, about.
  package let memoryCost: Int

  /// - Parameter changes: At least one; that their sequences are consecutive is not checked.
  package init(changes: [Change], author: Author, committedAt: Int64) {
    precondition(!changes.isEmpty, "a commit holds a change")
    self.changes = changes
    first = changes[0].sequence
    last = changes[changes.count - 1].sequence
    self.author = author
    self.committedAt = committedAt
    memoryCost = changes.reduce(64) { $0 + $1.memoryCost }
  }

  /// A commit whose changes are in the log alone.
  package init(first: Sequence, last: Sequence, author: Author, committedAt: Int64) {
    changes = []
    self.first = first
    self.last = last
    self.author = author
    self.committedAt = committedAt
    memoryCost = 64
  }

  /// The client id of the writer, as events have it; empty where written outside the server.
  package var origin: String { author.clientID }
  /// Whether readers must get the changes from the log.
  package var isInLogOnly: Bool { changes.isEmpty }
  /// How many changes it has.
  package var count: Int { Int(clamping: last.rawValue - first.rawValue) + 1 }
}
