import Crypto
import CryptoExtras

/// A key that signatures are checked with; for one algorithm. A value.
struct VerificationKey: Sendable {
  enum Material: Sendable {
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)
    case secret(SymmetricKey)
  }

  /// `kid` of the set; nil: it has none.
  let id: String?
  let material: Material

  var algorithm: SigningAlgorithm {
    switch material {
    case .rsa: .rs256
    case .p256: .es256
    case .ed25519: .edDSA
    case .secret: .hs256
    }
  }

  func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    switch material {
    case .rsa(let key):
      return key.isValidSignature(
        _RSA.Signing.RSASignature(rawRepresentation: signature),
        for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
    case .p256(let key):
      guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else {
        return false
      }
      return key.isValidSignature(signature, for: SHA256.hash(data: message))
    case .ed25519(let key):
      return key.isValidSignature(signature, for: message)
    case .secret(let key):
      return HMAC<SHA256>.isValidAuthenticationCode(
        signature, authenticating: message, using: key)
    }
  }
}
