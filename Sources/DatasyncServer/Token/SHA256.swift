/// SHA-256, bytes in, 32 bytes out. A value.
///
/// Here for ``TokenAuthenticator``, on a few dozen bytes a token, and for ``Site``, once: a library for
/// it would bring a second copy of BoringSSL, and Foundation. Source: FIPS 180-4, section 6.2.
struct SHA256: Sendable {
  static let blockBytes = 64
  static let digestBytes = 32

  private var state = SHA256.start
  /// Bytes that fill no block yet.
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  mutating func update(_ bytes: some Collection<UInt8>) {
    byteCount &+= UInt64(bytes.count)
    rest.append(contentsOf: bytes)
    var start = 0
    while rest.count - start >= SHA256.blockBytes {
      compress(at: start)
      start += SHA256.blockBytes
    }
    rest.removeFirst(start)
  }

  consuming func digest() -> [UInt8] {
    let bits = byteCount &* 8
    rest.append(0x80)
    while rest.count % SHA256.blockBytes != SHA256.blockBytes - 8 { rest.append(0) }
    withUnsafeBytes(of: bits.bigEndian) { rest.append(contentsOf: $0) }
    for start in stride(from: 0, to: rest.count, by: SHA256.blockBytes) { compress(at: start) }
    var digest: [UInt8] = []
    digest.reserveCapacity(SHA256.digestBytes)
    for word in state { withUnsafeBytes(of: word.bigEndian) { digest.append(contentsOf: $0) } }
    return digest
  }

  private mutating func compress(at start: Int) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
      for index in 0..<16 {
        let at = start + 4 * index
        words[index] =
          UInt32(rest[at]) << 24 | UInt32(rest[at + 1]) << 16 | UInt32(rest[at + 2]) << 8
          | UInt32(rest[at + 3])
      }
      for index in 16..<64 {
        let (a, b) = (words[index - 15], words[index - 2])
        let low = a.rotated(7) ^ a.rotated(18) ^ a >> 3
        let high = b.rotated(17) ^ b.rotated(19) ^ b >> 10
        words[index] = words[index - 16] &+ low &+ words[index - 7] &+ high
      }
      mix(UnsafeBufferPointer(words))
    }
  }

  private mutating func mix(_ words: UnsafeBufferPointer<UInt32>) {
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    SHA256.constants.withUnsafeBufferPointer { constants in
      for index in 0..<64 {
        let high = e.rotated(6) ^ e.rotated(11) ^ e.rotated(25)
        let first = h &+ high &+ (e & f ^ ~e & g) &+ constants[index] &+ words[index]
        let low = a.rotated(2) ^ a.rotated(13) ^ a.rotated(22)
        let second = low &+ (a & b ^ a & c ^ b & c)
        (h, g, f, e) = (g, f, e, d &+ first)
        (d, c, b, a) = (c, b, a, first &+ second)
      }
    }
    for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
  }

  private static let start: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB,
    0x5BE0_CD19,
  ]

  /// The fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4,
    0xAB1C_5ED5, 0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE,
    0x9BDC_06A7, 0xC19B_F174, 0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F,
    0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA, 0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7,
    0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967, 0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC,
    0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85, 0xA2BF_E8A1, 0xA81A_664B,
    0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070, 0x19A4_C116,
    0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
    0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7,
    0xC671_78F2,
  ]
}

extension UInt32 {
  fileprivate func rotated(_ bits: UInt32) -> UInt32 { self >> bits | self << (32 - bits) }
}
