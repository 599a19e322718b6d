import DatasyncRPC
import NIOCore

/// The PEM files that TLS is made from; read anew on SIGHUP. A value.
struct TLSFiles: Sendable {
  let certificate: String
  let privateKey: String
  let clientAuthorities: String?

  func context(handshakeTimeout: TimeAmount) throws(Failure) -> TLSContext {
    let credentials = try credentials()
    do {
      return try TLSContext(credentials, handshakeTimeout: handshakeTimeout)
    } catch {
      throw failure(error)
    }
  }

  /// Gives the context what the files hold now; it keeps what it has where that is no good.
  func reload(_ context: TLSContext) throws(Failure) {
    let credentials = try credentials()
    do {
      try context.reload(credentials)
    } catch {
      throw failure(error)
    }
  }

  private func credentials() throws(Failure) -> TLSCredentials {
    TLSCredentials(
      certificateChain: try bytes(of: certificate, "--tls-cert"),
      privateKey: try bytes(of: privateKey, "--tls-key"),
      clientAuthorities: try clientAuthorities.map { path throws(Failure) in
        try bytes(of: path, "--tls-client-ca")
      })
  }

  private func bytes(of path: String, _ option: String) throws(Failure) -> [UInt8] {
    guard !path.isEmpty else { throw Failure("\(option) names no file") }
    return try FileReader.bytes(of: path)
  }

  private func failure(_ fault: TLSCredentials.Fault) -> Failure {
    switch fault {
    case .unreadable(.certificateChain): Failure("\(certificate): \(fault)")
    case .unreadable(.privateKey): Failure("\(privateKey): \(fault)")
    case .unreadable(.clientAuthorities): Failure("\(clientAuthorities ?? ""): \(fault)")
    case .mismatch: Failure("\(fault)")
    }
  }
}
