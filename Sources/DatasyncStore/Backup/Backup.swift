import CDatasyncSQLite
package import DatasyncModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Store {
  /// Copies the live database, consistently, to a new file. Blocks the calling thread; writers go on.
  ///
  /// - Parameters:
  ///   - destination: Must not exist; appears when it is complete.
  ///   - progress: Called now and then with pages done and pages in all.
  package func backup(
    to destination: String, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(DatasyncError) {
    try Store.backup(path: path, to: destination, progress: progress)
  }

  /// Copies a database, served by any process or none.
  ///
  /// The copy, when it is served, begins a history of its own.
  package static func backup(
    path: String, to destination: String,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(DatasyncError) {
    guard access(destination, F_OK) != 0 else {
      throw DatasyncError(
        .alreadyExists, reason: "FILE_EXISTS",
        "\(destination) exists already: name another file, or remove it")
    }
    guard access(path, R_OK) == 0 else {
      throw DatasyncError(
        .notFound, reason: "NO_DATABASE",
        "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    let partial = "\(destination).partial"
    removeFiles(of: partial)
    guard createPrivate(partial) else {
      throw DatasyncError(
        .unavailable, reason: "STORAGE_FAILED",
        "cannot write \(destination): \(String(cString: strerror(errno)))")
    }
    do {
      try copy(from: path, to: partial, progress: progress)
    } catch {
      removeFiles(of: partial)
      var explained = StoreOpening(path: path, options: StoreOptions()).explained(error)
      explained.message = "the backup to \(destination) failed: \(explained.message)"
      throw explained
    }
    guard finish(partial, like: path), rename(partial, destination) == 0,
      syncToDisk(directory(of: destination))
    else {
      let reason = String(cString: strerror(errno))
      removeFiles(of: partial)
      throw DatasyncError(
        .unavailable, reason: "STORAGE_FAILED", "cannot write \(destination): \(reason)")
    }
  }

  private static func copy(
    from path: String, to partial: String, progress: (_ done: Int, _ total: Int) -> Void
  ) throws(SQLiteFailure) {
    let source = try Connection(path: path)
    let target = try Connection(path: partial, create: true)
    // One snapshot for all steps: SQLite would begin anew after each commit of the writer.
    try source.execute("BEGIN; SELECT count(*) FROM sqlite_schema")
    guard let backup = sqlite3_backup_init(target.handle, "main", source.handle, "main") else {
      throw target.failure(sqlite3_errcode(target.handle))
    }
    var code = SQLITE_OK
    while code == SQLITE_OK {
      // Neither file can be busy: the snapshot is open, and the copy is nobody else's.
      code = sqlite3_backup_step(backup, 1024)
      let total = Int(sqlite3_backup_pagecount(backup))
      progress(total - Int(sqlite3_backup_remaining(backup)), total)
    }
    sqlite3_backup_finish(backup)
    guard code == SQLITE_DONE else { throw target.failure(code) }
    try source.execute("COMMIT")
  }

  private static func removeFiles(of path: String) {
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// For us alone, as long as the copy goes on.
private func createPrivate(_ path: String) -> Bool {
  let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { return false }
  close(descriptor)
  return true
}

private func finish(_ path: String, like original: String) -> Bool {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  FileOwnership(of: original)?.give(to: descriptor)
  return fsync(descriptor) == 0
}

private func syncToDisk(_ path: String) -> Bool {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  return fsync(descriptor) == 0
}
