/// Finds streams opened with a number below one that was opened before, which nghttp2 ignores where
/// RFC 9113, section 5.1.1 asks for a connection error. A value.
struct StreamIDWatch {
  private var highest: Int32 = -1
  /// Ids that were passed over. Clients step by two, so that there are none; the cap is for others.
  private var skipped: [ClosedRange<Int32>] = []
  static let maxSkipped = 16

  /// False: the id was passed over before.
  mutating func headersBegan(_ id: Int32) -> Bool {
    guard id & 1 == 1 else { return true }
    if id > highest {
      if id > highest + 2, skipped.count < Self.maxSkipped {
        skipped.append(highest + 2...id - 2)
      }
      highest = id
      return true
    }
    return skipped.isEmpty || !skipped.contains { $0.contains(id) }
  }
}
