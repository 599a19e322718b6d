import Foundation

/// Makes wrong bytes out of right ones. The same seed and corpus give the same bytes. A value.
struct Mutator: RandomNumberGenerator {
  static let seconds =
    ProcessInfo.processInfo.environment["DATASYNC_FUZZ_SECONDS"].flatMap(Double.init) ?? 10

  static let seed =
    ProcessInfo.processInfo.environment["DATASYNC_FUZZ_SEED"].flatMap { UInt64($0) }
    ?? UInt64.random(in: 0...UInt64.max)

  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  /// The files of a target, in the order of their names.
  static func corpus(_ target: String, file: String = #filePath) throws -> [[UInt8]] {
    let root = URL(fileURLWithPath: file).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let folder = root.appendingPathComponent("Fuzz/corpus/\(target)")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      Array(try Data(contentsOf: folder.appendingPathComponent($0)))
    }
  }

  /// Runs the closure with one input after the other, until the time is over.
  ///
  /// - Returns: How many inputs there were.
  static func run(
    _ target: String, _ body: (inout Mutator, [[UInt8]]) throws -> Void
  ) throws -> Int {
    print("fuzzing \(target) for \(seconds) s with DATASYNC_FUZZ_SEED=\(seed)")
    let corpus = try corpus(target)
    let end = ContinuousClock.now + .seconds(seconds)
    var count = 0
    while ContinuousClock.now < end {
      // Each input from a seed of its own, so that one fails without those before it.
      var mutator = Mutator(seed: seed &+ UInt64(count))
      try body(&mutator, corpus)
      count += 1
    }
    return count
  }

  // MARK: - Bytes

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<Swift.max(1, bound), using: &self) }

  private static let edges: [UInt8] = [0, 1, 2, 4, 5, 8, 0x20, 0x7F, 0x80, 0xFE, 0xFF]

  /// One of the corpus, changed in up to eight places.
  mutating func input(_ corpus: [[UInt8]]) -> [UInt8] {
    var bytes = corpus[below(corpus.count)]
    for _ in 0..<below(9) { change(&bytes, corpus) }
    return bytes
  }

  mutating func change(_ bytes: inout [UInt8], _ corpus: [[UInt8]]) {
    guard !bytes.isEmpty else {
      bytes = corpus[below(corpus.count)]
      return
    }
    let at = below(bytes.count)
    let end = at + below(min(32, bytes.count - at)) + 1
    switch below(7) {
    case 0: bytes[at] ^= 1 << UInt8(below(8))
    case 1: bytes[at] = Self.edges[below(Self.edges.count)]
    case 2: bytes.insert(UInt8(truncatingIfNeeded: next()), at: at)
    case 3: bytes.removeSubrange(at..<end)
    case 4: bytes.insert(contentsOf: bytes[at..<end], at: below(bytes.count))
    case 5: bytes.removeSubrange(at...)
    default:
      let other = corpus[below(corpus.count)]
      bytes.replaceSubrange(at..., with: other.suffix(below(other.count + 1)))
    }
  }

  /// The bytes in parts, of one byte or many.
  mutating func parts(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var rest = bytes[...]
    var parts: [ArraySlice<UInt8>] = []
    let most = [1, 9, 64, 100_000][below(4)]
    while !rest.isEmpty {
      let part = rest.prefix(1 + below(most))
      rest = rest.dropFirst(part.count)
      parts.append(part)
    }
    return parts
  }
}
