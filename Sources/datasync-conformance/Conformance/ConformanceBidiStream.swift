import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One BidiStream. Loop-bound.
///
/// In full duplex a response answers each request, and the next request waits for it; otherwise all
/// requests are read before the responses begin.
final class ConformanceBidiStream: CallHandler {
  private struct Request {
    var definition: ResponseDefinition?
    var isFullDuplex: Bool
  }

  private let call: ServerCall
  private let queue: ReplyQueue
  private var first: Request?
  /// Not told in a response yet.
  private var requests: [AnyMessage] = []
  private var keptBytes = 0
  private var sent = 0

  init(_ call: ServerCall) {
    self.call = call
    call.compressesResponses = true
    queue = ReplyQueue(call)
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    guard let request = decode(message) else {
      queue.stop()
      call.finish(ConformanceService.malformed(call))
      return
    }
    keptBytes += message.readableBytes
    guard keptBytes <= ConformanceService.maxKeptBytes else {
      queue.stop()
      call.finish(ConformanceService.tooMuch)
      return
    }
    requests.append(
      AnyMessage(conformanceType: "BidiStreamRequest", value: Array(buffer: message)))
    if first == nil {
      first = request
      call.sendInitialMetadata(request.definition?.headers ?? Metadata())
    }
    if first?.isFullDuplex == true { answerOne() }
  }

  private func decode(_ message: ByteBuffer) -> Request? {
    message.withUnsafeReadableBytes { bytes in
      try? MessageArena().decode(
        bytes, with: connectrpc__conformance__v1__bidi_stream_request__unpack
      ) {
        Request(
          definition: try $0.response_definition.map { try ResponseDefinition($0.pointee) },
          isFullDuplex: $0.full_duplex != 0)
      }
    }
  }

  private func answerOne() {
    guard let definition = first?.definition, sent < definition.data.count else {
      finish()
      return
    }
    let data = definition.data[sent]
    let info = sent == 0 ? RequestInfo(call, requests: requests) : RequestInfo(requests: requests)
    sent += 1
    requests = []
    keptBytes = 0
    call.pauseReading()
    let reply = ReplyQueue.Reply(delay: definition.delay) {
      RequestInfo.response(data: data, info: info)
    }
    queue.send([reply]) { [weak self] in self?.call.resumeReading() }
  }

  func halfClosed() {
    guard let first else {
      call.sendInitialMetadata(Metadata())
      call.finish(.ok)
      return
    }
    let requests = requests
    let call = call
    var replies = ConformanceReplies.replies(first.definition) {
      RequestInfo(call, requests: requests)
    }
    // In full duplex, those that no request has asked for.
    replies.removeFirst(min(sent, replies.count))
    let total = sent + replies.count
    queue.send(replies) { [weak self] in
      self?.sent = total
      self?.finish()
    }
  }

  private func finish() {
    let info = sent == 0 ? RequestInfo(call, requests: requests) : nil
    ConformanceReplies.finish(call, first?.definition, info: info)
  }

  func drained() {
    queue.drained()
  }

  func cancelled(_ cause: CancellationCause) {
    queue.stop()
  }
}
