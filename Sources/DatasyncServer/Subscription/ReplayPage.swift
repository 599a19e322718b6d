import DatasyncModel
import NIOCore

/// What a subscription gets of a stretch of the log, ready to be sent. A value.
struct ReplayPage: Sendable {
  /// Where a page may be interrupted: always the end of a commit.
  struct Cut: Sendable {
    /// The end in ``bytes``.
    let offset: Int
    let messageCount: Int
    let position: Sequence
  }

  /// gRPC messages, one behind the other.
  var bytes = ByteBuffer()
  /// In order; the last one is the end of the bytes.
  var cuts: [Cut] = []
  /// Everything up to here is in the page.
  var through: Sequence
  /// A table of the view was attached here: the subscription ends, after what the page holds.
  var attachedAt: Sequence?

  init(through: Sequence) {
    self.through = through
  }
}

/// Who a replay is for: what of it may be known away from the loop. A value.
struct ReplayAudience: Sendable {
  let view: View
  let form: EventForm
  let clientID: String
  let excludesOwn: Bool
  let wantsPrevious: Bool
}
