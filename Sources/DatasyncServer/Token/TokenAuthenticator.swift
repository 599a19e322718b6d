/// Tells what this database's server signed from what it did not: HMAC-SHA-256, of which 128 bits are
/// kept. A value; the one place where a message authentication code is computed.
///
/// Source: RFC 2104; truncation: its section 5.
struct TokenAuthenticator: Sendable {
  static let codeBytes = 16

  /// The hashes after the key's block, which are the same for every message.
  private let inner: SHA256
  private let outer: SHA256

  /// - Parameter key: Secret, of any length; longer than a block, its hash is used.
  init(key: [UInt8]) {
    var block = key
    if block.count > SHA256.blockBytes {
      var hash = SHA256()
      hash.update(block)
      block = hash.digest()
    }
    block += [UInt8](repeating: 0, count: SHA256.blockBytes - block.count)
    var (inner, outer) = (SHA256(), SHA256())
    inner.update(block.map { $0 ^ 0x36 })
    outer.update(block.map { $0 ^ 0x5C })
    self.inner = inner
    self.outer = outer
  }

  func code(for message: some Collection<UInt8>) -> [UInt8] {
    Array(fullCode(for: message).prefix(TokenAuthenticator.codeBytes))
  }

  /// Takes as long wherever the two differ.
  func isValid(_ code: some Collection<UInt8>, for message: some Collection<UInt8>) -> Bool {
    let right = self.code(for: message)
    guard code.count == right.count else { return false }
    return zip(code, right).reduce(UInt8(0)) { $0 | $1.0 ^ $1.1 } == 0
  }

  func fullCode(for message: some Collection<UInt8>) -> [UInt8] {
    var (inner, outer) = (inner, outer)
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()
  }
}
