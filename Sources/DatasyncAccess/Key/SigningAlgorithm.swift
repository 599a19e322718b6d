/// How a token is signed; nothing else is taken, whatever a token's header says. A value.
///
/// The raw values are the `alg` of RFC 7518 and RFC 8037.
package enum SigningAlgorithm: String, CaseIterable, Sendable {
  case rs256 = "RS256"
  case es256 = "ES256"
  case edDSA = "EdDSA"
  case hs256 = "HS256"
}
