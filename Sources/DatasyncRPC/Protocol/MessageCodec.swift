/// How a message is written. A value.
enum MessageCodec: String, Hashable, Sendable {
  case proto
  case json
}
