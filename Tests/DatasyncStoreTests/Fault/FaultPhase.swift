import Foundation

@testable import DatasyncModel
@testable import DatasyncStore

/// Something that is done with a database file as a whole, in which one call fails. Each may succeed or
/// be refused, and leaves the file whole.
enum FaultPhase: String, CaseIterable, Codable {
  case check
  case detach
  case attach
  case backup
  case open

  static let schema = """
    CREATE TABLE item (id TEXT PRIMARY KEY, n INTEGER NOT NULL); INSERT INTO item VALUES ('old', 1);
    CREATE TABLE part (id INTEGER PRIMARY KEY, item TEXT REFERENCES item (id), b BLOB);
    CREATE INDEX part_item ON part (item);
    """

  /// The files that it begins with, by what stands after the database's name.
  func template() throws -> [String: Data] {
    let database = try TestDatabase(FaultPhase.schema)
    guard self != .attach else { return try files(of: database.path) }
    let store = try database.open { $0.foreignPollInterval = .seconds(600) }
    try store.create("item", ["id": .string("mine"), "n": .int64(2)])
    try store.create("part", ["item": .string("mine"), "b": .bytes([7, 7, 7])])
    store.store.close()
    // A WAL that is to be recovered, rows that are to be adopted, a table that is to be attached.
    let other = try Connection(path: database.path)
    try other.execute(
      """
      PRAGMA wal_autocheckpoint = 0; UPDATE item SET n = 3; INSERT INTO item (id, n) VALUES ('new', 4);
      """)
    if self == .open { try other.execute("CREATE TABLE late (id TEXT PRIMARY KEY, x REAL)") }
    defer { other.close() }
    return try files(of: database.path)
  }

  private func files(of path: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for suffix in ["", "-wal", "-datasync"] {
      if let data = FileManager.default.contents(atPath: path + suffix) { files[suffix] = data }
    }
    return files
  }

  private var options: StoreOptions {
    var options = StoreOptions()
    options.attachesTables = true
    options.foreignPollInterval = .seconds(600)
    options.cacheBytes = 64 << 10
    return options
  }

  /// What is done while a call fails.
  func run(_ path: String) throws {
    switch self {
    case .open:
      let recorder = Recorder()
      let store = TestStore(
        store: try Store.open(path: path, options: options, observer: recorder), recorder: recorder)
      defer { store.store.close() }
      try store.create("item", ["id": .string("during"), "n": .int64(5)])
      guard try store.get("item", "during")?["n"] == .int64(5) else {
        throw TestFault(description: "an answered row is not there")
      }
    case .attach: _ = try Store.attach(path: path)
    case .detach: _ = try Store.detach(path: path)
    case .backup:
      let store = try Store.open(path: path, options: options, observer: Recorder())
      defer { store.close() }
      try store.backup(to: path + ".copy")
    case .check: _ = try Store.check(path: path)
    }
  }

  /// Nothing fails any more: the owner's row is there, and what was answered.
  func verify(_ path: String, succeeded: Bool) throws {
    let connection = try Connection(path: path)
    guard try connection.integer("SELECT n FROM item WHERE id = 'old'") == oldNumber else {
      throw TestFault(description: "the owner's row is another")
    }
    switch self {
    case .open where succeeded:
      guard try connection.integer("SELECT n FROM item WHERE id = 'during'") == 5 else {
        throw TestFault(description: "an answered row is gone")
      }
    case .detach where succeeded:
      let names = try connection.text(
        "SELECT group_concat(name) FROM sqlite_schema WHERE name LIKE 'datasync%'")
      guard names == nil else { throw TestFault(description: "still there: \(names ?? "")") }
    case .backup:
      let isThere = FileManager.default.fileExists(atPath: path + ".copy")
      guard isThere == succeeded else {
        throw TestFault(description: "the copy is there: \(isThere)")
      }
      if isThere { try check(path + ".copy") }
    case .open, .attach, .detach, .check: break
    }
  }

  /// It can be done now; log and rows agree, and the other program's row is in the log once.
  func verifyThoroughly(_ path: String, succeeded: Bool) throws {
    switch self {
    case .open, .check, .backup:
      let recorder = Recorder()
      let store = TestStore(
        store: try Store.open(path: path, options: options, observer: recorder), recorder: recorder)
      defer { store.store.close() }
      let inserts = try store.log().flatMap(\.changes).filter { $0.key == "new" }.map(\.operation)
      guard inserts == [.insert] else {
        throw TestFault(description: "the other program's row is in the log as \(inserts)")
      }
    case .attach:
      _ = try Store.attach(path: path)
    case .detach:
      if !succeeded { _ = try Store.detach(path: path) }
      return try verify(path, succeeded: true)
    }
    try check(path)
  }

  private func check(_ path: String) throws {
    let report = try Store.check(path: path)
    guard report.isSound else { throw TestFault(description: report.description) }
  }

  private var oldNumber: Int64 { self == .attach ? 1 : 3 }

  /// What it may be refused with.
  func mayRefuse(_ error: DatasyncError, _ point: FaultPoint) -> Bool {
    point.refusals.contains("\(error.code.rawValue) \(error.reason)")
  }
}
