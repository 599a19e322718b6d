import DatasyncHTTP2
import NIOCore

/// Answers those who come without gRPC. Loop-bound.
///
/// It is answered when the request has ended, like that of any web server: whoever sends on after an
/// answer learns of his faults no more. A request that does not end is given up for its silence, and answered
/// where it is long; what asks to go over to another protocol has none, and is answered at once, as is
/// whoever asks before he sends a body.
final class AnswerExchange: ServerStreamDelegate {
  var call: ServerCall? { nil }
  private let answer: HTTPAnswer
  private let isHeadOnly: Bool
  private var receivedBytes = 0
  private var isAnswered = false

  /// Of a body that nobody wants.
  private static let maxReceivedBytes = 1 << 20

  private init(_ answer: HTTPAnswer, isHeadOnly: Bool) {
    self.answer = answer
    self.isHeadOnly = isHeadOnly
  }

  /// - Parameter isHeadOnly: The body is not sent, though its length is.
  static func start(_ stream: ServerStream, _ answer: HTTPAnswer, isHeadOnly: Bool) {
    let exchange = AnswerExchange(answer, isHeadOnly: isHeadOnly)
    guard !stream.isHeadAlone, !stream.awaitsContinue, stream.head[":method"] != "CONNECT" else {
      exchange.respond(on: stream)
      return
    }
    stream.delegate = exchange
    stream.awaitsBytes = true
  }

  private func respond(on stream: ServerStream) {
    guard !isAnswered else { return }
    isAnswered = true
    stream.awaitsBytes = false
    let endsWithHead = isHeadOnly || answer.body.readableBytes == 0
    stream.respond(answer.head, endStream: endsWithHead)
    guard !endsWithHead else { return }
    // Half an answer would be taken for a whole one.
    guard stream.write(shared: answer.body) else { return stream.reset(.internalError) }
    stream.finish()
  }

  func dataReceived(_ data: ByteBuffer, _ stream: ServerStream) {
    stream.consume(data.readableBytes)
    receivedBytes += data.readableBytes
    if receivedBytes > AnswerExchange.maxReceivedBytes { respond(on: stream) }
  }

  func endReceived(_ stream: ServerStream) {
    respond(on: stream)
  }

  func deliver() {}
  func drained(_ stream: ServerStream) {}
  func closed(_ stream: ServerStream, _ end: StreamEnd) {}
}
