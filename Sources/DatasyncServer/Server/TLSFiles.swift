import DatasyncRPC
import NIOCore

/// The PEM files that TLS is made from; read anew on SIGHUP. A value.
struct TLSFiles: Sendable {
  let certificate: String
  let privateKey: String
  let clientAuthorities: String?

  init(_ paths: DatabaseServer.Configuration.TLS) {
    certificate = paths.certificateChain
    privateKey = paths.privateKey
    clientAuthorities = paths.clientAuthorities
  }

  func context(handshakeTimeout: TimeAmount) throws(ServerError) -> TLSContext {
    let credentials = try credentials()
    do {
      return try TLSContext(credentials, handshakeTimeout: handshakeTimeout)
    } catch {
      throw failure(error)
    }
  }

  /// Gives the context what the files hold now; it keeps what it has where that is no good.
  func reload(_ context: TLSContext) throws(ServerError) {
    let credentials = try credentials()
    do {
      try context.reload(credentials)
    } catch {
      throw failure(error)
    }
  }

  private func credentials() throws(ServerError) -> TLSCredentials {
    TLSCredentials(
      certificateChain: try bytes(of: certificate, "--tls-cert"),
      privateKey: try bytes(of: privateKey, "--tls-key"),
      clientAuthorities: try clientAuthorities.map { path throws(ServerError) in
        try bytes(of: path, "--tls-client-ca")
      })
  }

  private func bytes(of path: String, _ option: String) throws(ServerError) -> [UInt8] {
    guard !path.isEmpty else { throw ServerError("\(option) names no file") }
    return try FileReader.bytes(of: path)
  }

  private func failure(_ fault: TLSCredentials.Fault) -> ServerError {
    switch fault {
    case .unreadable(.certificateChain): ServerError("\(certificate): \(fault)")
    case .unreadable(.privateKey): ServerError("\(privateKey): \(fault)")
    case .unreadable(.clientAuthorities): ServerError("\(clientAuthorities ?? ""): \(fault)")
    case .mismatch: ServerError("\(fault)")
    }
  }
}
