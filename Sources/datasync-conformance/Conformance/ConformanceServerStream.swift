import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One ServerStream. Loop-bound.
final class ConformanceServerStream: CallHandler {
  private let call: ServerCall
  private let queue: ReplyQueue

  init(_ call: ServerCall) {
    self.call = call
    call.compressesResponses = true
    queue = ReplyQueue(call)
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    let definition: ResponseDefinition?
    do {
      definition = try message.withUnsafeReadableBytes { bytes in
        try MessageArena().decode(
          bytes, with: connectrpc__conformance__v1__server_stream_request__unpack
        ) {
          try $0.response_definition.map { try ResponseDefinition($0.pointee) }
        }
      }
    } catch {
      call.finish(ConformanceService.malformed(call))
      return
    }
    let request = AnyMessage(
      conformanceType: "ServerStreamRequest", value: Array(buffer: message))
    call.sendInitialMetadata(definition?.headers ?? Metadata())
    let call = call
    let replies = ConformanceReplies.replies(definition) {
      RequestInfo(call, requests: [request])
    }
    queue.send(replies) {
      ConformanceReplies.finish(
        call, definition, info: replies.isEmpty ? RequestInfo(call, requests: [request]) : nil)
    }
  }

  func halfClosed() {}

  func drained() {
    queue.drained()
  }

  func cancelled(_ cause: CancellationCause) {
    queue.stop()
  }
}

/// What ServerStream and BidiStream do alike. Namespace.
enum ConformanceReplies {
  /// All messages of a definition, of which the first tells what the server saw.
  static func replies(
    _ definition: ResponseDefinition?, info: @escaping () -> RequestInfo
  ) -> [ReplyQueue.Reply] {
    guard let definition else { return [] }
    return definition.data.enumerated().map { index, data in
      ReplyQueue.Reply(delay: definition.delay) {
        RequestInfo.response(data: data, info: index == 0 ? info() : nil)
      }
    }
  }

  /// - Parameter info: Where no response has been sent.
  static func finish(_ call: ServerCall, _ definition: ResponseDefinition?, info: RequestInfo?) {
    call.finish(
      definition?.failure?.status(adding: info) ?? .ok,
      trailers: definition?.trailers ?? Metadata())
  }
}
