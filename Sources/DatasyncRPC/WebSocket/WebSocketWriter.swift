import DatasyncHTTP2
import NIOCore

/// A call's answer on a WebSocket: each message a frame, the status the frame that closes. Loop-bound.
final class WebSocketWriter {
  private let opening: WebSocketOpening
  private let path: String
  private let crossOrigin: String?
  private let transcoder: (any MessageTranscoder)?
  /// Why a message could not be sent, where that is not for want of room.
  private(set) var fault: Status?

  init(_ head: RequestHead, _ opening: WebSocketOpening, transcoder: (any MessageTranscoder)?) {
    self.opening = opening
    path = head.path
    crossOrigin = head.crossOrigin
    self.transcoder = transcoder
  }

  /// Opens the WebSocket.
  func sendHead(on stream: ServerStream) {
    stream.respond { fields in
      fields.add(":status", opening.accept == nil ? "200" : "101")
      if let accept = opening.accept {
        fields.add("upgrade", "websocket")
        fields.add("sec-websocket-accept", accept)
      }
      fields.add("sec-websocket-protocol", opening.subprotocol)
      for field in WebAnswer.fields(for: crossOrigin) { fields.add(field.name, field.value) }
    }
  }

  func send(_ message: ByteBuffer, on stream: ServerStream) -> Bool {
    guard opening.codec == .json else { return write(.binary, message, on: stream) }
    do throws(Status) {
      guard let transcoder else { throw Status(.internal, "there is no JSON here") }
      return write(.text, try transcoder.response(message, path: path), on: stream)
    } catch {
      fault = error
      return false
    }
  }

  private func write(
    _ kind: WebSocketFrame.Kind, _ message: ByteBuffer, on stream: ServerStream
  ) -> Bool {
    message.withUnsafeReadableBytes { bytes in
      stream.write { WebSocketFrame.append(kind, bytes, to: &$0) }
    }
  }

  func finish(_ status: Status, isAlone: Bool, on stream: ServerStream) {
    if isAlone {
      // A page sees no more of a refusal than that it is one: the others have their code.
      guard status.code != .unauthenticated else { return refuse(status, on: stream) }
      sendHead(on: stream)
    }
    close(status, on: stream)
  }

  private func close(_ status: Status, on stream: ServerStream) {
    let reason = ConnectError(status).reason.map { "\($0): \(status.message)" } ?? status.message
    let code = WebSocketFrame.CloseCode(status.code)
    stream.write {
      WebSocketFrame.appendClose(code, status.code == .ok ? "" : reason, to: &$0)
    }
    stream.finish()
  }

  private func refuse(_ status: Status, on stream: ServerStream) {
    let answer = WebAnswer.text(
      401, status.message, others: [.init("www-authenticate", "Bearer")])
    stream.respond(answer.head)
    stream.write { $0.writeImmutableBuffer(answer.body) }
    stream.finish()
  }
}
