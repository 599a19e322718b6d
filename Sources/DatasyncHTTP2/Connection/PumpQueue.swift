package import NIOCore

/// The connections of one event loop that have something to send: all of them send in one task at
/// the end of the tick, however many they are. Loop-bound.
package final class PumpQueue {
  private let eventLoop: any EventLoop
  private var connections: [HTTP2Connection] = []
  private var pumping: [HTTP2Connection] = []
  /// What one of them is about to write; lent to it for that time, so that none keeps its own.
  var output = FrameOutput()
  /// When the first of them came.
  private var began = NIODeadline.uptimeNanoseconds(0)

  package init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// - Returns: The loop's time, read once a tick.
  func append(_ connection: HTTP2Connection) -> NIODeadline {
    connections.append(connection)
    if connections.count == 1 {
      began = eventLoop.now
      eventLoop.assumeIsolated().execute { [self] in run() }
    }
    return began
  }

  /// What they add while they send has its turn in the next tick.
  private func run() {
    swap(&connections, &pumping)
    let now = eventLoop.now
    for connection in pumping { connection.scheduledPump(at: now) }
    pumping.removeAll(keepingCapacity: pumping.count < 4096)
  }
}
