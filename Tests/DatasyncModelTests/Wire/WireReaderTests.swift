import DatasyncModel
import Testing

@Suite struct WireReaderTests {
  /// The fields until the end or the fault.
  private func read(_ bytes: [UInt8]) -> (numbers: [Int], fault: WireReader.Fault?) {
    bytes.withUnsafeBytes { buffer in
      var reader = WireReader(buffer)
      var numbers: [Int] = []
      do throws(WireReader.Fault) {
        while let next = try reader.next() { numbers.append(next.number) }
      } catch {
        return (numbers, error)
      }
      return (numbers, nil)
    }
  }

  @Test(
    arguments: [
      ([0x08], .truncated), ([0x08, 0x80], .truncated), ([0x80], .truncated),
      ([0x0D, 1, 2, 3], .truncated),
      ([0x09, 1, 2, 3, 4, 5, 6, 7], .truncated), ([0x0A], .truncated), ([0x0A, 1], .truncated),
      ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .truncated),
      ([0x00, 0x00], .malformed), ([0x0B], .malformed), ([0x0C], .malformed), ([0x0E], .malformed),
      ([0x08] + [UInt8](repeating: 0x80, count: 11), .malformed),
      ([0xF8, 0xFF, 0xFF, 0xFF, 0x1F, 0x00], .malformed),
    ] as [([UInt8], WireReader.Fault)])
  func `hostile bytes are a fault`(_ bytes: [UInt8], _ fault: WireReader.Fault) {
    #expect(read(bytes).fault == fault)
  }

  @Test func `a varint of ten bytes is read, and one of eleven is not`() {
    #expect(read([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01]).fault == nil)
    #expect(read([0x08] + [UInt8](repeating: 0xFF, count: 10) + [0x01]).fault == .malformed)
  }

  @Test func `what is written is read`() {
    var writer = WireWriter()
    writer.append(field: 1, int64: -1)
    writer.append(field: 2, bool: true)
    writer.append(field: 536_870_911, string: "\u{1F600}")
    writer.append(field: 4, double: -0.0)
    writer.append(field: 5, timestamp: -1)
    writer.append(field: 6, bytes: [])
    writer.bytes.withUnsafeBytes { buffer in
      var reader = WireReader(buffer)
      func next() -> (Int, WireReader.Field)? { try? reader.next().map { ($0.number, $0.field) } }
      guard case (1, .varint(.max))? = next(), case (2, .varint(1))? = next(),
        case (536_870_911, .bytes(let text))? = next(),
        case (4, .fixed64(0x8000_0000_0000_0000))? = next(), case (5, .bytes(let moment))? = next(),
        case (6, .bytes(let empty))? = next()
      else {
        Issue.record("the fields differ")
        return
      }
      #expect(Array(text) == Array("\u{1F600}".utf8))
      // -1 µs: -1 second and 999,999,000 nanoseconds.
      #expect(moment.count == 17)
      #expect(empty.isEmpty)
      #expect(next() == nil)
      #expect(reader.offset == buffer.count)
    }
  }

  @Test func `random bytes never crash the reader`() {
    let seed = UInt64.random(in: 0...9_999_999)
    print("wire: seed \(seed)")
    var random = Seeded(state: seed)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      _ = read(bytes)
    }
  }

  @Test func `the size of a varint is what it takes`() {
    for value: UInt64 in [0, 1, 127, 128, 16_383, 16_384, 1 << 62, 1 << 63, .max] {
      var writer = WireWriter()
      writer.appendVarint(value)
      #expect(writer.bytes.count == WireWriter.varintSize(value), "\(value)")
    }
  }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
