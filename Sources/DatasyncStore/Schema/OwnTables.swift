import CDatasyncSQLite
import DatasyncModel

/// The tables that the store keeps in the owner's database; all are named `datasync_…`.
enum OwnTables {
  /// Rises when what is kept changes its form.
  static let format: Int64 = 3

  /// - `datasync_settings`: the store's few named values.
  /// - `datasync_state`: `writing` silences the capture triggers while our own transaction writes;
  ///   nobody else can ever see it set. `oldest`: everything after it is in the log; `log_bytes`:
  ///   what the log took, up to the sequence `log_through`.
  /// - `datasync_tables`, `datasync_columns`: names and numbers, which are for ever; `present` is 0
  ///   where a column is gone, otherwise its ``FieldKind``. `name` of a table is the one that its
  ///   identity belongs to, `present_name` what it is called now; `placement` is a ``Placement``.
  /// - `datasync_log`: the change log. `time`, `origin` and `principal` stand in the first change of
  ///   each commit, and are NULL in the others; the latter two also where they are empty.
  /// - `datasync_mutations`: which mutation ids have happened, and what was answered.
  /// - `datasync_consumers`: how far those have come who follow the log by name; `history` names the one
  ///   that `position` is a sequence of, `moved_at` is when it last was written.
  /// - `datasync_rows`: of tables beside, each row as it was last known: its system fields, and its
  ///   image as it travels. `faulty`: some of its values cannot be read; the image says which.
  /// - `datasync_written`: keys of rows of those tables that others wrote since the last adoption;
  ///   `created_at` where a row came from another key.
  /// - `datasync_foreign`: the same of tables within, with what the rows were before.
  static let definition = """
    CREATE TABLE datasync_settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE datasync_state (
      id INTEGER PRIMARY KEY CHECK (id = 1), writing INTEGER NOT NULL, oldest INTEGER NOT NULL,
      log_bytes INTEGER NOT NULL, log_through INTEGER NOT NULL);
    INSERT INTO datasync_state VALUES (1, 0, 0, 0, 0);
    CREATE TABLE datasync_tables (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL, message TEXT NOT NULL,
      soft_delete INTEGER NOT NULL, attached INTEGER NOT NULL, next_number INTEGER NOT NULL,
      added_columns TEXT NOT NULL, present INTEGER NOT NULL, placement INTEGER NOT NULL DEFAULT 0,
      present_name TEXT, delete_column TEXT);
    CREATE TABLE datasync_columns (
      table_id INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
      present INTEGER NOT NULL, form TEXT, PRIMARY KEY (table_id, number)) WITHOUT ROWID;
    CREATE TABLE datasync_log (
      sequence INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, operation INTEGER NOT NULL,
      key TEXT NOT NULL, time INTEGER, origin TEXT, principal TEXT, before BLOB, after BLOB);
    CREATE TABLE datasync_mutations (
      n INTEGER PRIMARY KEY, scope TEXT NOT NULL, id TEXT NOT NULL, fingerprint BLOB NOT NULL,
      time INTEGER NOT NULL, results BLOB NOT NULL, UNIQUE (scope, id));
    CREATE TABLE datasync_foreign (
      n INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, key, before TEXT, UNIQUE (table_id, key));
    \(consumerTable)
    \(rowTables)
    """

  private static let consumerTable = """
    CREATE TABLE datasync_consumers (
      name TEXT PRIMARY KEY, history TEXT NOT NULL, position INTEGER NOT NULL,
      moved_at INTEGER NOT NULL) WITHOUT ROWID;
    """

  /// What tables beside need.
  private static let rowTables = """
    CREATE TABLE datasync_rows (
      table_id INTEGER NOT NULL, key, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
      version INTEGER NOT NULL, faulty INTEGER NOT NULL, image BLOB NOT NULL,
      PRIMARY KEY (table_id, key)) WITHOUT ROWID;
    CREATE TABLE datasync_written (n INTEGER PRIMARY KEY, table_id INTEGER, key, created_at INTEGER);
    CREATE INDEX datasync_moved ON datasync_written (table_id, key) WHERE created_at IS NOT NULL;
    """

  static let names = [
    "settings", "state", "tables", "columns", "log", "mutations", "foreign", "rows", "written",
    "consumers",
  ].map { "datasync_\($0)" }

  /// Those that somebody has dropped.
  static func gone(_ connection: Connection) throws(SQLiteFailure) -> [String] {
    let statement = try connection.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'datasync%'")
    var found: Set<String> = []
    while try statement.step() { found.insert(statement.text(0)) }
    return names.filter { !found.contains($0) }
  }

  /// Makes sure that nobody has dropped what every table needs.
  ///
  /// - Throws: with ``SQLiteFailure/ownTablesGone``.
  static func requireShared(_ connection: Connection) throws(SQLiteFailure) {
    let gone = try gone(connection)
    guard !gone.allSatisfy({ neededBySome.contains($0) }) else { return }
    throw .ownTablesGone(gone)
  }

  /// A refusal of SQLite, with the tables whose absence explains it.
  static func explained(_ failure: SQLiteFailure, _ connection: Connection) -> SQLiteFailure {
    guard failure.code == SQLITE_ERROR || failure.code == SQLITE_SCHEMA,
      let gone = try? gone(connection), !gone.isEmpty
    else { return failure }
    return .ownTablesGone(gone)
  }

