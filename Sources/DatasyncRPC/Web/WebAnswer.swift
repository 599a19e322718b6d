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

  private static let unaryTypes = "application/proto, application/json, application/grpc"

  static func wrongType(_ contentType: String, isUnary: Bool) -> HTTPAnswer {
    let types = isUnary ? unaryTypes : "application/grpc"
    let given =
      contentType.isEmpty ? "No content-type is given" : "It is not \(contentType.prefix(100))"
    return text(
      415, "\(given): this method takes \(types).", others: [.init("accept-post", types)])
  }

  /// The end of a call that did not begin.
  static func error(_ status: Status, _ transcoder: any MessageTranscoder) -> HTTPAnswer {
    let error = ConnectError(status)
    var answer = HTTPAnswer(
      status: error.httpStatus, contentType: "application/json",
      body: String(buffer: error.json(transcoder)))
    answer.others = fields + callFields
    return answer
  }

  /// What every answer of a call has besides.
  static let callFields: [HTTPAnswer.Field] = [
    // Without it Chromium reads 60 MB ahead.
    .init("cache-control", "no-store"),
    .init("accept-encoding", "gzip"),
  ]

  static let tooLongHead = text(431, "The request's head is too long (max_header_list_bytes).")
}
