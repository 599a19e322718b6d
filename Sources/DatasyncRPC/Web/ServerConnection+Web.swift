import DatasyncHTTP2
import NIOCore

// What comes on a web listener.
extension ServerConnection {
  /// Takes a request that is no gRPC.
  ///
  /// - Returns: Whether it was one.
  func takeWeb(_ stream: ServerStream, _ web: WebOptions) -> Bool {
    let fields = WebRequestFields(stream.head)
    let router = WebRouter(
      web: web, routes: options.routes, registry: registry, isSecure: options.tls != nil,
      isFullDuplex: stream.isHTTP2, hasStreams: stream.hasStreams)
    switch router.decide(fields, stream.head, isTooLong: stream.exceededHeaderLimit != nil) {
    case .grpc:
      return false
    case .answer(let answer):
      AnswerExchange.start(stream, answer, isHeadOnly: fields.method == "HEAD")
    case .call(let opening, let query):
      defer { (stream.delegate as? ConnectExchange)?.judgeLength(on: stream) }
      start(stream, opening) { call in
        switch opening.head.format {
        case .connectUnary(let codec): ConnectExchange(call, codec, query: query, web: web)
        case .grpcWeb(let type) where type.isText: TextExchange(call)
        case .webSocket(let opening): WebSocketExchange(call, opening, on: stream)
        case .grpc, .connectStream, .grpcWeb: call
        }
      }
    }
    return true
  }
}
