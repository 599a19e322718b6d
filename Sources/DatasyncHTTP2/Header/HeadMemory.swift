#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The last head that a connection has received, since most clients send the same one again and again:
/// such a head is compared as it comes, and not stored. A part of its connection.
///
/// Its bytes lie in memory of its own, so that comparing a field counts no references.
struct HeadMemory: ~Copyable {
  private struct Mark {
    let nameCount: Int
    let valueCount: Int
    let isSecret: Bool
  }

  private(set) var head = HeaderBlock()
  /// Rises when ``head`` becomes another; 0: there is none yet.
  private(set) var number = 0
  private var count = 0
  /// Heads since the last one that was the same.
  private var misses = 0
  private var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var marks = UnsafeMutableBufferPointer<Mark>(start: nil, count: 0)
  /// The stream whose head is the same so far; 0: there is none.
  private var streamID: Int32 = 0
  /// Fields of it that were the same.
  private(set) var matchedCount = 0
  /// Of the field that is expected next, in ``bytes``.
  private var offset = 0

  /// Longer ones are not remembered.
  private static let maxBytes = 1024

  deinit {
    bytes.deallocate()
    marks.deallocate()
  }

  /// The head of a stream begins.
  mutating func begin(of id: Int32) {
    streamID = id
    matchedCount = 0
    offset = 0
  }

  /// Nothing more is compared.
  mutating func end() {
    streamID = 0
  }

  /// Whether the stream's head is the same so far.
  func isExpecting(_ id: Int32) -> Bool { streamID == id && id != 0 }

  /// Whether no field is missing.
  var isWhole: Bool { matchedCount == count && count > 0 }

  /// What the fields that were the same count for in a header list; RFC 9113, section 6.5.2.
  var matchedBytes: Int { offset + matchedCount * HTTP2Connection.fieldOverhead }

  /// Whether the next field is this one.
  @inline(__always)
  mutating func matches(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isSecret: Bool
  ) -> Bool {
    let index = matchedCount
    guard index < count, let base = bytes.baseAddress else { return false }
    let mark = marks[index]
    guard mark.nameCount == name.count, mark.valueCount == value.count, mark.isSecret == isSecret
    else { return false }
    if let name = name.baseAddress, memcmp(base + offset, name, mark.nameCount) != 0 {
      return false
    }
    if let value = value.baseAddress,
      memcmp(base + offset + mark.nameCount, value, mark.valueCount) != 0
    {
      return false
    }
    offset += mark.nameCount + mark.valueCount
    matchedCount = index + 1
    return true
  }

  /// The head was the same.
  mutating func matched() {
    misses = 0
    end()
  }

  /// Notes a head that is not the one remembered, and perhaps remembers it.
  ///
  /// - Returns: Its number; 0: it is not remembered.
  mutating func missed(_ other: HeaderBlock) -> Int {
    misses += 1
    // Where every head differs from the one before it, remembering them is in vain.
    guard misses <= 4 || misses.isMultiple(of: 64), other.byteCount <= Self.maxBytes,
      !other.isEmpty
    else { return 0 }
    head = other
    number += 1
    count = other.count
    bytes.deallocate()
    marks.deallocate()
    bytes = .allocate(byteCount: max(1, other.byteCount), alignment: 1)
    marks = .allocate(capacity: count)
    var end = 0
    other.forEachReceived { index, name, value, isSecret in
      marks.initializeElement(
        at: index,
        to: Mark(nameCount: name.count, valueCount: value.count, isSecret: isSecret))
      for part in [name, value] where !part.isEmpty {
        UnsafeMutableRawBufferPointer(rebasing: bytes[end...]).copyMemory(from: part)
        end += part.count
      }
    }
    return number
  }
}
