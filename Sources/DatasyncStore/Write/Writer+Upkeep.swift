import DatasyncModel

// What the writer forgets, saves and gives back in passing. On the writer's thread.
extension Writer {
  /// Forgets old mutation ids and trims the log while nobody asks for anything else.
  func tidy() {
    guard MonotonicClock.now - lastTidy > .seconds(1) else { return }
    do {
      try begin()
      // Where there was something to trim, there may be more.
      let didTrim = try end(newTransaction(), trimming: 4096)
      reserve?.takeIfDue()
      cacheUse.note()
      if !didTrim { lastTidy = MonotonicClock.now }
    } catch {
      rollBack()
      lastTidy = MonotonicClock.now
    }
  }

  /// As many as are remembered are forgotten, and more where the limit was once higher.
  func trimmedMutations(
    _ transaction: WriteTransaction, now: Int64, trimming extra: Int
  ) throws(SQLiteFailure) -> MutationBounds {
    var mutations = self.mutations
    if let numbers = transaction.mutations {
      mutations.recorded(numbers, bytes: transaction.mutationBytes)
    }
    let limits = MutationBounds.Limits(
      count: options.maxMutations, bytes: options.maxMutationBytes,
      atMost: 64 + 4 * transaction.mutationCount + extra,
      // More than has come, so that what was over a lowered limit goes, too.
      atMostBytes: transaction.mutationBytes.addingClamped((64 + extra) << 10))
    try mutations.trim(connection, to: limits)
    let time = MonotonicClock.now
    guard time - lastTrim > .seconds(1) else { return mutations }
    lastTrim = time
    let age = options.mutationRetention.nanoseconds / 1000
    try mutations.trim(connection, before: now.subtractingClamped(age), atMost: 10_000)
    return mutations
  }

  func saveIfDue(_ clock: RetentionClock) throws(SQLiteFailure) {
    let time = MonotonicClock.now
    guard time - lastClockSave > RetentionClock.saveInterval else { return }
    lastClockSave = time
    try OwnTables.saveClock(clock.now, connection)
  }
}
