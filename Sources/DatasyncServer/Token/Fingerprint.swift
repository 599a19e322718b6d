/// Hashes that stay the same between runs and machines, unlike Swift's. FNV-1a: tells requests
/// apart, defends against nobody.
///
/// Source: www.isthe.com/chongo/tech/comp/fnv.
enum Fingerprint {
  static let empty64: UInt64 = 0xCBF2_9CE4_8422_2325

  /// - Parameter beginning: The hash of what comes before the bytes.
  static func hash64(
    _ bytes: some Swift.Sequence<UInt8>, after beginning: UInt64 = empty64
  ) -> UInt64 {
    var hash = beginning
    for byte in bytes {
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    return hash
  }

  static func hash128(_ bytes: [UInt8]) -> [UInt8] {
    let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B
    var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    for byte in bytes {
      hash = (hash ^ UInt128(byte)) &* prime
    }
    return withUnsafeBytes(of: hash.bigEndian) { Array($0) }
  }
}
