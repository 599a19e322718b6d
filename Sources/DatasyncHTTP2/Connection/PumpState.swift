/// Whether a connection is sending, or about to. A value.
struct PumpState {
  var isRunning = false
  /// At the end of this tick.
  var isScheduled = false

  /// Rounds of delivering and sending in one go: others have their turn before a stream that is sent as
  /// fast as it is written.
  static let maxRounds = 16
}
