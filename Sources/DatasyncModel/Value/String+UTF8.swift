#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension String {
  /// nil where the bytes are no UTF-8.
  ///
  /// `init(validating:as:)` does the same, and for each text looks up the metadata of the types it is
  /// generic over, which takes longer than most texts.
  package init?(utf8 bytes: UnsafeRawBufferPointer) {
    var text = String(decoding: bytes, as: UTF8.self)
    // Where something had to be repaired, it shows.
    let isWhole = text.withUTF8 { decoded in
      guard decoded.count == bytes.count else { return false }
      guard let decoded = decoded.baseAddress, let given = bytes.baseAddress else { return true }
      return memcmp(decoded, given, bytes.count) == 0
    }
    guard isWhole else { return nil }
    self = text
  }
}
