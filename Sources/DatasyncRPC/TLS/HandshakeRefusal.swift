import NIOSSL

/// Why a TLS handshake came to nothing, as far as somebody can do something about it. A value.
enum HandshakeRefusal: String {
  case noCertificate = "the client shows no certificate"
  case unknownCertificate = "the client's certificate is not accepted"
  case distrust = "the client does not trust the server's certificate"
  case cleartext = "the client speaks without TLS"
  case noHTTP2 = "the client does not offer h2"
  case noCommonTLS = "the client knows no TLS that is good enough"
  case other = "the client does not keep to the protocol"

  var remedy: String {
    switch self {
    case .noCertificate:
      "--tls-client-ca demands a certificate: give the client one that an authority in it has signed"
    case .unknownCertificate:
      "no authority of --tls-client-ca has signed it, or it is out of its time"
    case .distrust:
      "give the client the authority that has signed --tls-cert, and call the server by a name in it"
    case .cleartext: "have it connect with TLS"
    case .noHTTP2: "use a gRPC client: HTTP/2 is agreed upon by ALPN"
    case .noCommonTLS: "TLS 1.2 is the least, with forward secrecy"
    case .other: "see the error"
    }
  }

  /// Nil: the peer just went away, as those do that look whether a port is open.
  init?(_ error: any Error) {
    guard case .handshakeFailed(let cause) = error as? NIOSSLError else { return nil }
    if case .sslError(let stack) = cause, stack.contains(.eofDuringHandshake) { return nil }
    let text = "\(cause)"
    let found = HandshakeRefusal.signs.first { sign in
      sign.words.contains { text.contains($0) }
    }
    self = found?.refusal ?? .other
  }

  /// Of BoringSSL's names for what went wrong.
  private static let signs: [(words: [String], refusal: HandshakeRefusal)] = [
    (["PEER_DID_NOT_RETURN_A_CERTIFICATE"], .noCertificate),
    (["CERTIFICATE_VERIFY_FAILED"], .unknownCertificate),
    (
      // OpenSSL sends its alert in cleartext where the server awaits what is encrypted.
      ["ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE", "ALERT_BAD_CERTIFICATE", "BAD_PACKET_LENGTH"],
      .distrust
    ),
    (["HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER"], .cleartext),
    (
      ["UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER", "NO_SHARED_GROUP", "INAPPROPRIATE_FALLBACK"],
      .noCommonTLS
    ),
  ]
}
