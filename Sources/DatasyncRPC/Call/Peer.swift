/// Who is at the other end. A value.
package struct Peer: Hashable, Sendable {
  /// `127.0.0.1:50311`.
  package var address: String
  /// The subject of the verified client certificate, where there is one.
  package var certificateSubject: String?

  package init(address: String, certificateSubject: String? = nil) {
    self.address = address
    self.certificateSubject = certificateSubject
  }
}
