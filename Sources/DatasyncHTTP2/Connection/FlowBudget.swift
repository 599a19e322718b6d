/// What a connection holds of its streams' bytes, in both directions. A value. Inlined: every message passes.
struct FlowBudget {
  /// Written and not sent, in all streams.
  private(set) var bufferedBytes = 0 {
    didSet { share?.report(bufferedBytes) }
  }
  private var share: BudgetShare?
  /// Received and not consumed by the layer above, in all streams.
  private(set) var unreadBytes = 0
  /// Not given back to the connection's window yet.
  private var owedBytes = 0

  /// - Parameter budget: That the connection shares with others; nil: it counts for itself alone.
  init(_ budget: BufferBudget?) {
    share = budget.map { BudgetShare($0) }
  }

  // MARK: - Out

  /// Whether one more message may be held.
  ///
  /// - Parameters:
  ///   - max: Of the connection.
  ///   - least: Of it where the budget that it shares is used up.
  @inline(__always)
  func mayBuffer(upTo max: Int, inAnyCase least: Int) -> Bool {
    guard bufferedBytes <= max else { return false }
    return bufferedBytes <= least || share?.budget.isExhausted != true
  }

  @inline(__always)
  mutating func wrote(_ bytes: Int) {
    bufferedBytes += bytes
  }

  /// Sent, or given up with its stream.
  @inline(__always)
  mutating func letGo(_ bytes: Int) {
    bufferedBytes -= bytes
  }

  /// The connection is gone, and everything with it.
  mutating func end() {
    bufferedBytes = 0
  }

  // MARK: - In

  /// In a DATA frame, with or without a stream that takes them.
  @inline(__always)
  mutating func received(_ bytes: Int) {
    owedBytes += bytes
  }

  /// They wait for their stream's reader.
  @inline(__always)
  mutating func kept(_ bytes: Int) {
    unreadBytes += bytes
  }

  @inline(__always)
  mutating func consumed(_ bytes: Int) {
    unreadBytes -= bytes
  }

  /// What the connection's window is to be given back: all on arrival, so that one slow stream holds up no
  /// other; nothing while more is unread than a connection may hold.
  @inline(__always)
  mutating func settle(maxUnreadBytes: Int) -> Int {
    guard owedBytes > 0, unreadBytes <= maxUnreadBytes else { return 0 }
    defer { owedBytes = 0 }
    return owedBytes
  }
}
