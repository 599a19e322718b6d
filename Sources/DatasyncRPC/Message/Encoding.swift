/// How messages are compressed. A value. Source: grpc/doc/compression.md.
package enum Encoding: String, Sendable {
  case gzip
  case deflate

  /// What a server accepts, as `grpc-accept-encoding` says it.
  static let accepted: StaticString = "identity,gzip,deflate"

  /// The first of a peer's list that is ours.
  static func preferred(_ list: String) -> Encoding? {
    for name in list.utf8.split(separator: UInt8(ascii: ",")) {
      let trimmed = name.drop { $0 == 0x20 }
      let end = trimmed.prefix { $0 != 0x20 }
      if end.elementsEqual("gzip".utf8) { return .gzip }
      if end.elementsEqual("deflate".utf8) { return .deflate }
    }
    return nil
  }
}
