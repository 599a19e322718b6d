package import NIOCore

/// What has gone over a connection since it began. A value.
package struct ConnectionTraffic: Hashable, Sendable {
  package init() {}

  /// Opened by the peer in the server role, by this side in the client role.
  package var streamsStarted = 0
  /// Ended by both sides, or by one and gently by the other.
  package var streamsSucceeded = 0
  /// Reset, or lost with the connection.
  package var streamsFailed = 0
  /// Of the layer above, which counts in servers alone; some may wait to be sent still.
  package var messagesSent = 0
  /// Of the layer above, which counts in servers alone.
  package var messagesReceived = 0
  /// Pings that asked whether a quiet peer is there; none that another purpose had.
  package var keepalivesSent = 0
  /// Nil: no stream yet. Times are the event loop's, as of the last event.
  package var lastStreamStarted: NIODeadline?
  /// Nil: none yet.
  package var lastMessageSent: NIODeadline?
  /// Nil: none yet.
  package var lastMessageReceived: NIODeadline?
}

extension HTTP2Connection {
  /// Counts a message of the layer above.
  package func countMessageSent() {
    countMessagesSent(1)
  }

  /// Counts messages of the layer above, and permits their receiver so many more control frames.
  package func countMessagesSent(_ count: Int) {
    traffic.messagesSent += count
    conduct.watch.messagesSent(count)
    traffic.lastMessageSent = now
  }

  /// Counts a message that the layer above has put together.
  package func countMessageReceived() {
    traffic.messagesReceived += 1
    traffic.lastMessageReceived = now
  }
}
