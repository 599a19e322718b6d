import DatasyncHTTP2

extension HTTP1Connection {
  /// Counts messages of the layer above.
  package func countMessagesSent(_ count: Int) {
    traffic.messagesSent += count
    traffic.lastMessageSent = now
  }

  /// Counts a message that the layer above has put together.
  package func countMessageReceived() {
    traffic.messagesReceived += 1
    traffic.lastMessageReceived = now
  }
}
