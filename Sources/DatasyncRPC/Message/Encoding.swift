/// How messages are compressed. A value. Source: grpc/doc/compression.md.
package enum Encoding: String, Sendable {
  case gzip
  case deflate

  /// What a server accepts, as `grpc-accept-encoding` says it.
  static let accepted: StaticString = "identity,gzip,deflate"

  /// Those of a peer's list that are ours. A value.
  struct Accepted: Equatable, Sendable {
    private(set) var gzip = false
    private(set) var deflate = false

    /// - Parameter list: The value of `grpc-accept-encoding`.
    mutating func add(_ list: UnsafeRawBufferPointer) {
      for name in list.split(separator: UInt8(ascii: ",")) {
        let trimmed = name.drop { $0 == 0x20 }.prefix { $0 != 0x20 }
        if trimmed.elementsEqual("gzip".utf8) { gzip = true }
        if trimmed.elementsEqual("deflate".utf8) { deflate = true }
      }
    }

    mutating func addGzip() {
      gzip = true
    }

    /// The one that the peer uses itself, if it accepts it; or else one that it accepts.
    func choose(_ used: Encoding?) -> Encoding? {
      switch used {
      case .gzip where gzip: .gzip
      case .deflate where deflate: .deflate
      default: gzip ? .gzip : deflate ? .deflate : nil
      }
    }
  }
}
