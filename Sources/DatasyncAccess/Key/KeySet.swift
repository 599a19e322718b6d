import Crypto
import CryptoExtras
import DatasyncModel

/// The keys of one issuer. A value.
struct KeySet: Sendable {
  /// Keys that are tried for a token that names none.
  static let maxTried = 16
  /// Keys of a set.
  static let maxKeys = 1000

  let keys: [VerificationKey]
  /// Whether the keys have no names, whatever a token calls its own: one PEM key, or a secret.
  let isNameless: Bool

  /// Those that may have signed a token: the one that it names, or every fitting one.
  func candidates(id: String?, algorithm: SigningAlgorithm) -> ArraySlice<VerificationKey> {
    let fitting = keys.filter { key in
      guard key.algorithm == algorithm else { return false }
      guard !isNameless, let id else { return true }
      return key.id?.isSame(as: id) == true
    }
    return fitting.prefix(KeySet.maxTried)
  }

  // MARK: - Secrets

  /// The bytes of the file, all of them: a line's end too.
  init(secret bytes: [UInt8], path: String) throws(AccessFault) {
    guard bytes.count >= 32 else {
      throw AccessFault(
        file: path, "a secret has 32 bytes or more, this one \(bytes.count)")
    }
    keys = [VerificationKey(id: nil, material: .secret(SymmetricKey(data: bytes)))]
    isNameless = true
  }

  // MARK: - Public keys

  /// A JWKS, or one PEM public key.
  init(parsing text: String, path: String) throws(AccessFault) {
    let trimmed = text.drop { $0.isWhitespace }
    if trimmed.hasPrefix("-----BEGIN") {
      guard let key = KeySet.pem(text) else {
        throw AccessFault(
          file: path,
          "found a PEM that is no public key of RSA (2048 bits or more), P-256 or Ed25519")
      }
      keys = [VerificationKey(id: nil, material: key)]
      isNameless = true
      return
    }
    let root: JSONValue
    do throws(JSONFault) {
      root = try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw AccessFault(file: path, "found neither PEM nor JSON: \(error.reason)")
    }
    guard case .object(let set) = root, case .array(let entries)? = set["keys"] else {
      throw AccessFault(file: path, place: "keys", "a JWKS has a list of keys")
    }
    guard entries.count <= KeySet.maxKeys else {
      throw AccessFault(file: path, place: "keys", "it has more than \(KeySet.maxKeys) keys")
    }
    var keys: [VerificationKey] = []
    for (index, entry) in entries.enumerated() {
      let place = "keys[\(index)]"
      guard case .object(let fields) = entry else {
        throw AccessFault(file: path, place: place, "a key is an object")
      }
      if let key = try KeySet.key(fields, AccessFault(file: path, place: place, "")) {
        keys.append(key)
      }
    }
    guard !keys.isEmpty else {
      throw AccessFault(
        file: path, place: "keys", "none is of a kind that is known: RSA, P-256 or Ed25519")
    }
    self.keys = keys
    isNameless = false
  }

  private static func pem(_ text: String) -> VerificationKey.Material? {
    if let key = try? P256.Signing.PublicKey(pemRepresentation: text) { return .p256(key) }
    if let key = try? Curve25519.Signing.PublicKey(pemRepresentation: text) {
      return .ed25519(key)
    }
    if let key = try? _RSA.Signing.PublicKey(pemRepresentation: text) { return .rsa(key) }
    return nil
  }

  /// nil: it is of a kind, or for a use, that is passed over. Source: RFC 7517, 7518, 8037.
  private static func key(
    _ fields: [String: JSONValue], _ at: AccessFault
  ) throws(AccessFault) -> VerificationKey? {
    func fault(_ reason: String) -> AccessFault {
      AccessFault(file: at.file, place: at.place, reason)
    }
    guard case .string(let kind)? = fields["kty"] else { throw fault("kty is missing") }
    let id: String?
    switch fields["kid"] {
    case nil: id = nil
    case .string(let text): id = text
    default: throw fault("kid is no text")
    }
    if let use = fields["use"], use != .string("sig") { return nil }
    if case .array(let uses)? = fields["key_ops"], !uses.contains(.string("verify")) {
      return nil
    }
    let curve: String? = if case .string(let name)? = fields["crv"] { name } else { nil }
    let algorithm: SigningAlgorithm
    switch (kind, curve) {
    case ("RSA", _): algorithm = .rs256
    case ("EC", "P-256"): algorithm = .es256
    case ("OKP", "Ed25519"): algorithm = .edDSA
    default: return nil
    }
    if let named = fields["alg"], named != .string(algorithm.rawValue),
      !(algorithm == .edDSA && named == .string("Ed25519"))
    {
      return nil
    }
    guard let material = material(algorithm, fields) else {
      throw fault(
        algorithm == .rs256
          ? "it is no RSA key of 2048 bits or more" : "it is no \(kind) key of that curve")
    }
    return VerificationKey(id: id, material: material)
  }

  private static func material(
    _ algorithm: SigningAlgorithm, _ fields: [String: JSONValue]
  ) -> VerificationKey.Material? {
    func number(_ name: String, _ count: Int? = nil) -> [UInt8]? {
      guard case .string(let text)? = fields[name], let bytes = Base64.bytes(ofURLText: text),
        count == nil || bytes.count == count
      else { return nil }
      return bytes
    }
    switch algorithm {
    case .rs256:
      guard let modulus = number("n"), let exponent = number("e"),
        let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent)
      else { return nil }
      return .rsa(key)
    case .es256:
      guard let x = number("x", 32), let y = number("y", 32),
        let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
      else { return nil }
      return .p256(key)
    case .edDSA:
      guard let x = number("x", 32),
        let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x)
      else { return nil }
      return .ed25519(key)
    case .hs256: return nil
    }
  }
}
