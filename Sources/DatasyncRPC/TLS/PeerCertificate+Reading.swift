import NIOSSL
import SwiftASN1

// Source: RFC 5280 §4.1.2.6, §4.2.1.6.
extension PeerCertificate {
  private static let commonName = "2.5.4.3"
  private static let subjectAlternativeName = "2.5.29.17"

  init(_ certificate: NIOSSLCertificate) {
    let (end, overflows) = Int64(certificate.notValidAfter).multipliedReportingOverflow(
      by: 1_000_000)
    self.init(expiresAt: overflows ? .max : end)
    read(CertificateFields(certificate))
  }

  /// Of what cannot be read each kind has a name that nobody bears.
  mutating func read(_ fields: CertificateFields?) {
    guard let fields, let subject = fields.subject else {
      (commonNames, uris, dnsNames, emails) = ([""], [""], [""], [""])
      return
    }
    for attribute in subject.joined() {
      guard let parts = attribute.children, parts.count == 2,
        let type = try? ASN1ObjectIdentifier(derEncoded: parts[0]),
        "\(type)" == PeerCertificate.commonName
      else { continue }
      add(parts[1].text, to: \.commonNames)
    }
    for alternatives in fields.extensions(PeerCertificate.subjectAlternativeName) {
      guard let names = alternatives?.children else {
        for kind in [\PeerCertificate.uris, \.dnsNames, \.emails] { add(nil, to: kind) }
        continue
      }
      for name in names { read(name) }
    }
  }

  private mutating func read(_ name: ASN1Node) {
    for (tag, kind) in [(1, \PeerCertificate.emails), (2, \.dnsNames), (6, \.uris)]
    where name.hasContextTag(UInt(tag)) {
      // These are IA5 strings: ASCII.
      let bytes = name.bytes.flatMap { $0.allSatisfy { $0 < 0x80 } ? $0 : nil }
      add(bytes.map { String(decoding: $0, as: UTF8.self) }, to: kind)
    }
  }

  private mutating func add(
    _ name: String?, to kind: WritableKeyPath<PeerCertificate, [String]>
  ) {
    if self[keyPath: kind].count < PeerCertificate.maxNames {
      self[keyPath: kind].append(name ?? "")
    }
  }
}
