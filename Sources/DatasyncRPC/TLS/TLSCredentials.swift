/// What a TLS listener shows and demands: PEM, as files hold it. A value.
package struct TLSCredentials: Sendable {
  /// The server's certificate, then the intermediate ones.
  package var certificateChain: [UInt8]
  package var privateKey: [UInt8]
  /// Authorities of client certificates; nil: clients need none. What is given and holds no
  /// certificate is an error, never the same as nil.
  package var clientAuthorities: [UInt8]?

  package init(certificateChain: [UInt8], privateKey: [UInt8], clientAuthorities: [UInt8]? = nil) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientAuthorities = clientAuthorities
  }

  package enum Part: Hashable, Sendable {
    case certificateChain
    case privateKey
    case clientAuthorities
  }

  /// Why they are not taken.
  package enum Fault: Error, CustomStringConvertible {
    /// Empty, cut short, or something else.
    case unreadable(Part)
    case mismatch(any Error)

    package var description: String {
      switch self {
      case .unreadable(.certificateChain): "--tls-cert holds no certificate in PEM"
      case .unreadable(.privateKey): "--tls-key holds no private key in PEM"
      case .unreadable(.clientAuthorities): "--tls-client-ca holds no certificate in PEM"
      case .mismatch(let error): "the TLS files do not fit together: \(error)"
      }
    }
  }
}
