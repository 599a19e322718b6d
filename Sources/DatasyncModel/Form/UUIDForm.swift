/// How UUIDs stand in a column. A value.
package enum UUIDForm: Hashable, Sendable {
  case text(isUppercase: Bool, hasHyphens: Bool)
  /// 16 bytes.
  case blob

  /// 36 characters, small letters: as UUIDs travel.
  package static let plain = UUIDForm.text(isUppercase: false, hasHyphens: true)

  /// A UUID as somebody has written it.
  struct Scan {
    var bytes: (UInt64, UInt64) = (0, 0)
    let hasHyphens: Bool
    var hasCapitals = false
    var hasSmalls = false

    init?(_ text: UnsafeRawBufferPointer) {
      guard text.count == 36 || text.count == 32 else { return nil }
      hasHyphens = text.count == 36
      var digits = 0
      for (index, byte) in text.enumerated() {
        if hasHyphens, index == 8 || index == 13 || index == 18 || index == 23 {
          guard byte == 0x2D else { return nil }
          continue
        }
        let value: UInt8
        switch byte {
        case 0x30...0x39: value = byte - 0x30
        case 0x41...0x46: (value, hasCapitals) = (byte - 0x37, true)
        case 0x61...0x66: (value, hasSmalls) = (byte - 0x57, true)
        default: return nil
        }
        if digits < 16 {
          bytes.0 = bytes.0 << 4 | UInt64(value)
        } else {
          bytes.1 = bytes.1 << 4 | UInt64(value)
        }
        digits += 1
      }
    }

    /// Of 16 bytes.
    init?(blob: UnsafeRawBufferPointer) {
      guard blob.count == 16 else { return nil }
      hasHyphens = false
      for byte in blob[..<8] { bytes.0 = bytes.0 << 8 | UInt64(byte) }
      for byte in blob[8...] { bytes.1 = bytes.1 << 8 | UInt64(byte) }
    }

    /// Whether its digits are those of a number, as `12e4`: no letter, or one `e` within.
    var looksNumeric: Bool {
      var letters = 0
      for index in 0..<32 {
        let word = index < 16 ? bytes.0 : bytes.1
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - index % 16 * 4)) & 0xF
        guard digit > 9 else { continue }
        letters += 1
        guard digit == 0xE, letters == 1, 1...30 ~= index else { return false }
      }
      return true
    }

    /// In small letters, with hyphens.
    var text: String {
      String(unsafeUninitializedCapacity: 36) { buffer in
        UUIDForm.write(bytes, isUppercase: false, hasHyphens: true, to: buffer)
      }
    }
  }

  /// - Parameter isNumeric: Whether the column has numeric affinity.
  package func stored(_ uuid: String, isNumeric: Bool = false) -> StoredValue? {
    var uuid = uuid
    guard let scan = uuid.withUTF8({ Scan(UnsafeRawBufferPointer($0)) }) else { return nil }
    switch self {
    case .text(let isUppercase, var hasHyphens):
      // SQLite would make a number of it, with fewer digits.
      if isNumeric, scan.looksNumeric { hasHyphens = true }
      return .text(
        [UInt8](unsafeUninitializedCapacity: 36) { buffer, count in
          count = UUIDForm.write(
            scan.bytes, isUppercase: isUppercase, hasHyphens: hasHyphens, to: buffer)
        })
    case .blob:
      let (high, low) = scan.bytes
      return .blob(
        [high, low].flatMap { word in
          (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) }
        })
    }
  }

  /// - Parameter buffer: Has room for 36 bytes.
  /// - Returns: How many were written.
  private static func write(
    _ bytes: (UInt64, UInt64), isUppercase: Bool, hasHyphens: Bool,
    to buffer: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    let letters: UInt8 = isUppercase ? 0x37 : 0x57
    var count = 0
    for index in 0..<32 {
      if hasHyphens, 8...20 ~= index, index % 4 == 0 {
        buffer[count] = 0x2D
        count += 1
      }
      let word = index < 16 ? bytes.0 : bytes.1
      let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - index % 16 * 4)) & 0xF
      buffer[count] = digit < 10 ? digit + 0x30 : digit + letters
      count += 1
    }
    return count
  }
}
