import DequeModule
package import NIOCore

/// What an event loop does in pieces of some length, such as the requests of connections that have sent
/// many, each in its turn. Loop-bound.
///
/// A task that is put behind the others runs in the same tick, before any socket is looked at: where
/// one follows another, everybody else is kept out until all is done. Here they take a millisecond, and
/// go on after the sockets were looked at.
package final class TurnQueue {
  private let eventLoop: any EventLoop
  private var waiting: Deque<() -> Void> = []
  /// What has been spent since the sockets were certainly looked at.
  private var spent = TimeAmount.zero
  private var isScheduled = false

  /// How long turns take before sockets are looked at again; the last one begun is finished.
  private static let tickTime = TimeAmount.milliseconds(1)
  /// Longer than it takes to see that no other task is there.
  private static let pause = TimeAmount.microseconds(20)

  /// - Parameter eventLoop: One queue for each; all turns of it are to come here.
  package init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// Runs a turn: now, where there is time for it, else in the order of coming.
  package func perform(_ turn: @escaping () -> Void) {
    guard waiting.isEmpty, spent < TurnQueue.tickTime else { return append(turn) }
    take(turn)
  }

  /// Runs a turn once the sockets were looked at.
  package func append(_ turn: @escaping () -> Void) {
    waiting.append(turn)
    schedule()
  }

  private func take(_ turn: () -> Void) {
    let start = NIODeadline.now()
    turn()
    spent = spent + (NIODeadline.now() - start)
    if spent >= TurnQueue.tickTime { schedule() }
  }

  private func schedule() {
    guard !isScheduled else { return }
    isScheduled = true
    // Behind what the tick at hand has left to do, such as to send.
    eventLoop.assumeIsolated().execute { [self] in
      eventLoop.assumeIsolated().scheduleTask(in: TurnQueue.pause) { [self] in run() }
    }
  }

  private func run() {
    isScheduled = false
    spent = .zero
    while spent < TurnQueue.tickTime, let next = waiting.popFirst() { take(next) }
    if !waiting.isEmpty { schedule() }
  }
}