  static let registry = ["datasync_tables", "datasync_columns"]
  /// Which only tables beside need.
  static let rows = "datasync_rows"
  /// Which tables and those who follow the log by name can do without, as long as they do not need them.
  static let neededBySome = [rows, "datasync_consumers"]

  static func exist(_ connection: Connection) throws(SQLiteFailure) -> Bool {
    try connection.integer(
      "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'datasync_settings'") != nil
  }

  /// Whether the database knows who wrote what, and of consumers: format 3.
  static func hasPrincipals(_ connection: Connection) throws(SQLiteFailure) -> Bool {
    try connection.integer(
      "SELECT 1 FROM pragma_table_info('datasync_log') WHERE name = 'principal'") != nil
  }

  /// Whether the database knows of tables beside: format 2.
  static func hasPlacements(_ connection: Connection) throws(SQLiteFailure) -> Bool {
    try connection.integer(
      "SELECT 1 FROM pragma_table_info('datasync_tables') WHERE name = 'placement'") != nil
  }

  /// Makes what is missing; within a transaction.
  ///
  /// - Throws: FAILED_PRECONDITION where a newer server made them.
  static func ensure(_ connection: Connection) throws(StoreFailure) {
    if try StoreFailure.wrap({ () throws(SQLiteFailure) in try exist(connection) }) {
      let number = try checkFormat(connection)
      try StoreFailure.wrap { () throws(SQLiteFailure) in
        // The upgrade makes those that a database of an older format does not have.
        let gone = number == format ? try gone(connection) : []
        if !gone.isEmpty { throw .ownTablesGone(gone) }
        try addLogThrough(connection)
      }
      if number < format { try upgrade(connection, from: number) }
      return
    }
    do {
      try connection.execute(definition)
    } catch {
      throw .sqlite(error)
    }
    try set("format", .int64(format), connection)
    try set("journal_mode", .string(connection.journalModeBefore), connection)
  }

  /// The format of what is kept; 0: nothing is.
  ///
  /// - Throws: FAILED_PRECONDITION where a newer server made it.
  @discardableResult
  static func checkFormat(_ connection: Connection) throws(StoreFailure) -> Int64 {
    guard try StoreFailure.wrap({ () throws(SQLiteFailure) in try exist(connection) }) else {
      return 0
    }
    guard case .int64(let number) = try setting("format", connection), number <= format else {
      throw .error(
        DatasyncError(
          .failedPrecondition, reason: "NEWER_DATABASE",
          "the database was last served by a newer datasync; upgrade this one"))
    }
    return number
  }

  /// Format 1 knew tables within alone; format 2 knew no principals, and no consumers.
  private static func upgrade(
    _ connection: Connection, from number: Int64
  ) throws(StoreFailure) {
    try StoreFailure.wrap { () throws(SQLiteFailure) in
      if number < 2 { try connection.execute(placements) }
      try connection.execute(
        """
        ALTER TABLE datasync_log ADD COLUMN principal TEXT;
        \(consumerTable)
        """)
    }
    try set("format", .int64(format), connection)
  }

  private static let placements = """
    ALTER TABLE datasync_tables ADD COLUMN placement INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE datasync_tables ADD COLUMN present_name TEXT;
    ALTER TABLE datasync_tables ADD COLUMN delete_column TEXT;
    ALTER TABLE datasync_columns ADD COLUMN form TEXT;
    \(rowTables)
    """

  /// A server that knew no `log_through` kept `log_bytes` right with every commit.
  private static func addLogThrough(_ connection: Connection) throws(SQLiteFailure) {
    let hasColumn = try connection.integer(
      "SELECT 1 FROM pragma_table_info('datasync_state') WHERE name = 'log_through'")
    guard hasColumn == nil else { return }
    try connection.execute(
      """
      ALTER TABLE datasync_state ADD COLUMN log_through INTEGER NOT NULL DEFAULT 0;
      UPDATE datasync_state SET log_through = ifnull((SELECT max(sequence) FROM datasync_log), 0);
      """)
  }

  /// Whether the database was made to be served.
  static func isMadeForUs(_ connection: Connection) throws(SQLiteFailure) -> Bool {
    try connection.integer(
      "SELECT 1 FROM datasync_settings WHERE name = 'placement' AND value = 'within'") != nil
  }

  static func setting(_ name: String, _ connection: Connection) throws(StoreFailure) -> Value {
    do {
      let statement = try connection.cached(
        "SELECT value FROM datasync_settings WHERE name = ?1")
      defer { statement.reset() }
      statement.bind(1, name)
      return try statement.step() ? statement.rawValue(0) : .null
    } catch {
      throw .sqlite(error)
    }
  }

  static let tokenKeyBytes = 32

  /// The database's secret, made with the first need of it. Within a transaction.
  static func tokenKey(_ connection: Connection) throws(StoreFailure) -> [UInt8] {
    if case .bytes(let key) = try setting("token_key", connection), key.count == tokenKeyBytes {
      return key
    }
    var generator = SystemRandomNumberGenerator()
    let key = (0..<tokenKeyBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    try set("token_key", .bytes(key), connection)
    return key
  }

  static func set(
    _ name: String, _ value: Value, _ connection: Connection
  ) throws(StoreFailure) {
    do {
      let statement = try connection.cached(
        "INSERT OR REPLACE INTO datasync_settings VALUES (?1, ?2)")
      statement.bind(1, name)
      statement.bind(2, value)
      try statement.run()
    } catch {
      throw .sqlite(error)
    }
  }
}
