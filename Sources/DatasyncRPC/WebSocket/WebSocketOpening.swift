import Crypto
import DatasyncHTTP2

/// What both sides agree on when a WebSocket opens. A value.
/// Source: RFC 6455, section 4.2; RFC 8441 where HTTP/2 carries it.
struct WebSocketOpening: Hashable, Sendable {
  let codec: MessageCodec
  /// What HTTP/1 wants to see in the answer; nil: HTTP/2.
  let accept: String?

  private static let subprotocols: [String: MessageCodec] = [
    "datasync.v1+proto": .proto, "datasync.v1+json": .json,
  ]

  var subprotocol: String { "datasync.v1+\(codec.rawValue)" }

  /// What a request is about.
  enum Reading: Equatable {
    case opens(WebSocketOpening)
    case refused(HTTPAnswer)
    /// Something else.
    case other
  }

  /// - Parameter isHTTP2: Whether ``head`` came over HTTP/2, where CONNECT is the method.
  static func read(_ head: HeaderBlock, isHTTP2: Bool) -> Reading {
    var method = ""
    var isAsked = false
    var version: String?
    var keys: [String] = []
    var offered: [Substring] = []
    for (name, value) in head.pairs {
      switch name {
      case ":method": method = value
      case ":protocol" where isHTTP2: isAsked = value == "websocket"
      case "upgrade" where !isHTTP2:
        isAsked = value.split(whereSeparator: { ", \t".contains($0) }).contains("websocket")
      case "sec-websocket-version": version = value
      case "sec-websocket-key": keys.append(value)
      case "sec-websocket-protocol":
        offered += value.split(whereSeparator: { ", \t".contains($0) })
      default: break
      }
    }
    guard method == (isHTTP2 ? "CONNECT" : "GET") else { return .other }
    guard isAsked, version == "13" else { return isHTTP2 && !isAsked ? .other : .refused(upgrade) }
    guard let codec = offered.lazy.compactMap({ subprotocols[String($0)] }).first else {
      return .refused(
        WebAnswer.text(400, "A WebSocket here speaks datasync.v1+proto or datasync.v1+json."))
    }
    guard !isHTTP2 else { return .opens(WebSocketOpening(codec: codec, accept: nil)) }
    guard keys.count == 1, let key = keys.first, Base64.decode(key.utf8)?.count == 16 else {
      return .refused(WebAnswer.text(400, "A WebSocket has one key of 16 bytes."))
    }
    return .opens(WebSocketOpening(codec: codec, accept: acceptance(of: key)))
  }

  private static let upgrade = WebAnswer.text(
    426, "This path is a WebSocket: ask with Upgrade: websocket and Sec-WebSocket-Version: 13.",
    others: [.init("upgrade", "websocket"), .init("sec-websocket-version", "13")])

  /// Source: RFC 6455, section 4.2.2.
  static func acceptance(of key: String) -> String {
    let text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    let hash = Base64.encode(Array(Insecure.SHA1.hash(data: Array(text.utf8))))
    // Twenty bytes want one sign of padding.
    return String(decoding: hash, as: UTF8.self) + "="
  }
}
