/// Whom a verified client certificate names, and until when. A value.
///
/// A name that cannot be read stands there as an empty text, so that it counts and names nobody.
package struct PeerCertificate: Hashable, Sendable {
  /// Of a kind; whoever needs the one name refuses two already.
  static let maxNames = 16

  /// Of the subject, from the most general on.
  package internal(set) var commonNames: [String] = []
  /// Of the subject alternative name, as the next two.
  package internal(set) var uris: [String] = []
  package internal(set) var dnsNames: [String] = []
  package internal(set) var emails: [String] = []
  /// The last second of its time, in microseconds since 1970.
  package internal(set) var expiresAt: Int64

  init(expiresAt: Int64) {
    self.expiresAt = expiresAt
  }
}
