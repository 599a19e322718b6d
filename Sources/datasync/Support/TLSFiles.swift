import DatasyncRPC
import NIOCore

/// The PEM files that TLS is made from; read anew on SIGHUP. A value.
struct TLSFiles: Sendable {
  let certificate: String
  let privateKey: String
  let clientAuthorities: String?

  func credentials() throws(Failure) -> TLSCredentials {
    TLSCredentials(
      certificateChain: try FileReader.bytes(of: certificate),
      privateKey: try FileReader.bytes(of: privateKey),
      clientAuthorities: try clientAuthorities.map { path throws(Failure) in
        try FileReader.bytes(of: path)
      } ?? [])
  }

  func context(handshakeTimeout: TimeAmount) throws -> TLSContext {
    do {
      return try TLSContext(try credentials(), handshakeTimeout: handshakeTimeout)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure("the TLS files do not fit together: \(error)")
    }
  }
}
