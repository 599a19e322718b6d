import NIOCore
import NIOHTTP1

/// Answers one connection's requests, one after the other. Loop-bound.
final class MetricsHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private struct Answer {
    var status: HTTPResponseStatus
    var body: String
    var contentType = "text/plain; charset=utf-8"
  }

  private let registry: MetricRegistry
  private let probes: Probes
  private var head: HTTPRequestHead?
  private var deadline: Scheduled<Void>?

  /// A request comes whole in that time, however slowly; that includes the pause before it.
  static let requestTime: TimeAmount = .seconds(30)

  init(registry: MetricRegistry, probes: Probes) {
    self.registry = registry
    self.probes = probes
  }

  func handlerAdded(context: ChannelHandlerContext) {
    awaitRequest(context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
  }

  private func awaitRequest(_ context: ChannelHandlerContext) {
    deadline?.cancel()
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: MetricsHandler.requestTime) {
      bound.value.close(promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      awaitRequest(context)
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      answer(to: head, on: context.eventLoop).whenComplete { result in
        let (handler, context) = bound.value
        switch result {
        case .success(let answer): handler.send(answer, for: head, context: context)
        case .failure: context.close(promise: nil)
        }
      }
    }
  }

  private func answer(
    to head: HTTPRequestHead, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Answer> {
    guard head.method == .GET || head.method == .HEAD else {
      return eventLoop.makeSucceededFuture(
        Answer(status: .methodNotAllowed, body: "GET and HEAD are what there is\n"))
    }
    let registry = registry
    switch head.uri.prefix(while: { $0 != "?" }) {
    case "/metrics":
      return probes.prepare(eventLoop).map {
        Answer(status: .ok, body: registry.text(), contentType: TextWriter.contentType)
      }
    case "/livez": return probes.isLive(eventLoop).map(MetricsHandler.probed)
    case "/readyz": return probes.isReady(eventLoop).map(MetricsHandler.probed)
    default:
      return eventLoop.makeSucceededFuture(
        Answer(status: .notFound, body: "there are /metrics, /livez and /readyz\n"))
    }
  }

  private static func probed(_ fault: String?) -> Answer {
    fault.map { Answer(status: .serviceUnavailable, body: "\($0)\n") }
      ?? Answer(status: .ok, body: "ok\n")
  }

  private func send(_ answer: Answer, for head: HTTPRequestHead, context: ChannelHandlerContext) {
    let body = ByteBuffer(string: answer.body)
    var headers = HTTPHeaders()
    headers.add(name: "Content-Type", value: answer.contentType)
    headers.add(name: "Content-Length", value: String(body.readableBytes))
    headers.add(name: "Cache-Control", value: "no-store")
    if answer.status == .methodNotAllowed { headers.add(name: "Allow", value: "GET, HEAD") }
    if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
    let response = HTTPResponseHead(version: head.version, status: answer.status, headers: headers)
    context.write(wrapOutboundOut(.head(response)), promise: nil)
    if head.method != .HEAD {
      context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    }
    let isKeptAlive = head.isKeepAlive
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if !isKeptAlive { bound.value.close(promise: nil) }
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  /// Bytes that are no HTTP, or a connection that broke: NIO has answered 400 where it could.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
