import DequeModule

/// Reads that wait, each client's in the order in which they came, the clients by turns: one that asks
/// for much holds up itself. A value, under its monitor's lock.
struct ReadLanes {
  private var lanes: [UInt64: Deque<ReadJob>] = [:]
  /// Those that have a read that waits, in the order of their turns.
  private var turns: Deque<UInt64> = []
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ job: ReadJob) {
    count += 1
    let isNew = lanes[job.client] == nil
    lanes[job.client, default: []].append(job)
    if isNew { turns.append(job.client) }
  }

  mutating func popFirst() -> ReadJob? {
    guard let client = turns.popFirst(), let job = lanes[client]?.popFirst() else { return nil }
    count -= 1
    if lanes[client]?.isEmpty ?? true { lanes[client] = nil } else { turns.append(client) }
    return job
  }
}
