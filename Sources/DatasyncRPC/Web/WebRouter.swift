import DatasyncHTTP2
import NIOCore

/// What a web listener does with a request, whichever HTTP brings it. A value; asked once a request.
struct WebRouter {
  enum Decision {
    /// It is gRPC's own affair, refusals included.
    case grpc
    case answer(HTTPAnswer)
    /// - Parameter query: In place of a body.
    case call(CallOpening, query: ConnectQuery?)
  }

  let web: WebOptions
  let routes: RouteTable
  let registry: ServiceRegistry
  /// Whether a certificate vouches for the name that is asked for.
  let isSecure: Bool
  /// Whether request and response may be under way at once: in HTTP/2.
  let isFullDuplex: Bool
  /// Whether an answer may be longer than is known when it begins: not in HTTP/1.0.
  let hasStreams: Bool

  /// - Parameters:
  ///   - head: As it came.
  ///   - isTooLong: Not all of it is there.
  func decide(_ fields: WebRequestFields, _ head: HeaderBlock, isTooLong: Bool) -> Decision {
    guard isSecure || web.isOwn(host: fields.authority) else {
      return .answer(WebAnswer.unknownHost(fields.authority))
    }
    let origin = fields.crossOrigin
    if let origin {
      guard web.origins.contains(origin.lowercased()) else {
        return .answer(WebAnswer.foreignOrigin(origin))
      }
      if fields.method == "OPTIONS", fields.isPreflight {
        return .answer(WebAnswer.preflight.shared(with: origin))
      }
    }
    if !isTooLong, let decision = webSocket(fields, head) { return decision }
    guard RequestFormat.read(fields.contentType) == .unknown else {
      return isFullDuplex ? .grpc : .answer(WebAnswer.noGRPC.shared(with: origin))
    }
    let decision = isTooLong ? .answer(WebAnswer.tooLongHead) : route(fields)
    guard case .answer(let answer) = decision else { return decision }
    return .answer(answer.shared(with: origin))
  }

  /// - Returns: Nil: it is about none.
  private func webSocket(_ fields: WebRequestFields, _ head: HeaderBlock) -> Decision? {
    guard web.webSocketPaths.contains(fields.path), let route = registry.route(path: fields.path)
    else { return nil }
    switch WebSocketOpening.read(head, isHTTP2: isFullDuplex) {
    case .other: return nil
    case .refused(let refusal): return .answer(refusal.shared(with: fields.crossOrigin))
    case .opens(let opening):
      let (head, _) = fields.head(.webSocket(opening))
      return .call(CallOpening(head: head, route: route), query: nil)
    }
  }

  private func route(_ fields: WebRequestFields) -> Decision {
    guard let route = registry.route(path: fields.path) else { return .answer(page(fields)) }
    let method = route.method
    let isUnary = !method.isClientStreaming && !method.isServerStreaming
    let allowed = isUnary && !method.hasSideEffects ? ["GET", "POST"] : ["POST"]
    guard allowed.contains(fields.method) else {
      return .answer(WebAnswer.wrongMethod(fields.method, allowed: allowed))
    }
    let query = fields.method == "GET" ? ConnectQuery(fields.query ?? "") : nil
    guard let format = format(of: fields, query), format.carries(isUnary: isUnary) else {
      let type = query == nil ? fields.contentType : "encoding=\(query?.encoding ?? "")"
      return .answer(WebAnswer.wrongType(type, isUnary: isUnary))
    }
    guard isUnary || hasStreams else { return .answer(WebAnswer.noStreams) }
    guard isFullDuplex || !(method.isClientStreaming && method.isServerStreaming) else {
      return .answer(WebAnswer.noFullDuplex)
    }
    let (head, fault) = fields.head(format, query: query)
    if let fault { return .answer(WebAnswer.error(fault, format, web.transcoder)) }
    return .call(CallOpening(head: head, route: route), query: query)
  }

  private func format(of fields: WebRequestFields, _ query: ConnectQuery?) -> RequestFormat? {
    guard let query else { return RequestFormat.readWeb(fields.contentType) }
    return query.encoding.flatMap { MessageCodec(rawValue: $0) }.map { .connectUnary($0) }
  }

  private func page(_ fields: WebRequestFields) -> HTTPAnswer {
    if let file = web.files[fields.path] {
      guard fields.isRead else {
        return WebAnswer.wrongMethod(fields.method, allowed: ["GET", "HEAD"])
      }
      return file.answer(acceptsGzip: fields.acceptsGzip, knownTags: fields.knownTags)
    }
    let folder = "\(fields.path)/"
    if fields.isRead, web.files[folder] != nil { return WebAnswer.redirect(to: folder) }
    guard var page = routes.answer(method: fields.method, target: fields.path) else {
      return WebAnswer.unknownPath(fields.path)
    }
    page.others += WebAnswer.fields
    return page
  }
}

extension RequestFormat {
  /// Connect has protocols of its own for calls of one message each way.
  fileprivate func carries(isUnary: Bool) -> Bool {
    switch self {
    case .grpc, .grpcWeb, .webSocket: true
    case .connectUnary: isUnary
    case .connectStream: !isUnary
    }
  }
}

extension HTTPAnswer {
  /// - Parameter origin: Nil: with nobody else's pages.
  fileprivate func shared(with origin: String?) -> HTTPAnswer {
    guard let origin else { return self }
    var answer = self
    answer.others += WebAnswer.shared(with: origin)
    return answer
  }
}
