/// Promises that a ``MemoryStorage`` breaks on purpose, so that tests see that a law would notice.
package enum MemoryFault: String, CaseIterable, Sendable {
  // 1. Durable.
  /// Answers come before the write is kept.
  case answersEarly
  /// One write in three is answered, and not done.
  case losesWrite
  /// What waits at the end is refused, and not written.
  case dropsWaitingAtClose

  // 2. One order.
  /// A sequence in five is left out.
  case skipsSequence
  /// A row's version is the one that it had before.
  case keepsOldVersion
  /// The log has the changes of two commits mixed.
  case swapsChanges

  // 3. Answers first.
  /// Commits come in a batch of their own, before the answers.
  case eventsFirst
  /// The head is told before the batch.
  case announcesHeadEarly
  /// Whoever takes the batches is not waited for.
  case neverGathers

  // 4. A client's order.
  /// Of a session's writes in one batch, the last comes first.
  case reordersSession
  /// Of a commit that fails, what came before the failing write stays.
  case tearsCommit
  /// What comes after a failed request of a batch fails, too.
  case failsNeighbours
  case ignoresVersion
  /// A request is done whatever the row was that it was made for.
  case ignoresExpectations
  case ignoresDeleted
  /// A create replaces what is there.
  case overwrites
  /// A write that changes nothing is a change.
  case logsNothing
  /// Requests that were taken back are carried out.
  case writesWithdrawn

  // 5. Snapshots.
  /// A snapshot sees what is committed after it.
  case seesLater
  /// The past is the present.
  case forgetsPast
  /// A page begins one row late.
  case skipsRow
  /// Rows that are deleted count.
  case countsDeleted

  // 6. Read what you wrote.
  /// A read sees what there was before the last batch.
  case readsStale
  /// A read does not wait for what its reader knows of.
  case ignoresAtLeast

  // 7. The log.
  /// Updates are logged without the image before.
  case losesBefore
  /// What was compacted is left out in silence.
  case hidesCompaction
  /// A page of the log ends within a commit.
  case splitsCommits
  /// Whoever reads the log later does not learn who wrote a commit.
  case forgetsPrincipal
  /// The position of a consumer stays where it was.
  case forgetsConsumers

  // 8. Once.
  case repeatsMutation
  /// A repeat is not marked.
  case hidesReplay
  /// An id is known for any request.
  case ignoresFingerprint
  /// A failed request is remembered.
  case remembersFailures

  // 9. What others write.
  case losesForeign
  case repeatsForeign
  /// Each row is a commit of its own.
  case splitsForeign
  /// A row that others changed is read before that is in the log.
  case showsForeignEarly

  // 10. Rules.
  /// A row that the caller does not see is told of.
  case showsUnseen
  case ignoresRow
  case ignoresResult
  /// The mark `deleted` is written by whoever may update.
  case undividesMark
  /// Rules that need other rows are asked with those before the request.
  case judgesByOldRows
  /// An answer carries a row that its caller does not see.
  case answersUnseen

  // Who may block whom, and the end.
  case readsWaitForWrites
  case writesWaitForReads
  case queuesWithoutBound
  case servesWhenClosed
  /// What waits at the end of writing is written.
  case writesAtEnd
  /// The catalog comes after the batch that needs it.
  case announcesCatalogLate

  /// The law that must notice it; others may.
  package var law: StorageLaw.Number {
    switch self {
    case .answersEarly, .losesWrite, .dropsWaitingAtClose: .durable
    case .skipsSequence, .keepsOldVersion, .swapsChanges: .oneOrder
    case .eventsFirst, .announcesHeadEarly, .neverGathers: .answersFirst
    case .reordersSession, .tearsCommit, .failsNeighbours, .ignoresVersion,
      .ignoresExpectations, .ignoresDeleted,
      .overwrites, .logsNothing, .writesWithdrawn:
      .clientsOrder
    case .seesLater, .forgetsPast, .skipsRow, .countsDeleted: .snapshots
    case .readsStale, .ignoresAtLeast: .readYourWrites
    case .losesBefore, .hidesCompaction, .splitsCommits, .forgetsPrincipal, .forgetsConsumers: .log
    case .repeatsMutation, .hidesReplay, .ignoresFingerprint, .remembersFailures: .once
    case .losesForeign, .repeatsForeign, .splitsForeign, .showsForeignEarly: .foreign
    case .showsUnseen, .ignoresRow, .ignoresResult, .undividesMark, .judgesByOldRows,
      .answersUnseen:
      .rules
    case .readsWaitForWrites, .writesWaitForReads, .queuesWithoutBound, .servesWhenClosed,
      .writesAtEnd, .announcesCatalogLate:
      .blocking
    }
  }
}
