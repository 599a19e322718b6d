import DatasyncModel

/// What one commit has changed: one write, one Commit request, or what another program has written. A value.
public struct CommittedChanges: Sendable {
  /// Of its first change and of its last.
  public let sequences: ClosedRange<UInt64>
  /// Microseconds since 1970 UTC.
  public let committedAt: Int64
  /// The client id of the writer; empty where another program wrote it.
  public let origin: String
  /// The id of the writer's principal; empty where nobody showed who it is.
  public let principal: String
  /// In order.
  public let changes: [RowChange]
  /// False: the commit is too large to be held in memory, and its next changes follow as another element; the
  /// position moves behind the last of them.
  public let isWhole: Bool

  init(_ commit: Commit, isWhole: Bool = true, in catalog: Catalog) {
    sequences = commit.first.rawValue...commit.last.rawValue
    committedAt = commit.committedAt
    origin = commit.author.clientID
    principal = commit.author.principal
    changes = commit.changes.map { RowChange($0, in: catalog) }
    self.isWhole = isWhole
  }
}

/// What has happened to one row. A value.
public struct RowChange: Sendable {
  /// What was done to it.
  public enum Operation: Sendable {
    case insert
    /// Also what marks the row as deleted, or as such no more.
    case update
    case delete
    /// The history of the table begins: whatever was known of its rows is known no more.
    case tableAttached
  }

  /// What was done to it.
  public let operation: Operation
  /// Also the version of the row that it leaves.
  public let sequence: UInt64
  /// The table's name; empty where it is served no more, and then the rows are nil.
  public let table: String
  /// The row's key, as text.
  public let id: String
  /// nil: there was no row.
  public let before: TableRow?
  /// nil: the row is gone.
  public let after: TableRow?

  init(_ change: Change, in catalog: Catalog) {
    operation =
      switch change.operation {
      case .insert: .insert
      case .update: .update
      case .delete: .delete
      case .tableAttached: .tableAttached
      }
    sequence = change.sequence.rawValue
    id = change.key
    let table = catalog.table(id: change.tableID)
    self.table = table?.name ?? ""
    before = table.flatMap { table in change.before.map { TableRow($0, of: table) } }
    after = table.flatMap { table in change.after.map { TableRow($0, of: table) } }
  }
}

/// Why a consumer cannot go on. A value.
public struct ConsumerError: Error, Sendable, CustomStringConvertible {
  /// Which of the causes it is; more may come.
  public struct Code: Hashable, Sendable {
    let reason: String

    /// The log no longer reaches back to the consumer's position: remove it, and begin anew.
    public static let historyCompacted = Code(reason: "HISTORY_COMPACTED")
    /// The position is one of another history: remove it, and begin anew.
    public static let historyReplaced = Code(reason: "HISTORY_REPLACED")
    /// Somebody has removed the consumer.
    public static let removed = Code(reason: "CONSUMER_REMOVED")
    /// Somebody follows by that name already.
    public static let inUse = Code(reason: "CONSUMER_IN_USE")
    /// No name: 1 to 64 bytes without control characters.
    public static let badName = Code(reason: "BAD_CONSUMER")
  }

  /// Which of the causes it is.
  public let code: Code
  /// For people.
  public let message: String
  /// The message.
  public var description: String { message }

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: DatasyncError) {
    self.init(Code(reason: error.reason), error.message)
  }
}
