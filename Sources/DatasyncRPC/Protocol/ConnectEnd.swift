import NIOCore

/// The last message of a stream of Connect: how it ended, and its trailers. Namespace.
/// Source: connectrpc.com/docs/protocol, EndStreamResponse.
enum ConnectEnd {
  static func json(
    _ status: Status, _ trailers: Metadata, _ transcoder: (any MessageTranscoder)?
  ) -> ByteBuffer {
    var text = ByteBuffer(string: "{")
    if status.code != .ok {
      text.writeString("\"error\":")
      text.writeImmutableBuffer(ConnectError(status).json(transcoder))
    }
    let fields = grouped(trailers)
    if !fields.isEmpty {
      text.writeString(text.readableBytes > 1 ? ",\"metadata\":{" : "\"metadata\":{")
      for (index, field) in fields.enumerated() {
        if index > 0 { text.writeString(",") }
        ConnectError.quote(field.name, &text)
        for (index, value) in field.values.enumerated() {
          text.writeString(index == 0 ? ":[" : ",")
          ConnectError.quote(String(decoding: value, as: UTF8.self), &text)
        }
        text.writeString("]")
      }
      text.writeString("}")
    }
    text.writeString("}")
    return text
  }

  /// The values of each name, in the order in which the names come first.
  private static func grouped(_ metadata: Metadata) -> [(name: String, values: [[UInt8]])] {
    var fields: [(name: String, values: [[UInt8]])] = []
    GRPCFields.forEach(metadata) { name, value in
      if let index = fields.firstIndex(where: { $0.name == name }) {
        fields[index].values.append(value)
      } else {
        fields.append((name, [value]))
      }
    }
    return fields
  }
}
