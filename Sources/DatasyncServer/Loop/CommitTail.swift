import DatasyncModel
import DequeModule

/// The newest commits, in memory: what a subscription that is a little behind catches up from. A
/// value; each loop holds one, and all share the commits themselves.
struct CommitTail {
  /// Everything after this position is here.
  private(set) var start: Sequence
  private(set) var memoryCost = 0
  private var commits: Deque<Commit> = []
  private let maxBytes: Int

  /// - Parameter maxBytes: What the commits may take; the newest one is kept whatever it takes.
  init(start: Sequence, maxBytes: Int) {
    self.start = start
    self.maxBytes = maxBytes
  }

  mutating func append(_ commit: Commit) {
    guard !commit.isInLogOnly else {
      commits.removeAll()
      memoryCost = 0
      start = commit.last
      return
    }
    commits.append(commit)
    memoryCost += commit.memoryCost
    while memoryCost > maxBytes, commits.count > 1, let oldest = commits.popFirst() {
      memoryCost -= oldest.memoryCost
      start = oldest.last
    }
  }

  func covers(_ position: Sequence) -> Bool { position >= start }

  /// The commits after a position, oldest first, at least one where there is any; nil where the tail
  /// does not reach back that far, or the first is too large to be gone through at once.
  func commits(after position: Sequence, maxBytes: Int) -> [Commit]? {
    guard covers(position) else { return nil }
    var page: [Commit] = []
    var bytes = 0
    var index = firstIndex(after: position)
    if index < commits.count, commits[index].memoryCost / 4 > maxBytes { return nil }
    while index < commits.count, page.isEmpty || bytes < maxBytes {
      page.append(commits[index])
      bytes += commits[index].memoryCost
      index += 1
    }
    return page
  }

  /// All commits after a position through another; nil where some of them are not here, or all together take
  /// more.
  func commits(after position: Sequence, through end: Sequence, maxBytes: Int) -> [Commit]? {
    guard covers(position) else { return nil }
    var range: [Commit] = []
    var bytes = 0
    for index in firstIndex(after: position)..<commits.count where commits[index].last <= end {
      bytes += commits[index].memoryCost
      guard bytes <= maxBytes else { return nil }
      range.append(commits[index])
    }
    return range
  }

  private func firstIndex(after position: Sequence) -> Int {
    var low = 0
    var high = commits.count
    while low < high {
      let middle = (low + high) / 2
      if commits[middle].last <= position { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
