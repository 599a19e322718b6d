import DatasyncModel
import DatasyncStore
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

  /// How many it holds in memory.
  var count: Int {
    var count = current == nil ? 0 : 1
    if case .read = ahead { count += 1 }
    return count
  }

  var isEmpty: Bool {
    if case .nothing = ahead { return current == nil }
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
  func goOnWithPages(after position: Sequence, _ form: EventForm) {
    switch pages.ahead {
    case .read(let page, after: position):
      holdPages { $0.ahead = .nothing }
      take(page, form)
    case .reading(after: position):
      phase = .replaying(position: position, isReading: true)
    case .nothing, .read, .reading:
      phase = .replaying(position: position, isReading: true)
      readPage(after: position, form)
    }
  }

  private func readPage(after position: Sequence, _ form: EventForm) {
    let audience = ReplayAudience(
      view: view, form: form, clientID: clientID, excludesOwn: plan.excludeOwn,
      wantsPrevious: plan.wantsPrevious && !FaultSwitch.isOn(.noPrevious))
    let (catalog, options, through) = (loop.catalog, loop.options, loop.head)
    let generation = viewGeneration
    loop.read(
      { snapshot throws(DatasyncError) in
        try ReplayWriter.page(
          for: audience, catalog: catalog, in: snapshot, after: position, through: through,
          options: options)
      },
      completion: { [self] (result: Result<ReplayPage, DatasyncError>) in
        pageRead(after: position, form, generation: generation, result)
      })
  }

  private func pageRead(
    after position: Sequence, _ form: EventForm, generation: Int,
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
    case .success(let page): take(page, form)
    }
  }

  private func keep(_ page: ReplayPage, after position: Sequence) {
    guard loop.pagesHeld < loop.options.maxPagesHeld else { return }
    holdPages { $0.ahead = .read(page, after: position) }
  }

  /// Sends what a page holds, while the next one is being read.
  private func take(_ page: ReplayPage, _ form: EventForm) {
    holdPages { $0.current = (page, 0) }
    if page.attachedAt == nil, page.through < loop.head, !loop.tail.covers(page.through) {
      holdPages { $0.ahead = .reading(after: page.through) }
      readPage(after: page.through, form)
    }
    sendPage()
  }

  /// Goes on with the page at hand, as far as the stream takes it.
  func sendPage() {
    guard let (page, first) = pages.current, case .replaying(let start, _) = phase else { return }
    var position = start
    for index in first..<page.cuts.count {
      guard maySend else { return pauseWithin(page, at: index, position) }
      let cut = page.cuts[index]
      let offset = index == 0 ? 0 : page.cuts[index - 1].offset
      owesCheckpoint = true
      position = cut.position
      phase = .replaying(position: position, isReading: false)
      if let bytes = page.bytes.getSlice(at: offset, length: cut.offset - offset) {
        sink?.send(framed: bytes, messageCount: cut.messageCount)
      }
      guard !isEnded else { return }
    }
    holdPages { $0.current = nil }
    if let attached = page.attachedAt { return tableAttached(at: attached) }
    position = max(position, page.through)
    phase = .replaying(position: position, isReading: false)
    if owesCheckpoint, position < loop.head { sendCheckpoint(at: position) }
    yieldThenPump()
  }

  private func pauseWithin(_ page: ReplayPage, at index: Int, _ position: Sequence) {
    if owesCheckpoint { sendCheckpoint(at: position) }
    holdPages { pages in
      // Too many wait in this way: the log has it, too.
      let mayStay = loop.pagesHeld <= loop.options.maxPagesHeld
      pages.current = mayStay ? (page, index) : nil
    }
  }

  /// The view is another one now, or there is none any more.
  func dropPages() {
    viewGeneration += 1
    holdPages { $0 = ReplayPages() }
  }

  /// Changes what is held, and keeps the loop's count of it.
  private func holdPages(_ change: (inout ReplayPages) -> Void) {
    var pages = self.pages
    let before = pages.count
    change(&pages)
    boxedPages = pages.isEmpty ? nil : ReplayPages.Box(pages)
    loop.pagesHeld += pages.count - before
  }
}
