package import DatasyncModel

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Store {
  /// Makes a database from SQL. The file appears whole or not at all.
  ///
  /// - Parameters:
  ///   - path: Where no file exists yet.
  ///   - schema: One or more statements.
  /// - Throws: INVALID_ARGUMENT where SQLite refuses the SQL; UNAVAILABLE where the file cannot be
  ///   written.
  package static func create(path: String, schema: String) throws(DatasyncError) {
    let draft = "\(path).new-\(getpid())"
    defer {
      unlink(draft)
    }
    do throws(SQLiteFailure) {
      let connection = try Connection(path: draft, create: true)
      // The draft is made durable as a whole, below. It may hold transactions of its own.
      try connection.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")
      try connection.execute(schema)
      if !connection.isAutocommit { try connection.execute("COMMIT") }
    } catch {
      throw DatasyncError(
        .invalidArgument, reason: "BAD_SCHEMA",
        "the schema does not make a database: \(error.message)", cause: error)
    }
    sync(draft)
    // Linked, not renamed: a file that has appeared meanwhile is not replaced.
    guard link(draft, path) == 0 else {
      throw DatasyncError(
        .unavailable, reason: "STORAGE_FAILED",
        "cannot create \(path): \(String(cString: strerror(errno)))")
    }
  }

  private static func sync(_ path: String) {
    let descriptor = Self.openFile(path)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    closeFile(descriptor)
  }

  private static func openFile(_ path: String) -> Int32 {
    #if canImport(Glibc)
      Glibc.open(path, O_RDONLY | O_CLOEXEC)
    #else
      Darwin.open(path, O_RDONLY | O_CLOEXEC)
    #endif
  }

  private static func closeFile(_ descriptor: Int32) {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }
}
