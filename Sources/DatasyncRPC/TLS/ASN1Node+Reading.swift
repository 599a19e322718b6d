import SwiftASN1

extension ASN1Node {
  /// nil: it has none, being primitive.
  var children: [ASN1Node]? {
    guard case .constructed(let nodes) = content else { return nil }
    return Array(nodes)
  }

  /// What it holds; nil: it has children.
  var bytes: ArraySlice<UInt8>? {
    guard case .primitive(let bytes) = content else { return nil }
    return bytes
  }

  /// nil where it is no text of a kind that is UTF-8.
  var text: String? {
    guard [.utf8String, .printableString, .ia5String].contains(identifier), let bytes else {
      return nil
    }
    return String(validating: bytes, as: UTF8.self)
  }

  func hasContextTag(_ number: UInt) -> Bool {
    identifier.tagClass == .contextSpecific && identifier.tagNumber == number
  }
}
