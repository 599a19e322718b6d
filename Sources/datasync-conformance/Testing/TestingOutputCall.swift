import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One StreamingOutputCall, FullDuplexCall or HalfDuplexCall: each request lists the responses that
/// it wants. Loop-bound.
///
/// While responses to a request are due, the next request waits.
final class TestingOutputCall: CallHandler {
  private struct Request {
    var replies: [ReplyQueue.Reply]
    var status: Status?
    var isSizeAllowed = true
  }

  private let call: ServerCall
  private let answersAtEnd: Bool
  private let arena = MessageArena()
  private let queue: ReplyQueue
  private var kept: [ReplyQueue.Reply] = []
  private var isStarted = false
  /// Of all requests of a HalfDuplexCall.
  private static let maxKept = 100_000

  init(_ call: ServerCall, answersAtEnd: Bool) {
    self.call = call
    self.answersAtEnd = answersAtEnd
    queue = ReplyQueue(call)
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    guard let request = decode(message) else {
      finish(TestingService.malformed)
      return
    }
    if !isStarted {
      isStarted = true
      // Each message says for itself whether it is compressed.
      call.compressesResponses = true
      call.sendInitialMetadata(TestingService.echoedMetadata(call).initial)
    }
    guard request.isSizeAllowed else {
      finish(TestingService.sizeRefused)
      return
    }
    if let status = request.status {
      finish(status)
      return
    }
    if answersAtEnd {
      kept += request.replies
      if kept.count > Self.maxKept {
        finish(Status(.resourceExhausted, "more than \(Self.maxKept) responses are asked for"))
      }
      return
    }
    guard !request.replies.isEmpty else { return }
    call.pauseReading()
    queue.send(request.replies) { [weak self] in self?.call.resumeReading() }
  }

  private func decode(_ message: ByteBuffer) -> Request? {
    message.withUnsafeReadableBytes { bytes in
      try? arena.decode(bytes, with: grpc__testing__streaming_output_call_request__unpack) {
        message in
        var request = Request(
          replies: [], status: TestingService.wantedStatus(message.response_status))
        for index in 0..<message.n_response_parameters {
          guard let wanted = message.response_parameters[index]?.pointee else { continue }
          let size = wanted.size
          guard TestingService.isSizeAllowed(size) else {
            request.isSizeAllowed = false
            break
          }
          request.replies.append(
            ReplyQueue.Reply(
              delay: .microseconds(Int64(max(0, wanted.interval_us))),
              compress: wanted.compressed?.pointee.value == 1
            ) { TestingService.payloadResponse(size: size) })
        }
        return request
      }
    }
  }

  func halfClosed() {
    queue.send(kept) { [weak self] in self?.finish(.ok) }
    kept = []
  }

  private func finish(_ status: Status) {
    queue.stop()
    call.finish(status, trailers: TestingService.echoedMetadata(call).trailing)
  }

  func drained() {
    queue.drained()
  }

  func cancelled(_ cause: CancellationCause) {
    queue.stop()
  }
}
