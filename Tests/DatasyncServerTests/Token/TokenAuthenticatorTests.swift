import Testing

@testable import DatasyncServer

/// The published values of SHA-256 and of HMAC with it.
@Suite struct TokenAuthenticatorTests {
  private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0\(text)" : text
    }.joined()
  }

  /// Source: FIPS 180-4 and its examples at csrc.nist.gov; the last one is a million letters.
  @Test(arguments: [
    ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("a", 20_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func `SHA-256 gives the published digests`(_ text: String, _ times: Int, _ digest: String) {
    var hash = SHA256()
    let part = String(repeating: text, count: times == 1 ? 1 : 50)
    for _ in 0..<times { hash.update(part.utf8) }
    #expect(hexadecimal(hash.digest()) == digest)
  }

  /// Source: RFC 4231, cases 1, 2, 6 and 7.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0B, count: 20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
    (
      [UInt8](repeating: 0xAA, count: 131),
      "This is a test using a larger than block-size key and a larger than block-size data. The key "
        + "needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
    ),
  ])
  func `HMAC gives the published codes`(_ key: [UInt8], _ text: String, _ code: String) {
    let authenticator = TokenAuthenticator(key: key)
    #expect(hexadecimal(authenticator.fullCode(for: text.utf8)) == code)
    #expect(hexadecimal(authenticator.code(for: text.utf8)) == String(code.prefix(32)))
  }

  @Test func `a code holds for its message alone`() {
    let authenticator = TokenAuthenticator(key: [1])
    let code = authenticator.code(for: [1, 2, 3])
    #expect(authenticator.isValid(code, for: [1, 2, 3]))
    #expect(!authenticator.isValid(code, for: [1, 2]))
    #expect(!authenticator.isValid(code.dropLast(), for: [1, 2, 3]))
    #expect(!TokenAuthenticator(key: [2]).isValid(code, for: [1, 2, 3]))
  }
}
