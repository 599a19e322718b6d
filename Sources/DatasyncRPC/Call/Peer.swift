/// Who is at the other end. A value.
package struct Peer: Hashable, Sendable {
  /// `127.0.0.1:50311`.
  package var address: String
  /// Whether it is on this machine, and says so by its address.
  package var isLoopback: Bool
  /// The subject of the verified client certificate, where there is one.
  package var certificateSubject: String?
  /// Whom that certificate names.
  package internal(set) var certificate: PeerCertificate?

  package init(address: String, isLoopback: Bool = false, certificateSubject: String? = nil) {
    self.address = address
    self.isLoopback = isLoopback
    self.certificateSubject = certificateSubject
  }
}
