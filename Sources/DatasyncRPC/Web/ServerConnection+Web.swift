import DatasyncHTTP2
import NIOCore

// What comes on a web listener.
extension ServerConnection {
  /// Takes a request that is no gRPC.
  ///
  /// - Returns: Whether it was one.
  func takeWeb(_ stream: HTTP2Stream, _ web: WebOptions) -> Bool {
    let fields = ConnectRequestFields(stream.head)
    if fields.isForeign {
      refuse(stream, WebAnswer.foreignOrigin(fields.origin ?? ""), fields.method)
      return true
    }
    // gRPC's own refusals are gRPC's, too.
    guard RequestFormat.read(fields.contentType) == .unknown else { return false }
    if stream.exceededHeaderLimit != nil {
      refuse(stream, WebAnswer.tooLongHead, fields.method)
    } else if let route = registry.route(path: fields.path) {
      startConnect(stream, fields, route, web)
    } else {
      let page = options.routes.answer(method: fields.method, target: fields.path)
      refuse(stream, page?.forWeb ?? WebAnswer.unknownPath(fields.path), fields.method)
    }
    return true
  }

  private func refuse(_ stream: HTTP2Stream, _ answer: HTTPAnswer, _ method: String) {
    AnswerExchange.start(stream, answer, isHeadOnly: method == "HEAD")
  }

  private func startConnect(
    _ stream: HTTP2Stream, _ fields: ConnectRequestFields, _ route: ServiceRegistry.Route,
    _ web: WebOptions
  ) {
    let method = route.method
    let isUnary = !method.isClientStreaming && !method.isServerStreaming
    let allowed = isUnary && !method.hasSideEffects ? ["GET", "POST"] : ["POST"]
    guard allowed.contains(fields.method) else {
      return refuse(stream, WebAnswer.wrongMethod(fields.method, allowed: allowed), fields.method)
    }
    let query = fields.method == "GET" ? ConnectQuery(fields.query ?? "") : nil
    let codec =
      query == nil ? fields.postCodec : query?.encoding.flatMap { ConnectCodec(rawValue: $0) }
    guard isUnary, let codec else {
      let type = query == nil ? fields.contentType : "encoding=\(query?.encoding ?? "")"
      return refuse(stream, WebAnswer.wrongType(type, isUnary: isUnary), fields.method)
    }
    let (head, fault) = fields.head(codec, query: query)
    if let fault {
      return refuse(stream, WebAnswer.error(fault, web.transcoder), fields.method)
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
