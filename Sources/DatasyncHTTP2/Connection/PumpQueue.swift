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

  /// - Parameter eventLoop: Of every connection that gets the queue.
  package init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// The loop's time, read once a tick where one of them sends.
  var now: NIODeadline { connections.isEmpty ? eventLoop.now : began }

  func append(_ connection: HTTP2Connection) {
    began = now
    connections.append(connection)
    if connections.count == 1 { eventLoop.assumeIsolated().execute { [self] in run() } }
  }

  /// What they add while they send has its turn in the next tick.
  private func run() {
    swap(&connections, &pumping)
    let now = eventLoop.now
    for connection in pumping { connection.scheduledPump(at: now) }
    pumping.removeAll(keepingCapacity: pumping.count < 4096)
  }
}
