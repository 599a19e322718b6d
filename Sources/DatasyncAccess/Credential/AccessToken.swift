import Crypto
import DatasyncModel

/// Tokens of the token file: made at random, kept as hashes.
package enum AccessToken {
  /// 256 bits that nobody can guess.
  package static func make() -> String {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
    return "datasync_" + Base64.urlText(of: bytes)
  }

  /// SHA-256, in small hexadecimal digits.
  package static func hash(of token: String) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let hash = SHA256.hash(data: Array(token.utf8))
    return String(
      decoding: hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
