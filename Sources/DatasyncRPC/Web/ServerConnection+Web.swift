import DatasyncHTTP2
import NIOCore

// What comes on a web listener.
extension ServerConnection {
  /// Takes a request that is no gRPC.
  ///
  /// - Returns: Whether it was one.
  func takeWeb(_ stream: ServerStream, _ web: WebOptions) -> Bool {
    let fields = ConnectRequestFields(stream.head)
    if let origin = fields.crossOrigin {
      guard web.origins.contains(origin.lowercased()) else {
        AnswerExchange.start(
          stream, WebAnswer.foreignOrigin(origin), isHeadOnly: fields.method == "HEAD")
        return true
      }
      if fields.method == "OPTIONS", fields.isPreflight {
        answer(stream, WebAnswer.preflight, fields)
        return true
      }
    }
    // gRPC's own refusals are gRPC's, too.
    guard RequestFormat.read(fields.contentType) == .unknown else { return false }
    if stream.exceededHeaderLimit != nil {
      answer(stream, WebAnswer.tooLongHead, fields)
    } else if let route = registry.route(path: fields.path) {
      startConnect(stream, fields, route, web)
    } else {
      answer(stream, page(fields, web), fields)
    }
    return true
  }

  private func page(_ fields: ConnectRequestFields, _ web: WebOptions) -> HTTPAnswer {
    let isRead = fields.method == "GET" || fields.method == "HEAD"
    if let file = web.files[fields.path] {
      guard isRead else { return WebAnswer.wrongMethod(fields.method, allowed: ["GET", "HEAD"]) }
      return file.answer(acceptsGzip: fields.acceptsGzip, knownTags: fields.knownTags)
    }
    if isRead, web.files["\(fields.path)/"] != nil {
      return WebAnswer.redirect(to: "\(fields.path)/")
    }
    let page = options.routes.answer(method: fields.method, target: fields.path)
    return page?.forWeb ?? WebAnswer.unknownPath(fields.path)
  }

  private func answer(
    _ stream: ServerStream, _ answer: HTTPAnswer, _ fields: ConnectRequestFields
  ) {
    var answer = answer
    if let origin = fields.crossOrigin { answer.others += WebAnswer.shared(with: origin) }
    AnswerExchange.start(stream, answer, isHeadOnly: fields.method == "HEAD")
  }

  private func startConnect(
    _ stream: ServerStream, _ fields: ConnectRequestFields, _ route: ServiceRegistry.Route,
    _ web: WebOptions
  ) {
    let method = route.method
    let isUnary = !method.isClientStreaming && !method.isServerStreaming
    let allowed = isUnary && !method.hasSideEffects ? ["GET", "POST"] : ["POST"]
    guard allowed.contains(fields.method) else {
      return answer(stream, WebAnswer.wrongMethod(fields.method, allowed: allowed), fields)
    }
    let query = fields.method == "GET" ? ConnectQuery(fields.query ?? "") : nil
    let codec =
      query == nil ? fields.postCodec : query?.encoding.flatMap { ConnectCodec(rawValue: $0) }
    guard isUnary, let codec else {
      let type = query == nil ? fields.contentType : "encoding=\(query?.encoding ?? "")"
      return answer(stream, WebAnswer.wrongType(type, isUnary: isUnary), fields)
    }
    let (head, fault) = fields.head(codec, query: query)
    if let fault {
      return answer(stream, WebAnswer.error(fault, web.transcoder), fields)
    }
    start(stream, CallOpening(head: head, route: route)) { call in
      ConnectExchange(call, codec, query: query, web: web)
    }
  }
}

extension HTTPAnswer {
  fileprivate var forWeb: HTTPAnswer {
    var answer = self
    answer.others += WebAnswer.fields
    return answer
  }
}
