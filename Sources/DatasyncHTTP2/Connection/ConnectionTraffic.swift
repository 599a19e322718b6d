package import NIOCore

/// What has gone over a connection since it began. A value.
package struct ConnectionTraffic: Hashable, Sendable {
  /// Opened by the peer in the server role, by this side in the client role.
  package internal(set) var streamsStarted = 0
  /// Ended by both sides, or by one and gently by the other.
  package internal(set) var streamsSucceeded = 0
  /// Reset, or lost with the connection.
  package internal(set) var streamsFailed = 0
  package internal(set) var messagesSent = 0
  package internal(set) var messagesReceived = 0
  package internal(set) var keepalivesSent = 0
  package internal(set) var lastStreamStarted: NIODeadline?
  package internal(set) var lastMessageSent: NIODeadline?
  package internal(set) var lastMessageReceived: NIODeadline?
}

extension HTTP2Connection {
  /// Counts a message of the layer above.
  package func countMessageSent() {
    countMessagesSent(1)
  }

  package func countMessagesSent(_ count: Int) {
    traffic.messagesSent += count
    watch.messagesSent(count)
    traffic.lastMessageSent = now
  }

  package func countMessageReceived() {
    traffic.messagesReceived += 1
    traffic.lastMessageReceived = now
  }
}
