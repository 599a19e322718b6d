import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One StreamingInputCall: adds up the sizes. Loop-bound.
final class TestingInputCall: CallHandler {
  private let call: ServerCall
  private let arena = MessageArena()
  private var total: Int32 = 0

  init(_ call: ServerCall) {
    self.call = call
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    let request = message.withUnsafeReadableBytes { bytes in
      try? arena.decode(bytes, with: grpc__testing__streaming_input_call_request__unpack) {
        (
          size: Int32(clamping: $0.payload?.pointee.body.len ?? 0),
          expectsCompressed: $0.expect_compressed?.pointee.value == 1
        )
      }
    }
    guard let request else {
      call.finish(TestingService.malformed)
      return
    }
    guard !request.expectsCompressed || wasCompressed else {
      call.finish(TestingService.compressionMissing)
      return
    }
    let (sum, overflows) = total.addingReportingOverflow(request.size)
    total = overflows ? .max : sum
  }

  func halfClosed() {
    let (initial, trailing) = TestingService.echoedMetadata(call)
    call.sendInitialMetadata(initial)
    let response = arena.encode { arena in
      let response = arena.make(grpc__testing__streaming_input_call_response__init)
      response.pointee.aggregated_payload_size = total
      return response
    } _: {
      ByteBuffer(bytes: $0)
    }
    call.send(response, compress: false)
    call.finish(.ok, trailers: trailing)
  }

  func cancelled(_ cause: CancellationCause) {}
}
