import DatasyncHTTP2
import NIOCore

/// The page for those who come without gRPC. Loop-bound.
///
/// It is answered when the request has ended, like that of any web server: whoever sends on after an
/// answer learns of his faults no more. A request that does not end is given up for its silence.
final class GreetingExchange: HTTP2StreamDelegate {
  private let fields: HeaderBlock
  private let body: String

  private init(_ fields: HeaderBlock, body: String) {
    self.fields = fields
    self.body = body
  }

  /// - Parameter body: Empty: the head alone.
  static func start(_ stream: HTTP2Stream, _ fields: HeaderBlock, body: String) {
    let exchange = GreetingExchange(fields, body: body)
    guard !stream.isHeadAlone else {
      exchange.answer(stream)
      return
    }
    stream.delegate = exchange
    stream.awaitsBytes = true
  }

  private func answer(_ stream: HTTP2Stream) {
    stream.respond(fields, endStream: body.isEmpty)
    guard !body.isEmpty else { return }
    stream.write { $0.writeString(body) }
    stream.finish()
  }

  func dataReceived(_ data: ByteBuffer, _ stream: HTTP2Stream) {
    stream.consume(data.readableBytes)
  }

  func endReceived(_ stream: HTTP2Stream) {
    answer(stream)
  }

  func headReceived(_ stream: HTTP2Stream) {}
  func trailersReceived(_ stream: HTTP2Stream) {}
  func drained(_ stream: HTTP2Stream) {}
  func closed(_ stream: HTTP2Stream, _ end: StreamEnd) {}
}
