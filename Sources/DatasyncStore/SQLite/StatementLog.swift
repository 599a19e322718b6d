/// Every SQL text that SQLite runs, for a test that looks for what must not stand in one.
///
/// Only in debug builds: `DATASYNC_SQL_LOG=FILE datasync serve …` appends each text once, with a NUL
/// after it. In release builds nothing is left of it.
enum StatementLog {}

#if DEBUG
  import CDatasyncSQLite
  import Synchronization

  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif

  extension StatementLog {
    private static let file: Int32? = getenv("DATASYNC_SQL_LOG").flatMap { path in
      let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
      return file < 0 ? nil : file
    }

    private static let seen = Mutex<Set<String>>([])

    static func watch(_ connection: OpaquePointer) {
      guard file != nil else { return }
      sqlite3_trace_v2(
        connection, UInt32(SQLITE_TRACE_STMT),
        { _, _, _, text in
          if let text {
            StatementLog.note(String(cString: text.assumingMemoryBound(to: CChar.self)))
          }
          return 0
        }, nil)
    }

    private static func note(_ sql: String) {
      guard let file, seen.withLock({ $0.insert(sql).inserted }) else { return }
      let record = Array(sql.utf8) + [0]
      _ = write(file, record, record.count)
    }
  }
#else
  extension StatementLog {
    @inline(__always)
    static func watch(_ connection: OpaquePointer) {}
  }
#endif
