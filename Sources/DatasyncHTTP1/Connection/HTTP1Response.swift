import DatasyncHTTP2
import NIOCore

/// The head of an answer as it stands on a connection of HTTP/1. Namespace.
enum HTTP1Response {
  /// What the request and the connection make of it. A value.
  struct Terms {
    var isHeadRequest: Bool
    var isVersion10: Bool
    var endsStream: Bool
    var keepsAlive: Bool
  }

  /// - Returns: How what follows is to be framed, and whether the connection goes over to another protocol.
  static func write(
    _ head: HeaderBlock, _ terms: Terms, to buffer: inout ByteBuffer
  ) -> (framing: HTTP1Stream.Framing, isUpgrade: Bool) {
    var status = 200
    var hasLength = false
    var connection: [String] = []
    var fields = ByteBuffer()
    head.forEach { name, value in
      if name.first == UInt8(ascii: ":") {
        status = Int(String(decoding: value, as: UTF8.self)) ?? status
        return true
      }
      if name.elementsEqual("content-length".utf8) { hasLength = true }
      if name.elementsEqual("upgrade".utf8) { connection.append("upgrade") }
      fields.writeBytes(name)
      fields.writeStaticString(": ")
      fields.writeBytes(value)
      fields.writeStaticString("\r\n")
      return true
    }
    buffer.writeString("HTTP/1.1 \(status) \(HTTPAnswer.reason(status))\r\n")
    buffer.writeImmutableBuffer(fields)
    var framing = HTTP1Stream.Framing.plain
    if status == 101 {
      // What follows is another protocol's.
    } else if terms.isHeadRequest || status == 204 || status == 304 {
      framing = .none
    } else if !hasLength {
      if terms.endsStream {
        buffer.writeStaticString("content-length: 0\r\n")
      } else if !terms.isVersion10 {
        framing = .chunks
        buffer.writeStaticString("transfer-encoding: chunked\r\n")
      }
    }
    if status != 101 {
      if !terms.keepsAlive {
        connection.append("close")
      } else if terms.isVersion10 {
        connection.append("keep-alive")
      }
    }
    if !connection.isEmpty {
      buffer.writeString("connection: \(connection.joined(separator: ", "))\r\n")
    }
    buffer.writeStaticString("\r\n")
    return (framing, status == 101)
  }
}
