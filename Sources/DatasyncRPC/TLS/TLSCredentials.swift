/// What a TLS listener shows and demands: PEM, as files hold it. A value.
package struct TLSCredentials: Sendable {
  /// The server's certificate, then the intermediate ones.
  package var certificateChain: [UInt8]
  /// Of the first certificate in the chain; without a passphrase, since nobody is asked for one.
  package var privateKey: [UInt8]
  /// Authorities of client certificates; nil: clients need none. What is given and holds no
  /// certificate is an error, never the same as nil.
  package var clientAuthorities: [UInt8]?

  /// Nothing is read here: faults come from ``TLSContext``.
  package init(certificateChain: [UInt8], privateKey: [UInt8], clientAuthorities: [UInt8]? = nil) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientAuthorities = clientAuthorities
  }

  /// Which of the three a fault is in.
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

    /// For the operator: names the options of the command, not the files.
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
