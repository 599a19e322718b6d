import DequeModule

/// The streams of a connection, as long as the session may know them, and those that are used again.
/// A value.
struct StreamRoster {
  /// In no order: the last one fills the place of one that goes.
  private(set) var open: [HTTP2Stream] = []
  /// Those that the session has closed, in the order of their ``HTTP2Connection/Event/closed``.
  private var leaving: Deque<HTTP2Stream> = []
  /// Those that the connection's end took along: the session has their addresses as long as it is.
  private var retired: [HTTP2Stream] = []
  private var pool: [HTTP2Stream] = []

  private static let maxPooled = 32

  /// One that was used before, if there is one, as new, and among the open ones.
  mutating func add(id: Int32, on connection: HTTP2Connection) -> HTTP2Stream {
    let stream = pool.popLast() ?? HTTP2Stream(connection: connection)
    stream.reset(id: id)
    stream.index = open.count
    open.append(stream)
    return stream
  }

  /// Takes the stream out of the open ones; the last one moves to its place.
  mutating func forget(_ stream: HTTP2Stream) {
    stream.isOpen = false
    let last = open.removeLast()
    if last !== stream {
      open[stream.index] = last
      last.index = stream.index
    }
  }

  /// Forgotten, and held until it is told.
  mutating func leaves(_ stream: HTTP2Stream) {
    forget(stream)
    leaving.append(stream)
  }

  mutating func nextLeaving() -> HTTP2Stream? {
    leaving.popFirst()
  }

  /// Nobody has it any more.
  mutating func recycle(_ stream: HTTP2Stream) {
    if pool.count < StreamRoster.maxPooled { pool.append(stream) }
  }

  /// The connection ends.
  ///
  /// - Returns: Those that were open.
  mutating func retireAll() -> [HTTP2Stream] {
    retired = open
    open.removeAll()
    return retired
  }

  /// The session is gone.
  mutating func letGo() {
    retired.removeAll()
    pool.removeAll()
  }
}
