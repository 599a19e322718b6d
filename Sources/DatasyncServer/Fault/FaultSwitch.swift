import DatasyncStore

/// Faults that the oracle's tests switch on, to see that each of its validators finds its own.
///
/// Only in debug builds: `DATASYNC_FAULT=drop-event datasync serve …`, read once. In release builds
/// every question is answered by a constant `false`, and the hooks vanish.
enum FaultSwitch: String, CaseIterable {
  /// An event is not sent, now and then.
  case dropEvent = "drop-event"
  /// An event is sent twice, now and then.
  case doubleEvent = "double-event"
  /// The events of one commit come in the wrong order.
  case swapEvents = "swap-events"
  /// Nothing says that more events of the commit follow.
  case splitCommit = "split-commit"
  /// Every row of the table is in the view.
  case ignoreFilter = "ignore-filter"
  /// A checkpoint comes before the events that it says are sent.
  case earlyCheckpoint = "early-checkpoint"
  /// A token names the position before the checkpoint's.
  case wrongToken = "wrong-token"
  /// The first change after a token is not sent.
  case loseOnResume = "lose-on-resume"
  case noPrevious = "no-previous"
  /// Rows that stop matching stay.
  case staleView = "stale-view"
  /// The first change after the initial rows is not sent.
  case initialGap = "initial-gap"
  /// What comes while the stream is full is not sent later.
  case dropWhenFull = "drop-when-full"
  /// Net changes hide that rows were removed.
  case foldHidesDelete = "fold-hides-delete"
  case eventBeforeResponse = "event-before-response"
  /// An answer's sequence is not its change's.
  case wrongSequence = "wrong-sequence"
  /// Mutation ids are not looked at.
  case repeatMutation = "repeat-mutation"
  /// Some requests are answered twice.
  case doubleAnswer = "double-answer"
  /// A long poll's token names a position past its last change.
  case pollGap = "poll-gap"
  /// Nobody hears of it when a commit changes memberships.
  case staleSets = "stale-sets"
  /// Rows that newly may be read do not come.
  case noJudgedAdd = "no-judged-add"
  /// Rows that may no longer be read stay.
  case noJudgedDelete = "no-judged-delete"
  /// The changes of the commit that changes memberships are judged as before it.
  case oldRightsInCommit = "old-rights-in-commit"
  /// Rows that the commit has changed are judged with the others, too.
  case judgedTwice = "judged-twice"
  /// A resume token is good for any view.
  case anyMark = "any-mark"
  /// An index over the values of a set forgets the row before a change.
  case setIndexAfterOnly = "set-index-after-only"
  /// After a change of the access file nobody is judged anew.
  case staleRules = "stale-rules"
}

#if DEBUG
  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif
  import Synchronization

  /// Says on standard error what a test has switched on.
  enum TestNotice {
    static func print(_ line: String) {
      let bytes = Array((line + "\n").utf8)
      _ = write(STDERR_FILENO, bytes, bytes.count)
    }
  }

  extension FaultSwitch {
    private static let name = getenv("DATASYNC_FAULT").map { String(cString: $0) } ?? ""

    private static let active: FaultSwitch? = {
      guard !name.isEmpty else { return nil }
      let fault = FaultSwitch(rawValue: name)
      let isKnown = fault != nil || storeFault != nil
      TestNotice.print("DATASYNC_FAULT: \(isKnown ? "on" : "unknown"): \(name)")
      return fault
    }()

    /// The fault, where it is one of the store's.
    static var storeFault: StoreFault? { StoreFault(rawValue: name) }

    private static let calls = Atomic<Int>(0)

    static func isOn(_ fault: FaultSwitch) -> Bool {
      active == fault
    }

    /// On for one call of eight, so that the rest of the run looks healthy.
    static func strikes(_ fault: FaultSwitch) -> Bool {
      guard active == fault else { return false }
      return calls.wrappingAdd(1, ordering: .relaxed).newValue % 8 == 0
    }
  }
#else
  extension FaultSwitch {
    @inline(__always)
    static func isOn(_ fault: FaultSwitch) -> Bool { false }

    @inline(__always)
    static func strikes(_ fault: FaultSwitch) -> Bool { false }
  }
#endif
