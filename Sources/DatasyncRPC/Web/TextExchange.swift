import DatasyncHTTP2
import NIOCore

/// Reads the base64 of gRPC-Web's text, and gives the call the bytes. Loop-bound; stands between the
/// stream and the call.
final class TextExchange: ServerStreamDelegate {
  private let served: ServerCall
  var call: ServerCall? { served }
  private var decoder = Base64Decoder()
  private var isBroken = false

  init(_ call: ServerCall) {
    served = call
  }

  func dataReceived(_ data: ByteBuffer, _ stream: ServerStream) {
    guard !isBroken, let bytes = decoder.decode(data.readableBytesView) else {
      stream.consume(data.readableBytes)
      return refuse("the body is not base64")
    }
    // What the call takes it gives back itself.
    stream.consume(data.readableBytes - bytes.count)
    served.dataReceived(ByteBuffer(bytes: bytes), stream)
  }

  func endReceived(_ stream: ServerStream) {
    guard decoder.isWhole else { return refuse("the body ends within base64") }
    served.endReceived(stream)
  }

  private func refuse(_ problem: String) {
    guard !isBroken else { return }
    isBroken = true
    served.end(inOrder: served.malformed(problem))
  }

  func deliver() { served.deliver() }

  func drained(_ stream: ServerStream) {
    served.drained(stream)
  }

  func closed(_ stream: ServerStream, _ end: StreamEnd) {
    served.closed(stream, end)
  }
}
