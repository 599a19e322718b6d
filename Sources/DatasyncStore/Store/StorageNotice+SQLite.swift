import DatasyncModel
import DatasyncStorage

extension StorageNotice {
  /// The database's file, or its WAL, was removed, replaced or cut; every read and write is refused from now
  /// on.
  ///
  /// - Parameter checkpointed: Later commits, also answered ones, may have been in the WAL alone.
  static func databaseGone(path: String, checkpointed: Sequence) -> StorageNotice {
    StorageNotice(
      .critical,
      "the database file, or its -wal or -shm, was replaced, removed or cut while it is served: commits after the sequence given, answered ones too, may be lost; stop the server, then start it",
      metadata: ["path": path, "after_sequence": String(checkpointed.rawValue)])
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
