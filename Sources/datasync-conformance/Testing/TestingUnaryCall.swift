import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One UnaryCall. Loop-bound.
final class TestingUnaryCall: CallHandler {
  private struct Request {
    var responseSize: Int32
    var fillsUsername: Bool
    var compressesResponse: Bool
    var expectsCompressed: Bool
    var status: Status?
  }

  private let call: ServerCall

  init(_ call: ServerCall) {
    self.call = call
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    guard let request = decode(message) else {
      call.finish(TestingService.malformed)
      return
    }
    call.compressesResponses = request.compressesResponse
    let (initial, trailing) = TestingService.echoedMetadata(call)
    call.sendInitialMetadata(initial)
    guard !request.expectsCompressed || wasCompressed else {
      call.finish(TestingService.compressionMissing, trailers: trailing)
      return
    }
    if let status = request.status {
      call.finish(status, trailers: trailing)
      return
    }
    guard TestingService.isSizeAllowed(request.responseSize) else {
      call.finish(TestingService.sizeRefused, trailers: trailing)
      return
    }
    call.send(
      TestingService.payloadResponse(
        size: request.responseSize,
        username: request.fillsUsername ? call.peer.certificateSubject ?? "" : ""),
      compress: request.compressesResponse)
    call.finish(.ok, trailers: trailing)
  }

  private func decode(_ message: ByteBuffer) -> Request? {
    message.withUnsafeReadableBytes { bytes in
      try? MessageArena().decode(bytes, with: grpc__testing__simple_request__unpack) { request in
        Request(
          responseSize: request.response_size, fillsUsername: request.fill_username != 0,
          compressesResponse: request.response_compressed?.pointee.value == 1,
          expectsCompressed: request.expect_compressed?.pointee.value == 1,
          status: TestingService.wantedStatus(request.response_status))
      }
    }
  }

  func halfClosed() {}

  func cancelled(_ cause: CancellationCause) {}
}
