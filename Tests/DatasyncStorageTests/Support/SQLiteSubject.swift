import DatasyncFilterSQLite
import DatasyncStorage
import DatasyncStorageTesting
import Foundation

@testable import DatasyncModel
@testable import DatasyncStore

/// Stores of SQLite on trial, each in a directory of its own. A value.
struct SQLiteSubject: StorageSubject {
  let patience: Duration = .seconds(20)

  func open(
    _ wishes: StorageWishes, observer: any StorageObserver
  ) throws -> any StorageOnTrial {
    var options = StoreOptions()
    options.attachesTables = true
    options.attachDelay = .milliseconds(10)
    if ProcessInfo.processInfo.environment["DATASYNC_PLACEMENT"] == "within" {
      options.withinTables = ["*"]
    }
    options.softDeleteTables = ["task": .ours]
    options.maxQueuedWrites = wishes.maxQueuedWrites
    options.maxQueuedWriteBytes = wishes.maxQueuedWriteBytes
    options.maxQueuedReads = wishes.maxQueuedReads
    options.maxLogBytes = wishes.maxLogBytes
    options.foreignPollInterval = wishes.gatheringTime
    let directory = try Directory()
    try Connection(path: directory.path, create: true).execute(
      """
      CREATE TABLE note (id TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL,
        stars INTEGER DEFAULT 3, rating REAL);
      CREATE TABLE number (id INTEGER PRIMARY KEY, n INTEGER);
      CREATE TABLE task (id TEXT PRIMARY KEY NOT NULL, title TEXT);
      """)
    return try SQLiteOnTrial(directory, options, observer)
  }

  /// Is removed with what is in it.
  private final class Directory: Sendable {
    let name = NSTemporaryDirectory() + "datasync-laws-" + UUID().uuidString
    var path: String { name + "/test.db" }

    init() throws {
      try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: name) }
  }

  private final class SQLiteOnTrial: StorageOnTrial {
    private let directory: Directory
    private let options: StoreOptions
    private let store: Store

    var storage: any Storage { store }

    init(
      _ directory: Directory, _ options: StoreOptions, _ observer: any StorageObserver
    ) throws {
      self.directory = directory
      self.options = options
      store = try Store.open(path: directory.path, options: options, observer: observer)
    }

    private func run(_ sql: String) throws {
      let connection = try Connection(path: directory.path)
      try connection.execute("PRAGMA busy_timeout = 10000; " + sql)
    }

    func writeAsOther(_ changes: [ForeignChange]) throws {
      let statements = changes.map { change in
        switch change {
        case .remove(let table, let key): return "DELETE FROM \(table) WHERE id = \(key.sql)"
        case .put(let table, let key, let fields):
          let names = fields.keys.sorted()
          let values = names.map { fields[$0]?.sql ?? "NULL" }
          let set = names.map { "\($0) = excluded.\($0)" }
          return "INSERT INTO \(table) (\((["id"] + names).joined(separator: ", "))) "
            + "VALUES (\(([key.sql] + values).joined(separator: ", "))) "
            + "ON CONFLICT (id) DO UPDATE SET \(set.joined(separator: ", "))"
        }
      }
      try run("BEGIN IMMEDIATE; \(statements.joined(separator: "; ")); COMMIT")
    }

    func makeLateTable() throws {
      try run("CREATE TABLE late (id TEXT PRIMARY KEY NOT NULL, title TEXT)")
    }

    func removeLateTable() throws {
      try run("DROP TABLE late")
    }

    /// The files as they are: what is in the WAL, the process's end would leave there.
    func afterCrash(observer: any StorageObserver) throws -> any StorageOnTrial {
      let copy = try Directory()
      for suffix in ["", "-wal", "-datasync"] {
        try FileManager.default.copyItem(
          atPath: directory.path + suffix, toPath: copy.path + suffix)
      }
      return try SQLiteOnTrial(copy, options, observer)
    }

    func reopened(observer: any StorageObserver) throws -> any StorageOnTrial {
      try SQLiteOnTrial(directory, options, observer)
    }
  }
}

extension Value {
  fileprivate var sql: String {
    switch self {
    case .int64(let number): String(number)
    case .double(let number): String(number)
    case .string(let text): text.quotedLiteral
    case .null, .bool, .bytes, .timestamp: "NULL"
    }
  }
}
