import DatasyncRPC
import NIOCore

/// `bench.Echo`: every message comes back as it is, unread. What a call costs without its work.
enum EchoService {
  static let service = Service(
    name: "bench.Echo",
    methods: [
      Method(name: "Unary") { call in UnaryHandler(call) { .success($0) } },
      Method(name: "Stream", isClientStreaming: true, isServerStreaming: true) {
        EchoStream($0)
      },
    ])
}

/// One call of Stream. Loop-bound.
private final class EchoStream: CallHandler {
  private let call: ServerCall

  init(_ call: ServerCall) {
    self.call = call
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    call.send(message, compress: wasCompressed)
    if !call.isWritable { call.pauseReading() }
  }

  func drained() {
    call.resumeReading()
  }

  func halfClosed() {
    call.finish(.ok)
  }

  func cancelled(_ cause: CancellationCause) {}
}
