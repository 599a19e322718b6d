package import DatasyncHTTP2

/// What the head of a request of HTTP/1 says. A value.
package struct HTTP1Head: Sendable {
  /// How long the body is. Source: RFC 9112, section 6.3.
  package enum Body: Hashable, Sendable {
    case length(Int)
    case chunked
  }

  /// As in HTTP/2: pseudo-header fields first, names in lower case, without what is about the
  /// connection, but for `upgrade` where the connection asks for it.
  package internal(set) var fields = HeaderBlock()
  package internal(set) var method = ""
  package internal(set) var body = Body.length(0)
  /// HTTP/1.0: no chunks, and the connection ends unless it asks for more.
  package internal(set) var isVersion10 = false
  /// Whether another request may follow.
  package internal(set) var keepsAlive = true
  /// Whether the body waits for `100 Continue`.
  package internal(set) var expectsContinue = false
}
