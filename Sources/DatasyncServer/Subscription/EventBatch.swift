import DatasyncMessages
import DatasyncModel
import NIOCore

/// Events on their way to subscribers that see the same: those of a batch of the writer, or of a
/// chunk of the log. Loop-bound; used again and again.
final class EventBatch {
  struct Event {
    /// As ``JudgedChange/encoded(_:view:wantsPrevious:isTyped:)`` gives it.
    let encoded: EncodedEvent
    /// Where its commit ends.
    let commitEnd: Sequence
    /// Of its commit: events of one commit have one author.
    let author: Author
    /// Whether another event of the same commit follows.
    fileprivate(set) var more = false
  }

  /// What says where a subscriber stands that has got the events.
  enum End {
    /// The same for all of them.
    case checkpoint([UInt8])
    /// Each says it itself.
    case position(Sequence)
  }

  private(set) var events: [Event] = []
  private(set) var byteCount = 0
  /// The last event's commit.
  private var commit: Commit?
  /// Who wrote all events; nil where there are several.
  private(set) var onlyAuthor: Author?
  /// The same for equal authors, and hardly ever for others: whoever is shown the batch compares it first.
  private(set) var onlyAuthorTag: Int?
  /// Whoever gets the events has had everything up to here.
  private(set) var start: Sequence = .zero
  /// What follows the events; nil: nothing.
  var end: End? {
    didSet { framedEvents.forget() }
  }
  private var framedEvents = FramedEvents()

  var isEmpty: Bool { events.isEmpty }
  /// That of all subscribers; nil: there is none.
  var checkpoint: [UInt8]? {
    if case .checkpoint(let bytes)? = end { bytes } else { nil }
  }

  /// Whether the last event is one of the commit's.
  func endsWith(_ commit: Commit) -> Bool { self.commit === commit }

  func append(_ encoded: EncodedEvent, of commit: Commit) {
    if FaultSwitch.strikes(.dropEvent) { return }
    let isSameCommit = self.commit === commit
    if events.isEmpty {
      start = Sequence(commit.first.rawValue - 1)
      onlyAuthor = commit.author
      onlyAuthorTag = commit.author.hashValue
    } else if onlyAuthorTag != nil, onlyAuthor != commit.author {
      onlyAuthor = nil
      onlyAuthorTag = nil
    }
    self.commit = commit
    if isSameCommit, !FaultSwitch.isOn(.splitCommit) { events[events.count - 1].more = true }
    events.append(Event(encoded: encoded, commitEnd: commit.last, author: commit.author))
    if isSameCommit, FaultSwitch.isOn(.swapEvents) { swapLast() }
    if FaultSwitch.strikes(.doubleEvent) { events.append(events[events.count - 1]) }
    byteCount += encoded.bytes.count
    framedEvents.forget()
  }

  /// Takes back what was appended of a commit, which is the last one.
  func remove(_ commit: Commit) {
    guard endsWith(commit) else { return }
    while let last = events.last, last.commitEnd == commit.last {
      byteCount -= last.encoded.bytes.count
      events.removeLast()
    }
    self.commit = nil
    framedEvents.forget()
  }

  private func swapLast() {
    events.swapAt(events.count - 1, events.count - 2)
    events[events.count - 2].more = true
    events[events.count - 1].more = false
  }

  func removeAll() {
    events.removeAll(keepingCapacity: events.count <= 256)
    byteCount = 0
    commit = nil
    onlyAuthor = nil
    onlyAuthorTag = nil
    end = nil
    framedEvents.removeAll()
  }

  /// The events and the checkpoint as gRPC messages, one behind the other, for a subscriber to whom
  /// none of the events is its own.
  func framed(_ form: EventForm) -> (bytes: ByteBuffer, messageCount: Int) {
    let bytes = framedEvents.bytes(form, events, checkpoint: checkpoint)
    return (bytes, events.count + (checkpoint == nil ? 0 : 1))
  }
}

/// The form that events take on a stream. A value.
enum EventForm: Hashable {
  /// SessionResponses to a request.
  case session(requestID: UInt64)
  /// Events of the contract.
  case event
  /// Events of a table's own service.
  case rowEvent
}

/// The bytes of a batch in the form that was last asked for: subscribers of one form share them. A
/// value.
private struct FramedEvents {
  private var form: EventForm?
  private var bytes = ByteBuffer()

  mutating func forget() {
    form = nil
  }

  mutating func removeAll() {
    form = nil
    if bytes.capacity > 128 << 10 { bytes = ByteBuffer() }
  }

  mutating func bytes(
    _ form: EventForm, _ events: [EventBatch.Event], checkpoint: [UInt8]?
  ) -> ByteBuffer {
    if self.form == form { return bytes }
    self.form = form
    // New memory where a stream still sends from this.
    bytes.clear()
    for event in events {
      EventFrame.appendMessage(form, event.encoded, own: false, more: event.more, to: &bytes)
    }
    if let checkpoint { EventFrame.appendMessage(form, checkpoint: checkpoint, to: &bytes) }
    // Streams share no memory that is much larger than what it holds.
    if bytes.storageCapacity > 2 * bytes.readableBytes {
      bytes = bytes.withUnsafeReadableBytes { ByteBuffer(bytes: $0) }
    }
    return bytes
  }
}
