import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One call with one answer: Unary, IdempotentUnary, ClientStream. Loop-bound.
final class ConformanceUnaryCall: CallHandler {
  private let call: ServerCall
  private let requestType: String
  private var definition: ResponseDefinition?
  private var requests: [AnyMessage] = []
  private var keptBytes = 0
  private var timer: Scheduled<Void>?

  init(_ call: ServerCall, requestType: String) {
    self.call = call
    call.compressesResponses = true
    self.requestType = requestType
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    do {
      // Every request has its definition in the same field; the first one counts.
      let definition = try message.withUnsafeReadableBytes { bytes in
        try MessageArena().decode(bytes, with: connectrpc__conformance__v1__unary_request__unpack) {
          try $0.response_definition.map { try ResponseDefinition($0.pointee) }
        }
      }
      if requests.isEmpty { self.definition = definition }
    } catch {
      call.finish(ConformanceService.malformed(call))
      return
    }
    keptBytes += message.readableBytes
    guard keptBytes <= ConformanceService.maxKeptBytes else {
      call.finish(ConformanceService.tooMuch)
      return
    }
    requests.append(AnyMessage(conformanceType: requestType, value: Array(buffer: message)))
  }

  func halfClosed() {
    guard let delay = definition?.delay, delay > .zero else {
      answer()
      return
    }
    timer = call.eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
      self?.answer()
    }
  }

  private func answer() {
    let info = RequestInfo(call, requests: requests)
    call.sendInitialMetadata(definition?.headers ?? Metadata())
    let trailers = definition?.trailers ?? Metadata()
    if let failure = definition?.failure {
      call.finish(failure.status(adding: info), trailers: trailers)
      return
    }
    call.send(RequestInfo.response(data: definition?.data.first ?? [], info: info))
    call.finish(.ok, trailers: trailers)
  }

  func cancelled(_ cause: CancellationCause) {
    timer?.cancel()
  }
}

extension ResponseDefinition.Failure {
  /// - Parameter info: Nil where a response has told it already.
  func status(adding info: RequestInfo?) -> Status {
    Status(
      Status.Code(rawValue: code), message, details: details + (info.map { [$0.anyMessage] } ?? []))
  }
}
