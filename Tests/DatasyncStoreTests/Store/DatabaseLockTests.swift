import Foundation
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One server a database, whatever its paths; and files of ours are for the eyes of those that may see
/// the database.
@Suite struct DatabaseLockTests {
  private func openFailure(_ path: String) throws -> DatasyncError {
    try failure { _ = try Store.open(path: path, options: StoreOptions(), observer: Recorder()) }
  }

  /// Opened before anybody else has the file: closing a descriptor is what SQLite's locks die of.
  private final class LockProbe {
    private let descriptor: Int32

    init(_ path: String) {
      descriptor = open(path, O_RDWR | O_CLOEXEC)
    }

    deinit {
      close(descriptor)
    }

    /// Whether somebody holds SQLite's shared lock, as every connection does in WAL mode.
    var isLocked: Bool {
      var lock = flock()
      lock.l_type = Int16(truncatingIfNeeded: F_WRLCK)
      lock.l_start = off_t(0x4000_0000 + 2)
      lock.l_len = 510
      // F_OFD_GETLK: also those of this process.
      guard fcntl(descriptor, 36, &lock) == 0 else { return false }
      return lock.l_type != Int16(truncatingIfNeeded: F_UNLCK)
    }
  }

  @Test func `no other path leads around the lock, and SQLite keeps its own`() throws {
    let database = try TestDatabase(WriteTests.schema)
    let hard = database.directory + "/hard.db"
    let soft = database.directory + "/soft.db"
    try FileManager.default.linkItem(atPath: database.path, toPath: hard)
    try FileManager.default.createSymbolicLink(
      atPath: soft, withDestinationPath: database.path)
    let probe = LockProbe(database.path)
    #expect(!probe.isLocked)
    let first = try database.open()
    #expect(probe.isLocked)
    for path in [hard, soft, database.path, database.directory + "/./test.db"] {
      #expect(try openFailure(path).reason == "DATABASE_IN_USE")
      #expect(try failure { _ = try Store.attach(path: path) }.reason == "DATABASE_IN_USE")
      #expect(try failure { _ = try Store.detach(path: path) }.reason == "DATABASE_IN_USE")
      #expect(probe.isLocked, "SQLite lost its lock by \(path)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: database.directory).sorted()
    #expect(
      names == ["hard.db", "soft.db", "test.db", "test.db-datasync", "test.db-shm", "test.db-wal"])
    try first.create("number", [:])
    first.store.close()
    #expect(!probe.isLocked)
    try Store.open(path: soft, options: StoreOptions(), observer: Recorder()).close()
    #expect(!FileManager.default.fileExists(atPath: soft + "-datasync"))
    try Store.open(path: hard, options: StoreOptions(), observer: Recorder()).close()
  }

  @Test func `a refused store leaves the lock to who has it, and it is free afterwards`() throws {
    let database = try TestDatabase(WriteTests.schema)
    for _ in 0..<20 {
      let store = try database.open()
      #expect(try openFailure(database.path).reason == "DATABASE_IN_USE")
      store.store.close()
    }
  }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return attributes[.posixPermissions] as? Int ?? -1
  }

  @Test(arguments: [0o600, 0o640, 0o660, 0o644])
  func `a backup and our companion file have the mode of the database`(_ wanted: Int) throws {
    let database = try TestDatabase(WriteTests.schema)
    try FileManager.default.setAttributes(
      [.posixPermissions: wanted], ofItemAtPath: database.path)
    let store = try database.open()
    try store.create("number", [:])
    let backup = database.directory + "/backup.db"
    try store.store.backup(to: backup)
    #expect(try mode(backup) == wanted)
    #expect(try mode(database.path + "-datasync") == wanted)
    #expect(try mode(database.path + "-wal") == wanted)
    store.store.close()
    // Also where it was another's before.
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o666], ofItemAtPath: database.path + "-datasync")
    try database.open().store.close()
    #expect(try mode(database.path + "-datasync") == wanted)
  }

  @Test func `a backup belongs to who has the database, where we may give it away`() throws {
    // Only root may; others have nothing to give.
    guard geteuid() == 0 else { return }
    let database = try TestDatabase(WriteTests.schema)
    #expect(chown(database.path, 12345, 23456) == 0)
    let store = try database.open()
    let backup = database.directory + "/backup.db"
    try store.store.backup(to: backup)
    for path in [backup, database.path + "-datasync"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.ownerAccountID] as? Int == 12345)
      #expect(attributes[.groupOwnerAccountID] as? Int == 23456)
    }
  }
}
