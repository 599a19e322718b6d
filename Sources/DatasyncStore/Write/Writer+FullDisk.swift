import DatasyncStorage

/// A disk that is full: the WAL is written over, and deletes are how room is made.
extension Writer {
  /// What is in the WAL and has room in the database is written over by the next transaction. Waits a
  /// second at most for those who read; where that was in vain, not again for a while.
  func makeRoom() {
    let mayWait = MonotonicClock.now >= nextRoomWait
    guard !copyWAL(mayWait ? 1000 : 0), mayWait else { return }
    nextRoomWait = MonotonicClock.now + .seconds(10)
  }

  /// Deletes are done one by one, as far as there is room for each. The others would take what is left
  /// of it.
  func processOnFullDisk(_ requests: [WriteRequest], _ failure: SQLiteFailure) {
    let error = failure.error(while: "writing")
    observer.writesFailed(error)
    let others = requests.filter { !$0.isDelete }
    if !others.isEmpty {
      publish(
        others.map { WriteAnswer(replyTo: $0.replyTo, outcome: .failure(error)) }, [])
    }
    // Before and after each: what makes the database longer gets its room before the WAL takes it all,
    // which could never be written over then.
    makeRoom()
    for request in requests where request.isDelete {
      process([request])
      makeRoom()
    }
  }
}

extension WriteRequest {
  /// Whether it does nothing but remove rows.
  var isDelete: Bool {
    !operations.isEmpty
      && operations.allSatisfy { if case .delete = $0 { true } else { false } }
  }
}
