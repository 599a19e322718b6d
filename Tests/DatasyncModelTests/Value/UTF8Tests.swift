import Testing

@testable import DatasyncModel

/// Texts from bytes, against the standard library's own validation.
struct UTF8Tests {
  private func decoded(_ bytes: [UInt8]) -> String? {
    bytes.withUnsafeBytes { String(utf8: $0) }
  }

  @Test func `valid text is taken as it is`() {
    for text in ["", "a", "Milk", "é", "日本", "😀", "a\u{0}b", "\u{FFFD}", "x\u{FFFD}y", "\u{FEFF}"] {
      #expect(decoded(Array(text.utf8)) == text)
      #expect(decoded(Array(text.utf8)).map { Array($0.utf8) } == Array(text.utf8))
    }
  }

  /// Some are repaired to just as many bytes.
  @Test func `what is no UTF-8 is refused, whatever it is repaired to`() {
    let starts: [[UInt8]] = [[], [0x61], [0xE2, 0x82, 0xAC]]
    let heads: [UInt8] = [
      0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF,
    ]
    let tails: [UInt8] = [0x61, 0x80, 0x90, 0x9F, 0xA0, 0xBF, 0xC2]
    for start in starts {
      for head in heads {
        for second in tails {
          for third in tails {
            for count in 1...3 {
              let bytes = start + [head, second, third].prefix(count)
              #expect(decoded(bytes) == String(validating: bytes, as: UTF8.self), "\(bytes)")
            }
          }
        }
      }
    }
  }
}
