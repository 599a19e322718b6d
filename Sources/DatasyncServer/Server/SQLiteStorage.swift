import DatasyncModel
package import DatasyncStore

/// A SQLite database file, and how it is to be served. A value.
public struct SQLiteStorage: Sendable {
  /// What an answered write survives.
  public enum Durability: Sendable {
    /// A crash of the process, the system and the power.
    case full
    /// A crash of the process; after a power loss the last commits may be gone, never torn.
    case normal
  }

  /// Of the database file; relative to the working directory.
  public var path: String
  /// SQL that creates the database where the file does not exist yet; nil: it must exist.
  public var schema: String?
  /// Whether every table that can be is attached, now and when one appears; else those are served that
  /// are attached already. True at first where there is a ``schema``: then the database is ours.
  public var attachesTables: Bool
  /// What an answered write survives.
  public var durability = Durability.full
  /// Between two looks for rows that other programs wrote, while idle; 1 ms to 60 s.
  public var foreignPollInterval: Duration = .milliseconds(10)

  /// How tables are attached.
  package var choices = AttachChoices()
  /// What the schema is called in errors.
  package var schemaName = "the schema"

  /// - Parameter schema: SQL, used where there is no file at the path.
  public init(path: String, schema: String? = nil) {
    self.path = path
    self.schema = schema
    attachesTables = schema != nil
  }

  /// Creates the database where that is due.
  ///
  /// - Returns: The options that it is opened with.
  func prepared(_ options: StoreOptions) throws(ServerError) -> StoreOptions {
    var options = options
    options.synchronous = durability == .full ? .full : .normal
    options.attachesTables = attachesTables
    options.foreignPollInterval = min(max(foreignPollInterval, .milliseconds(1)), .seconds(60))
    options = choices.applied(to: options)
    guard let schema, !FileReader.exists(path) else { return options }
    do {
      try Store.create(path: path, schema: schema)
    } catch {
      throw ServerError("\(schemaName): \(error.message)")
    }
    options.isMadeForUs = true
    return options
  }
}
