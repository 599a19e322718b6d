import CDatasyncSQLite

/// SQLite as the whole process has it.
package enum SQLiteLibrary {
  /// Has SQLite count no memory, for which it takes a lock of the process at each allocation
  /// (<https://sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus>).
  ///
  /// Before the first database is opened; without effect later.
  package static func omitMemoryStatistics() {
    _ = datasync_sqlite3_omit_memory_statistics()
  }
}
