import DatasyncModel

/// What waits until its loop has published a position, in the order of asking. A value.
struct PublishedPositions {
  private var waiting: [(position: Sequence, body: () -> Void)] = []

  mutating func wait(for position: Sequence, _ body: @escaping () -> Void) {
    waiting.append((position, body))
  }

  /// What waited for this position or an earlier one; the caller runs it.
  mutating func takeReady(at head: Sequence) -> [() -> Void] {
    guard !waiting.isEmpty else { return [] }
    let ready = waiting.filter { $0.position <= head }
    waiting.removeAll { $0.position <= head }
    return ready.map(\.body)
  }
}
