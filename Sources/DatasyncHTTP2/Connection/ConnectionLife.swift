/// How a connection opens, drains and ends. A value, which is never copied; without a clock, a session or
/// a channel: events go in, each returns what is to be done.
///
///     detached ──added──► inactive ──started──► awaitingPreface ──prefaceReceived──► begun
///                             └──────────started, no preface to await───────────────►┘
///
/// In each of the last three it may drain. A server says GOAWAY twice: first without refusing anything,
/// since requests may be under way; then, when the peer has answered a ping, with the last one served.
///
///     serving ──drainAsked──► noticed ──noticeAnswered──► final
///         └────────────drainAsked of a client─────────────►┘
///
/// And from every state it may end: after a word to the peer, or with its channel.
///
///     (any) ──closed──► closing ──channelLost──► ended
///       └──────────────channelLost────────────────►┘
struct ConnectionLife: ~Copyable {
  private enum State {
    /// In no channel.
    case detached
    case open(Opening, Drain)
    /// Neither reads nor writes any more; waits for the peer to close.
    case closing
    /// The channel is gone.
    case ended
  }

  private enum Opening {
    /// The channel is not active yet.
    case inactive
    /// A server says nothing before it knows that the peer speaks HTTP/2.
    case awaitingPreface
    case begun
  }

  private enum Drain {
    case serving
    case noticed(reason: String)
    case final
  }

  private let role: HTTP2Role
  private var state = State.detached
  private var areSettingsSubmitted = false
  private var hasPeerSettings = false
  /// Set before ``started()``.
  var expectsPreface = false

  init(role: HTTP2Role) {
    self.role = role
  }

  // MARK: - What holds

  /// Whether it still reads and sends; also before the channel is active, and while it drains.
  var isActive: Bool {
    switch state {
    case .open: true
    case .detached, .closing, .ended: false
    }
  }

  /// Whether the channel is gone.
  var hasEnded: Bool {
    switch state {
    case .ended: true
    case .detached, .open, .closing: false
    }
  }

  /// Whether what comes is not HTTP/2 for certain.
  var awaitsPreface: Bool {
    switch state {
    case .open(.awaitingPreface, _): true
    case .open(.inactive, _), .open(.begun, _), .detached, .closing, .ended: false
    }
  }

  /// Whether streams are begun for what this side asks.
  var isServing: Bool {
    switch state {
    case .open(_, .serving): true
    case .open(_, .noticed), .open(_, .final), .detached, .closing, .ended: false
    }
  }

  /// Whether streams that the peer opens from now on are ignored.
  var isFinal: Bool {
    switch state {
    case .open(_, .final): true
    case .open(_, .serving), .open(_, .noticed), .detached, .closing, .ended: false
    }
  }

  // MARK: - Opening

  /// It is in a channel, with a session.
  mutating func added() {
    switch state {
    case .detached: state = .open(.inactive, .serving)
    // In one channel only.
    case .open, .closing, .ended: break
    }
  }

  enum OnStarted: Equatable {
    case none
    /// Timers run; nothing is said yet.
    case awaitPreface
    case sendSettings
  }

  /// The channel is active. It may say so twice: where it was active before the connection was added.
  mutating func started() -> OnStarted {
    switch state {
    case .open(.inactive, let drain):
      state = .open(expectsPreface ? .awaitingPreface : .begun, drain)
      return expectsPreface ? .awaitPreface : .sendSettings
    case .open(.awaitingPreface, _), .open(.begun, _), .detached, .closing, .ended:
      return .none
    }
  }

  /// The peer speaks HTTP/2.
  mutating func prefaceReceived() -> OnStarted {
    switch state {
    case .open(.awaitingPreface, let drain):
      state = .open(.begun, drain)
      return .sendSettings
    case .open(.inactive, _), .open(.begun, _), .detached, .closing, .ended:
      return .none
    }
  }

  enum OnSettingsDue: Equatable {
    case none
    case submit
  }

  /// Any frame is to be sent: SETTINGS come first, whichever it is.
  mutating func settingsDue() -> OnSettingsDue {
    guard !areSettingsSubmitted else { return .none }
    areSettingsSubmitted = true
    return .submit
  }

  enum OnPeerSettings: Equatable {
    /// The handshake is done.
    case begun
    case changed
  }

  /// The peer's SETTINGS, not an acknowledgement.
  mutating func peerSettingsReceived() -> OnPeerSettings {
    defer { hasPeerSettings = true }
    return hasPeerSettings ? .changed : .begun
  }

  // MARK: - Draining

  enum OnDrainAsked: Equatable {
    case none
    /// A GOAWAY that refuses nothing.
    case sendNotice
    /// Clients tell nobody: they just open no more streams.
    case finish
  }

  /// What runs is served, and what is under way, and nothing new; once.
  mutating func drainAsked(reason: String) -> OnDrainAsked {
    switch state {
    case .open(let opening, .serving):
      switch role {
      case .server:
        state = .open(opening, .noticed(reason: reason))
        return .sendNotice
      case .client:
        state = .open(opening, .final)
        return .finish
      }
    case .open(_, .noticed), .open(_, .final), .detached, .closing, .ended:
      return .none
    }
  }

  enum OnNoticeSent: Equatable {
    case none
    /// Has the peer read the notice? Only now: the library sends pings ahead of all else.
    case ping
  }

  /// A GOAWAY has left; not all are notices.
  func noticeSent() -> OnNoticeSent {
    switch state {
    case .open(_, .noticed): .ping
    case .open(_, .serving), .open(_, .final), .detached, .closing, .ended: .none
    }
  }

  enum OnNoticeAnswered: Equatable {
    case none
    /// With the last stream that is served.
    case sendGoAway(reason: String)
  }

  /// The peer has read the notice, or had the time to.
  mutating func noticeAnswered() -> OnNoticeAnswered {
    switch state {
    case .open(let opening, .noticed(let reason)):
      state = .open(opening, .final)
      return .sendGoAway(reason: reason)
    // An answer that comes after its time is up.
    case .open(_, .serving), .open(_, .final), .detached, .closing, .ended:
      return .none
    }
  }

  // MARK: - The end

  enum OnClosed: Equatable {
    case none
    /// FIN goes out, and the peer has a little time for its own.
    case linger
  }

  /// Everything has been said.
  mutating func closed() -> OnClosed {
    switch state {
    case .detached, .open:
      state = .closing
      return .linger
    case .closing, .ended:
      return .none
    }
  }

  enum OnChannelLost: Equatable {
    case none
    /// Every stream learns of it.
    case end
  }

  /// The channel says so when it is closed and when the connection is removed; both mean the same.
  mutating func channelLost() -> OnChannelLost {
    switch state {
    case .open, .closing:
      state = .ended
      return .end
    case .detached, .ended:
      return .none
    }
  }
}
