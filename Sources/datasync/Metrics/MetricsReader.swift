import DatasyncServer
import NIOCore
import NIOHTTP1
import NIOPosix

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads `/metrics` of a server. Namespace.
enum MetricsReader {
  private static let timeout = TimeAmount.seconds(10)
  private static let maxBytes = 16 << 20

  /// - Throws: ``ServerError``, with the address.
  static func read(from address: ServerAddress) async throws -> String {
    let name = "\(address)"
    let group = MultiThreadedEventLoopGroup.singleton
    let answer = group.any().makePromise(of: String.self)
    let deadline = answer.futureResult.eventLoop.scheduleTask(in: timeout) {
      answer.fail(ServerError("no answer for \(timeout.nanoseconds / 1_000_000_000) seconds"))
    }
    do {
      let channel = try await ClientBootstrap(group: group)
        .connectTimeout(timeout)
        .channelInitializer { channel in
          channel.pipeline.addHTTPClientHandlers().flatMapThrowing {
            try channel.pipeline.syncOperations.addHandler(AnswerHandler(answer))
          }
        }
        .connect(host: address.host, port: address.port).get()
      let head = HTTPRequestHead(
        version: .http1_1, method: .GET, uri: "/metrics",
        headers: ["Host": name, "Connection": "close"])
      channel.write(HTTPClientRequestPart.head(head), promise: nil)
      channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
      let text = try await answer.futureResult.get()
      deadline.cancel()
      channel.close(promise: nil)
      return text
    } catch {
      answer.fail(error)
      deadline.cancel()
      throw ServerError("\(name) cannot be asked: \(reason(error))")
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let failed = error as? NIOConnectionError else { return "\(error)" }
    if let error = failed.connectionErrors.last?.error as? IOError {
      return String(cString: strerror(error.errnoCode))
    }
    return failed.connectionErrors.isEmpty ? "\(failed.host) has no address" : "it does not answer"
  }

  /// Puts one answer together. Loop-bound.
  private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answer: EventLoopPromise<String>
    private var body = ByteBuffer()

    init(_ answer: EventLoopPromise<String>) {
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head):
        guard head.status == .ok else {
          return answer.fail(
            ServerError("it answers \(head.status); is it the address of a server's --metrics?"))
        }
      case .body(var part):
        body.writeBuffer(&part)
        guard body.readableBytes <= maxBytes else {
          return answer.fail(ServerError("/metrics does not end"))
        }
      case .end:
        answer.succeed(String(buffer: body))
      }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      answer.fail(ServerError("what answers speaks no HTTP: \(error)"))
      context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      answer.fail(ServerError("the connection ended before the answer did"))
    }
  }
}
