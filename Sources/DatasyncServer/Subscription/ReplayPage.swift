import DatasyncMessages
import DatasyncModel
import DatasyncStorage
import NIOCore

/// What a subscription gets of a stretch of the log, ready to be sent. A value.
struct ReplayPage: Sendable {
  /// Where a page may be interrupted: the end of a commit, or of the page.
  struct Cut: Sendable {
    /// The end in ``bytes``.
    let offset: Int
    let messageCount: Int
    let position: Sequence
  }

  /// An event for a stream to which none is sent framed.
  struct Event: Sendable {
    let event: EncodedEvent
    let isOwn: Bool
    let more: Bool
    let sequence: Sequence
    /// Of the first change of its commit.
    let commitStart: Sequence
  }

  /// gRPC messages, one behind the other.
  var bytes = ByteBuffer()
  /// In order; the last one is the end of the bytes.
  var cuts: [Cut] = []
  /// What there is instead of ``bytes`` where the stream takes no framed messages.
  var events: [Event] = []
  /// Everything up to here is in the page.
  var through: Sequence
  /// Where the page ends within a commit.
  var within: CommitCut?
  /// A table of the view was attached here: the subscription ends, after what the page holds.
  var attachedAt: Sequence?
  /// A row that the filter cannot judge comes next: the subscription ends likewise.
  var failure: DatasyncError?

  init(through: Sequence) {
    self.through = through
  }
}

/// A place inside of a commit, which is larger than a page. No checkpoint stands there. A value.
struct CommitCut: Sendable {
  /// The sequence of the commit's first change.
  let start: Sequence
  /// When and by whom; nil: the log has to be asked.
  var head: CommitHead?
  /// An event before this place that was not sent yet: it says whether another of its commit follows.
  var held: (event: EncodedEvent, sequence: Sequence)?
}

/// Who a replay is for: what of it may be known away from the loop. A value.
struct ReplayAudience: Sendable {
  let view: View
  /// nil: events are sent one by one.
  let form: EventForm?
  let isTyped: Bool
  let author: Author
  let excludesOwn: Bool
  let wantsPrevious: Bool
  /// Whether the page ends with the first commit.
  var endsWithCommit = false
}
