import DatasyncStorage

/// Whoever waits for the store's answers to writes. Loop-bound.
protocol WriteRequester: AnyObject {
  func answered(_ answer: WriteAnswer)
}

/// The sessions and calls of a loop that wait for answers, by numbers that are not used again. A value.
struct WriteRequesters {
  private var byNumber: [UInt64: any WriteRequester] = [:]
  private var next: UInt64 = 1

  mutating func register(_ requester: any WriteRequester) -> UInt64 {
    defer { next += 1 }
    byNumber[next] = requester
    return next
  }

  mutating func unregister(_ number: UInt64) {
    byNumber[number] = nil
  }

  subscript(number: UInt64) -> (any WriteRequester)? { byNumber[number] }
}
