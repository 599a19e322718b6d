import DatasyncModel
package import DatasyncStorage

/// How a law comes by the stores that it is tried on. Sendable.
package protocol StorageSubject: Sendable {
  /// The longest that anything may take; what takes longer is taken for never.
  var patience: Duration { get }

  /// A store of empty ``LawTables``.
  func open(_ wishes: StorageWishes, observer: any StorageObserver) throws -> any StorageOnTrial
}

/// A store, and what befalls it from outside.
package protocol StorageOnTrial: AnyObject, Sendable {
  var storage: any Storage { get }

  /// Another program's transaction, in the same order; returns when that program has committed.
  func writeAsOther(_ changes: [ForeignChange]) throws
  /// Another program makes ``LawTables/late``.
  func makeLateTable() throws
  /// And removes it.
  func removeLateTable() throws
  /// What a process finds that starts after this one has ended without a word, just now.
  func afterCrash(observer: any StorageObserver) throws -> any StorageOnTrial
  /// The same database, once this store is closed.
  func reopened(observer: any StorageObserver) throws -> any StorageOnTrial
}

/// Bounds that a law needs, so as to come to them. A value.
package struct StorageWishes: Sendable {
  package var maxQueuedWrites = 65_536
  package var maxQueuedWriteBytes = 256 << 20
  package var maxQueuedReads = 65_536
  package var maxLogBytes = 1 << 30
  /// The longest that the writer waits for whoever takes its batches.
  package var gatheringTime: Duration = .milliseconds(10)

  package init() {}
}

/// A promise that was not kept. A value.
package struct BrokenLaw: Error, CustomStringConvertible {
  package let law: StorageLaw
  package let seed: UInt64
  package let expected: String
  package let seen: String

  package var description: String {
    "law \(law.number.rawValue) (\(law.number)), \(law.name), seed \(seed): expected \(expected); "
      + "saw \(seen)"
  }
}

/// A law, and one way to see whether a store keeps it. A value.
package struct StorageLaw: Sendable {
  /// As ``Storage`` numbers them; 11 are the bounds, the waits and the end.
  package enum Number: Int, Sendable {
    case durable = 1
    case oneOrder
    case answersFirst
    case clientsOrder
    case snapshots
    case readYourWrites
    case log
    case once
    case foreign
    case rules
    case blocking
  }

  package let number: Number
  package let name: String
  let check: @Sendable (LawTrial) throws -> Void

  init(_ number: Number, _ name: String, _ check: @escaping @Sendable (LawTrial) throws -> Void) {
    self.number = number
    self.name = name
    self.check = check
  }

  /// Tries a store of the subject's.
  ///
  /// - Throws: ``BrokenLaw``; other errors where the subject cannot make a store.
  package func check(_ subject: any StorageSubject, seed: UInt64 = 1) throws {
    let trial = LawTrial(law: self, subject: subject, seed: seed)
    defer { trial.end() }
    do {
      try check(trial)
    } catch let error as DatasyncError {
      throw trial.broken("no error", "\(error)")
    }
  }
}
