import DatasyncStorage

extension StorageNotice {
  /// The database's file was removed or replaced; every read and write is refused from now on.
  static func databaseGone(path: String) -> StorageNotice {
    StorageNotice(
      .critical,
      "the database file, or its -wal or -shm, was replaced or removed while it is served; stop the server, then start it",
      metadata: ["path": path])
  }

  /// A read of this server or of another program lasts while much is written: the WAL is as long as told,
  /// and cannot be begun anew before the read ends.
  static func longReadHoldsWAL(bytes: Int) -> StorageNotice {
    StorageNotice(
      .warning,
      "a read that does not end keeps the write-ahead log from being begun anew; most likely another program has a transaction open on the database",
      metadata: ["bytes": String(bytes)])
  }
}
