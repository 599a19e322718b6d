import NIOSSL
import SwiftASN1

/// Reads whom a certificate names. Source: RFC 5280 §4.1, RFC 4514.
enum CertificateSubject {
  /// The subject as RFC 4514 writes it, the most specific part first: `CN=alice,O=Example`.
  static func text(of certificate: NIOSSLCertificate) -> String? {
    guard let names = CertificateFields(certificate)?.subject else { return nil }
    return names.reversed().map { attributes in
      attributes.compactMap { attribute(of: $0) }.joined(separator: "+")
    }.joined(separator: ",")
  }

  private static let names: [String: String] = [
    "2.5.4.3": "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
    "2.5.4.6": "C", "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
  ]

  /// Types without a name, and values that are no text, are written in hexadecimal.
  private static func attribute(of node: ASN1Node) -> String? {
    guard let parts = node.children, parts.count == 2,
      let type = try? ASN1ObjectIdentifier(derEncoded: parts[0])
    else { return nil }
    guard let name = names["\(type)"], let value = parts[1].text else {
      return "\(names["\(type)"] ?? "\(type)")=#\(parts[1].encodedBytes.map(hexadecimal).joined())"
    }
    return "\(name)=\(escaped(value))"
  }

  /// Scalar by scalar: a comma that carries a combining accent is a comma still.
  private static func escaped(_ value: String) -> String {
    let scalars = value.unicodeScalars
    var result = ""
    for index in scalars.indices {
      let scalar = scalars[index]
      let isFirst = index == scalars.startIndex
      let isLast = scalars.index(after: index) == scalars.endIndex
      if scalar.value < 0x20 || scalar.value == 0x7F {
        result += "\\" + hexadecimal(UInt8(scalar.value))
        continue
      }
      let isSpecial =
        "\"+,;<>\\".unicodeScalars.contains(scalar) || (isFirst && scalar == "#")
        || ((isFirst || isLast) && scalar == " ")
      if isSpecial { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
