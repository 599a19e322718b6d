import DequeModule

/// Requests that wait for the writer: each session's in the order sent, the sessions by turns. A
/// value, under its monitor's lock.
///
/// A turn is one request, whatever its size. A session that was served in a batch and has more comes
/// after all that arrived while that batch was written. So a session's only request goes with the
/// next batch, before anything of those that send much; where more sessions wait than a batch takes,
/// with the first one that has room once those have gone that waited longer.
package struct WriteQueue {
  /// What one batch holds at most; its first request comes along whatever its size. A value.
  package struct BatchLimits {
    /// Of all sessions together; a turn takes one.
    package var requests: Int
    /// Rows named by the requests.
    package var writes: Int
    /// Of ``WriteRequest/byteCount``.
    package var bytes: Int

    package init(requests: Int, writes: Int, bytes: Int) {
      self.requests = requests
      self.writes = writes
      self.bytes = bytes
    }

    fileprivate mutating func take(_ request: WriteRequest, isFirst: Bool) -> Bool {
      guard isFirst || fits(request) else { return false }
      requests -= 1
      writes -= request.operations.count
      bytes -= request.byteCount
      return true
    }

    private func fits(_ request: WriteRequest) -> Bool {
      requests > 0 && request.operations.count <= writes && request.byteCount <= bytes
    }
  }

  private struct Requester: Hashable {
    let loop: Int
    let session: UInt64

    init(_ request: WriteRequest) {
      self.init(loop: request.replyTo.loop, session: request.replyTo.session)
    }

    init(loop: Int, session: UInt64) {
      self.loop = loop
      self.session = session
    }
  }

  /// What one session waits for.
  private struct Lane {
    var requests: Deque<WriteRequest> = []
    /// The most requests that have waited here since it was made.
    var longest = 0
  }

  /// Lanes are used again, with the room that they have.
  private var lanes: [Lane] = []
  private var freeLanes: [Int] = []
  private var laneOf: [Requester: Int] = [:]
  /// Lanes that were not served in the last batch, in the order of their turns.
  private var waiting: Deque<Int> = []
  /// Lanes that were, and have more.
  private var served: Deque<Int> = []
  /// Requests that wait, of all sessions.
  package private(set) var count = 0
  /// The sum of their ``WriteRequest/byteCount``.
  package private(set) var byteCount = 0

  /// A lane that held more gives its room back when its session has nothing more to write.
  private static let maxKeptRoom = 64

  package var isEmpty: Bool { count == 0 }

  package init() {}

  /// Puts a request behind its session's others. A session that had none comes after those that wait, and
  /// before those that were served in the last batch. Nothing is refused: the bounds are the caller's.
  package mutating func append(_ request: WriteRequest) {
    let lane = lane(of: Requester(request))
    if lanes[lane].requests.isEmpty { waiting.append(lane) }
    lanes[lane].requests.append(request)
    lanes[lane].longest = max(lanes[lane].longest, lanes[lane].requests.count)
    count += 1
    byteCount += request.byteCount
  }

  /// The next batch; empty only where nothing waits.
  package mutating func takeBatch(_ limits: BatchLimits) -> [WriteRequest] {
    waiting.append(contentsOf: served)
    served.removeAll(keepingCapacity: true)
    var batch: [WriteRequest] = []
    var room = limits
    var isFirstRound = true
    while !isEmpty {
      if waiting.isEmpty {
        swap(&waiting, &served)
        isFirstRound = false
      }
      guard let lane = waiting.first, let request = lanes[lane].requests.first,
        room.take(request, isFirst: batch.isEmpty)
      else { break }
      waiting.removeFirst()
      lanes[lane].requests.removeFirst()
      batch.append(request)
      count -= 1
      byteCount -= request.byteCount
      if lanes[lane].requests.isEmpty {
        free(lane, of: Requester(request))
      } else {
        served.append(lane)
      }
    }
    if !isFirstRound {
      // Whoever is left of a later round has had a turn.
      served.prepend(contentsOf: waiting)
      waiting.removeAll(keepingCapacity: true)
    }
    return batch
  }

  /// Takes back the end of a batch that there was no time for: it is first in the next one, but for
  /// sessions that had a turn.
  package mutating func putBack(
    _ rest: ArraySlice<WriteRequest>, after done: ArraySlice<WriteRequest>
  ) {
    for request in rest.reversed() {
      let lane = lane(of: Requester(request))
      lanes[lane].requests.prepend(request)
      count += 1
      byteCount += request.byteCount
    }
    var returned: Set<Int> = []
    let order = rest.map { lane(of: Requester($0)) }.filter { returned.insert($0).inserted }
    let hadTurn = Set(done.compactMap { laneOf[Requester($0)] })
    waiting.removeAll(where: returned.contains)
    served.removeAll(where: returned.contains)
    waiting.prepend(contentsOf: order.filter { !hadTurn.contains($0) })
    served.prepend(contentsOf: order.filter(hadTurn.contains))
  }

  /// Gives back what a session waits for, in the order sent.
  package mutating func withdraw(loop: Int, session: UInt64) -> [WriteRequest] {
    let requester = Requester(loop: loop, session: session)
    guard let lane = laneOf[requester] else { return [] }
    let requests = Array(lanes[lane].requests)
    lanes[lane].requests.removeAll()
    waiting.removeAll { $0 == lane }
    served.removeAll { $0 == lane }
    free(lane, of: requester)
    count -= requests.count
    byteCount -= requests.reduce(0) { $0 + $1.byteCount }
    return requests
  }

  // MARK: - Lanes

  private mutating func lane(of requester: Requester) -> Int {
    if let lane = laneOf[requester] { return lane }
    let lane: Int
    if let free = freeLanes.popLast() {
      lane = free
    } else {
      lane = lanes.count
      lanes.append(Lane())
    }
    laneOf[requester] = lane
    return lane
  }

  private mutating func free(_ lane: Int, of requester: Requester) {
    laneOf[requester] = nil
    freeLanes.append(lane)
    if lanes[lane].longest > WriteQueue.maxKeptRoom { lanes[lane] = Lane() }
  }
}
