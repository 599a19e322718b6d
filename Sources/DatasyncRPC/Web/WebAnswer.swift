import DatasyncHTTP2
import NIOCore

/// Answers on a web listener that belong to no call, in a sentence for a person. Namespace.
enum WebAnswer {
  /// What every answer there has.
  static let fields: [HTTPAnswer.Field] = [
    .init("x-content-type-options", "nosniff"),
    .init("referrer-policy", "no-referrer"),
    .init("cross-origin-resource-policy", "same-origin"),
    .init("vary", "Origin"),
  ]

  /// The same, with what lets a page of another origin see the answer.
  static func fields(for crossOrigin: String?) -> [HTTPAnswer.Field] {
    crossOrigin.map { fields + shared(with: $0) } ?? fields
  }

  static func shared(with origin: String) -> [HTTPAnswer.Field] {
    [
      .init("access-control-allow-origin", origin),
      .init(
        "access-control-expose-headers",
        "connect-content-encoding, grpc-encoding, grpc-status, grpc-message, "
          + "grpc-status-details-bin, retry-after, trailer-datasync-sequence"),
    ]
  }

  /// A browser asks before a page of another origin does. Source: the Fetch standard, CORS protocol.
  static let preflight: HTTPAnswer = {
    var answer = HTTPAnswer(status: 204, body: "")
    answer.others =
      fields + [
        .init("access-control-allow-methods", "GET, POST"),
        .init(
          "access-control-allow-headers",
          "authorization, content-type, content-encoding, connect-protocol-version, "
            + "connect-timeout-ms, connect-content-encoding, connect-accept-encoding, grpc-timeout, "
            + "grpc-encoding, grpc-accept-encoding, x-grpc-web, x-user-agent, datasync-client-id"),
        .init("access-control-max-age", "7200"),
      ]
    return answer
  }()

  static func text(
    _ status: Int, _ sentence: String, others: [HTTPAnswer.Field] = []
  ) -> HTTPAnswer {
    var answer = HTTPAnswer(status: status, body: sentence + "\n")
    answer.others = fields + others
    return answer
  }

  static func redirect(to path: String) -> HTTPAnswer {
    text(308, "It is at \(path).", others: [.init("location", path)])
  }

  static func unknownPath(_ path: String) -> HTTPAnswer {
    text(404, "There is nothing at \(path.prefix(200)): calls are at /package.Service/Method.")
  }

  static func foreignOrigin(_ origin: String) -> HTTPAnswer {
    text(403, "Pages of \(origin.prefix(200)) may not ask this server.")
  }

  static func wrongMethod(_ method: String, allowed: [String]) -> HTTPAnswer {
    let list = allowed.joined(separator: ", ")
    var answer = text(405, "\(method.prefix(20)) is not for this path: use \(list).")
    answer.allowedMethods = allowed
    return answer
  }

  private static let allTypes =
    "application/grpc, application/grpc-web, application/grpc-web+json, application/grpc-web-text"

  static func wrongType(_ contentType: String, isUnary: Bool) -> HTTPAnswer {
    let own =
      isUnary
      ? "application/json, application/proto"
      : "application/connect+json, application/connect+proto"
    let types = "\(own), \(allTypes)"
    let given =
      contentType.isEmpty ? "No content-type is given" : "It is not \(contentType.prefix(100))"
    return text(
      415, "\(given): this method takes \(types).", others: [.init("accept-post", types)])
  }

  static func unknownHost(_ host: String) -> HTTPAnswer {
    text(
      421,
      host.isEmpty
        ? "The request names no Host: ask for the server's address or its name."
        : "This server does not know that it is \(host.prefix(200)): name it with --web-host, or ask for "
          + "its address.")
  }

  static let noFullDuplex = text(
    505, "This method has streams both ways, which need HTTP/2: use that, or the WebSocket.")
  static let noStreams = text(505, "This method has streams, which HTTP/1.0 has not.")
  static let noGRPC = text(
    505, "gRPC needs HTTP/2: use that, or gRPC-Web or Connect's protocol.")

  /// The end of a call that did not begin, in its own protocol.
  static func error(
    _ status: Status, _ format: RequestFormat, _ transcoder: any MessageTranscoder
  ) -> HTTPAnswer {
    switch format {
    case .grpc, .connectUnary, .webSocket: unaryError(status, transcoder)
    case .connectStream(let codec):
      WebStreamWriter.refusal(status, .connect(codec), transcoder)
    case .grpcWeb(let type): WebStreamWriter.refusal(status, .grpcWeb(type), transcoder)
    }
  }

  private static func unaryError(
    _ status: Status, _ transcoder: any MessageTranscoder
  ) -> HTTPAnswer {
    let error = ConnectError(status)
    var answer = HTTPAnswer(
      status: error.httpStatus, contentType: "application/json", bytes: error.json(transcoder))
    answer.others = fields + callFields + bodyFields + error.fields
    return answer
  }

  /// What every answer of a call has besides.
  static let callFields: [HTTPAnswer.Field] = [
    // Without it Chromium reads 60 MB ahead.
    .init("cache-control", "no-store")
  ]
  /// What an answer has whose request was one body.
  static let bodyFields: [HTTPAnswer.Field] = [.init("accept-encoding", "gzip")]

  static let tooLongHead = text(431, "The request's head is too long (max_header_list_bytes).")
}
