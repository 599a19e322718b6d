import NIOSSL
import SwiftASN1

/// The parts of a certificate that name its subject. A value. Source: RFC 5280 §4.1.
struct CertificateFields {
  private let fields: [ASN1Node]

  /// nil where it is no DER.
  init?(_ certificate: NIOSSLCertificate) {
    guard let bytes = try? certificate.toDERBytes() else { return nil }
    self.init(der: bytes)
  }

  init?(der bytes: [UInt8]) {
    guard let root = try? DER.parse(bytes), let fields = root.children?.first?.children else {
      return nil
    }
    self.fields = fields
  }

  /// The attributes of the subject, type and value, the most general first; nil where it is not there.
  var subject: [[ASN1Node]]? {
    // version [0] is optional; then serial, algorithm, issuer, validity, subject.
    let index = fields.first?.hasContextTag(0) == true ? 5 : 4
    guard fields.count > index else { return nil }
    return fields[index].children?.compactMap(\.children)
  }

  /// What extensions of a kind hold.
  func extensions(_ kind: String) -> [ASN1Node?] {
    let list = fields.first { $0.hasContextTag(3) }?.children?.first?.children ?? []
    return list.compactMap(\.children).filter { parts in
      parts.first.flatMap { try? ASN1ObjectIdentifier(derEncoded: $0) }.map { "\($0)" } == kind
    }.map { parts in parts.last?.bytes.flatMap { try? DER.parse($0) } }
  }
}
