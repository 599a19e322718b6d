import NIOCore
import NIOSSL
import SwiftASN1

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Client certificates that are trusted one by one: each is its own authority and may sign no other.
/// A value.
///
/// BoringSSL looks for an authority that may sign, and finds none for them; OpenSSL takes what is
/// trusted as it is. So they are compared byte for byte, and nothing is derived from them.
struct PinnedCertificates: Sendable {
  private let certificates: Set<[UInt8]>

  /// Nil: there is an authority among the certificates, so that chains have to be verified.
  init?(_ certificates: [NIOSSLCertificate]) {
    guard certificates.allSatisfy(Self.maySignNone) else { return nil }
    self.certificates = Set(certificates.compactMap { try? $0.toDERBytes() })
  }

  /// - Parameter chain: As the peer shows it, its own certificate first.
  func accept(_ chain: [NIOSSLCertificate], at now: time_t = time(nil)) -> Bool {
    guard let own = chain.first, let bytes = try? own.toDERBytes() else { return false }
    return certificates.contains(bytes) && CertificateTime.isValid(own, at: now)
  }

  /// Whether its key usage is given, and leaves out the signing of certificates. Source: RFC 5280
  /// §4.2.1.3.
  static func maySignNone(_ certificate: NIOSSLCertificate) -> Bool {
    guard let usage = keyUsage(of: certificate) else { return false }
    let keyCertSign: UInt8 = 0x80 >> 5
    return (usage.first ?? 0) & keyCertSign == 0
  }

  /// Nil: not given.
  private static func keyUsage(of certificate: NIOSSLCertificate) -> [UInt8]? {
    guard let bytes = try? certificate.toDERBytes(), let root = try? DER.parse(bytes),
      let fields = children(of: root).first.map(children(of:)),
      let extensions = fields.first(where: { $0.identifier == extensionsField })
    else { return nil }
    for item in children(of: extensions).flatMap(children(of:)) {
      let parts = children(of: item)
      guard let type = parts.first.flatMap({ try? ASN1ObjectIdentifier(derEncoded: $0) }),
        type == keyUsageType,
        let value = parts.last.flatMap({ try? ASN1OctetString(derEncoded: $0) }),
        let node = try? DER.parse(Array(value.bytes)),
        let bits = try? ASN1BitString(derEncoded: node)
      else { continue }
      return Array(bits.bytes)
    }
    return nil
  }

  private static let extensionsField = ASN1Identifier(tagWithNumber: 3, tagClass: .contextSpecific)
  private static let keyUsageType: ASN1ObjectIdentifier = [2, 5, 29, 15]

  private static func children(of node: ASN1Node) -> [ASN1Node] {
    guard case .constructed(let nodes) = node.content else { return [] }
    return Array(nodes)
  }
}
