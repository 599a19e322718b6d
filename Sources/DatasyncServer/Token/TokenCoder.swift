import DatasyncModel

/// Packs a token's content so that only what this database's server packed is unpacked: base64url of
/// what kind of token it is, the content, a code that only the holder of the database's key can make,
/// and a checksum that anyone can check. A value.
///
/// The checksum tells a damaged token from one of another database, which is whole. Nothing in a token
/// is secret: it opens nothing that its holder may not read anyway.
package struct TokenCoder: Sendable {
  /// Enters the code, so that no token passes for one of the other kind.
  enum Kind: UInt8 {
    case page = 0x50
    case resume = 0x52
    /// No token: what one says of a view.
    case mark = 0x4D
  }

  enum Decoded: Equatable {
    case ours([UInt8])
    /// Whole, but signed with another key: another database's, or nobody's.
    case foreign
    case damaged
  }

  private let authenticator: TokenAuthenticator
  private static let checksumBytes = 4

  /// - Parameter key: The database's own; see ``Storage/tokenKey``.
  package init(key: [UInt8]) {
    authenticator = TokenAuthenticator(key: key)
  }

  func encode(_ content: [UInt8], as kind: Kind) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(
      1 + content.count + TokenAuthenticator.codeBytes + TokenCoder.checksumBytes)
    bytes.append(kind.rawValue)
    bytes += content
    bytes += authenticator.code(for: bytes)
    bytes += TokenCoder.checksum(bytes)
    return Base64.urlText(of: bytes)
  }

  /// Tells contents apart, and says nothing of them to whoever has not the key.
  func mark(of content: [UInt8]) -> ViewMark {
    ViewMark(bytes: authenticator.code(for: [Kind.mark.rawValue] + content))
  }

  func decode(_ token: String, as kind: Kind) -> Decoded {
    guard let bytes = Base64.bytes(ofURLText: token),
      bytes.count > TokenAuthenticator.codeBytes + TokenCoder.checksumBytes
    else { return .damaged }
    let signed = bytes.dropLast(TokenCoder.checksumBytes)
    let message = signed.dropLast(TokenAuthenticator.codeBytes)
    guard message.first == kind.rawValue,
      bytes.suffix(TokenCoder.checksumBytes).elementsEqual(TokenCoder.checksum(signed))
    else { return .damaged }
    let code = signed.suffix(TokenAuthenticator.codeBytes)
    guard authenticator.isValid(code, for: message) else { return .foreign }
    return .ours(Array(message.dropFirst()))
  }

  private static func checksum(_ bytes: some Swift.Sequence<UInt8>) -> [UInt8] {
    let hash = Fingerprint.hash64(bytes)
    return withUnsafeBytes(of: UInt32(truncatingIfNeeded: hash ^ hash >> 32).bigEndian) {
      Array($0)
    }
  }

  /// Whether it is a resume token as servers made them that signed nothing: anyone could make it, so
  /// it says no more than that there was one.
  static func isUnsigned(_ token: String) -> Bool {
    guard let bytes = Base64.bytes(ofURLText: token), bytes.count > 8 else { return false }
    let key = Fingerprint.hash64("datasync resume token 1".utf8)
    let sum = Fingerprint.hash64(bytes.dropLast(8), after: key)
    return withUnsafeBytes(of: sum.bigEndian) { bytes.suffix(8).elementsEqual($0) }
  }
}
