import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore

/// The pages of a subscription that is replayed from the log: one is sent while the next is read. A
/// value.
struct ReplayPages {
  enum Ahead {
    case nothing
    case reading(after: Sequence)
    case read(ReplayPage, after: Sequence)
  }

  /// The page that is being sent, and the first of its cuts that is still to go.
  var current: (page: ReplayPage, next: Int)?
  var ahead = Ahead.nothing
  /// Where the position is within a commit.
  var within: CommitCut?

  /// How many it holds in memory.
  var count: Int {
    var count = current == nil ? 0 : 1
    if case .read = ahead { count += 1 }
    return count
  }

  var isEmpty: Bool {
    if case .nothing = ahead { return current == nil && within == nil }
    return false
  }

  /// Where a subscription has some: most never do. Loop-bound.
  final class Box {
    let pages: ReplayPages

    init(_ pages: ReplayPages) {
      self.pages = pages
    }
  }
}

extension Subscription {
  func goOnWithPages(after position: Sequence) {
    switch pages.ahead {
    case .read(let page, after: position):
      holdPages { $0.ahead = .nothing }
      take(page)
    case .reading(after: position):
      phase = .replaying(position: position, isReading: true)
    case .nothing, .read, .reading:
      phase = .replaying(position: position, isReading: true)
      readPage(after: position, within: pages.within)
    }
  }

  private func readPage(after position: Sequence, within: CommitCut?) {
    let audience = ReplayAudience(
      view: view, form: sink?.sharedForm(for: requestID), isTyped: sink?.isTyped ?? false,
      author: author, excludesOwn: plan.excludeOwn,
      wantsPrevious: plan.wantsPrevious && !FaultSwitch.isOn(.noPrevious),
      endsWithCommit: plan.minInterval != nil)
    let (catalog, options, through) = (loop.catalog, loop.options, loop.head)
    let generation = viewGeneration
    loop.read(
      .log, cancellation: cancellationOfLogReads(), turn: turn,
      { snapshot throws(DatasyncError) in
        try ReplayWriter.page(
          for: audience, catalog: catalog, in: snapshot, after: position, within: within,
          through: through, options: options)
      },
      completion: { [self] (result: Result<ReplayPage, DatasyncError>) in
        pageRead(after: position, generation: generation, result)
      })
  }

  private func pageRead(
    after position: Sequence, generation: Int,
    _ result: Result<ReplayPage, DatasyncError>
  ) {
    if case .reading(after: position) = pages.ahead { holdPages { $0.ahead = .nothing } }
    guard case .replaying(let reached, let isReading) = phase else { return }
    guard reached == position, isReading else {
      // Read ahead; what failed is tried again when its turn comes.
      if case .success(let page) = result, generation == viewGeneration, reached <= position {
        keep(page, after: position)
      }
      return
    }
    phase = .replaying(position: position, isReading: false)
    guard generation == viewGeneration else { return pump() }
    switch result {
    case .failure(let error): end(error)
    case .success(let page): take(page)
    }
  }

  private func keep(_ page: ReplayPage, after position: Sequence) {
    guard loop.pagesHeld < loop.options.maxPagesHeld else { return }
    holdPages { $0.ahead = .read(page, after: position) }
  }

  /// Sends what a page holds, while the next one is being read.
  private func take(_ page: ReplayPage) {
    holdPages { $0.current = (page, 0) }
    if page.attachedAt == nil, page.failure == nil, page.through < loop.head,
      plan.minInterval == nil,
      page.within != nil || !loop.tail.covers(page.through)
    {
      holdPages { $0.ahead = .reading(after: page.through) }
      readPage(after: page.through, within: page.within)
    }
    sendPage()
  }

  /// Goes on with the page at hand, as far as the stream takes it.
  func sendPage() {
    guard let (page, first) = pages.current, case .replaying(let start, _) = phase else { return }
    if !page.events.isEmpty { return sendEvents(of: page, from: first) }
    var position = start
    for index in first..<page.cuts.count {
      guard maySend else { return pauseWithin(page, at: index, position) }
      let cut = page.cuts[index]
      let offset = index == 0 ? 0 : page.cuts[index - 1].offset
      owesCheckpoint = true
      position = cut.position
      phase = .replaying(position: position, isReading: false)
      // All cuts but the last are ends of commits.
      holdPages { $0.within = index == page.cuts.count - 1 ? page.within : nil }
      if let bytes = page.bytes.getSlice(at: offset, length: cut.offset - offset) {
        sink?.send(framed: bytes, messageCount: cut.messageCount)
      }
      guard !isEnded else { return }
    }
    pageSent(page, position)
  }

  private func pageSent(_ page: ReplayPage, _ reached: Sequence) {
    holdPages { pages in
      pages.current = nil
      pages.within = page.within
    }
    if let attached = page.attachedAt { return end(.tableAttached(at: attached)) }
    if let failure = page.failure { return end(failure) }
    let position = max(reached, page.through)
    phase = .replaying(position: position, isReading: false)
    if owesCheckpoint, position < loop.head || plan.minInterval != nil {
      sendCheckpoint(at: position)
    }
    yieldThenPump()
  }

  /// The events of a page one by one, as far as the sink takes them: up to the end of a commit, or to
  /// where no answer holds more.
  private func sendEvents(of page: ReplayPage, from first: Int) {
    guard let sink, case .replaying(let start, _) = phase else { return }
    var position = start
    for index in first..<page.events.count {
      let event = page.events[index]
      let isBetweenCommits = index == 0 ? pages.within == nil : !page.events[index - 1].more
      // Two events of one change are not parted.
      if event.sequence > position,
        !sink.admits(event.event.bytes.count) || (isBetweenCommits && !maySend)
      {
        if index > 0, isBetweenCommits {
          // What else the last commit held is none of this view's.
          position = Sequence(event.commitStart.rawValue - 1)
          phase = .replaying(position: position, isReading: false)
        }
        if index > 0 {
          holdPages { $0.within = isBetweenCommits ? nil : CommitCut(start: event.commitStart) }
        }
        return pauseWithin(page, at: index, position)
      }
      owesCheckpoint = true
      sink.send(event.event, own: event.isOwn, more: event.more, for: requestID)
      guard !isEnded else { return }
      position = event.sequence
      phase = .replaying(position: position, isReading: false)
    }
    pageSent(page, position)
  }

  private func pauseWithin(_ page: ReplayPage, at index: Int, _ position: Sequence) {
    if owesCheckpoint, pages.within == nil { sendCheckpoint(at: position) }
    holdPages { pages in
      // Too many wait in this way: the log has it, too.
      let mayStay = loop.pagesHeld <= loop.options.maxPagesHeld
      pages.current = mayStay ? (page, index) : nil
    }
  }

  /// The view is another one now, or there is none any more.
  func dropPages() {
    viewGeneration += 1
    holdPages { pages in
      let within = pages.within
      pages = ReplayPages()
      pages.within = within
    }
  }

  /// Changes what is held, and keeps the loop's count of it.
  func holdPages(_ change: (inout ReplayPages) -> Void) {
    var pages = self.pages
    let before = pages.count
    change(&pages)
    boxedPages = pages.isEmpty ? nil : ReplayPages.Box(pages)
    loop.pagesHeld += pages.count - before
  }
}
