package import NIOCore

/// What a listener speaks besides gRPC: Connect's unary calls. A value.
package struct WebOptions: Sendable {
  /// Reads and writes what is in JSON.
  package var transcoder: any MessageTranscoder

  /// Of pages that may ask, beside those of the address itself; in lower case.
  package let origins: Set<String>

  /// By path.
  package let files: [String: WebFile]

  /// - Parameters:
  ///   - origins: As ``origin(_:)`` reads them; others are left out.
  ///   - files: By path; one whose path ends in a slash is found without it, too.
  package init(
    transcoder: any MessageTranscoder, origins: [String] = [], files: [String: WebFile] = [:]
  ) {
    self.transcoder = transcoder
    self.files = files
    self.origins = Set(origins.compactMap { WebOptions.origin($0) })
  }

  /// An origin as browsers write it: `https://app.example.com`, with a port where that is not the
  /// scheme's own. Nil: it is none, as `null` and `*`.
  package static func origin(_ text: String) -> String? {
    let text = text.lowercased()
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, ["http:", "https:"].contains(parts[0]), parts[1].isEmpty else {
      return nil
    }
    let isHost = parts[2].utf8.allSatisfy { byte in
      Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
        || ".-:[]".utf8.contains(byte)
    }
    return isHost && parts[2].utf8.allSatisfy { $0 < 0x80 } && !parts[2].isEmpty ? text : nil
  }
}

/// Between methods' messages and their JSON. Sendable; asked on every event loop, and does not block.
package protocol MessageTranscoder: Sendable {
  /// A request that came as JSON, as its handler takes it.
  ///
  /// - Parameter path: The method's.
  /// - Throws: The status with which the call ends.
  func request(json: ByteBuffer, path: String) throws(Status) -> ByteBuffer
  /// A response as JSON.
  ///
  /// - Throws: As ``request(json:path:)``.
  func response(_ message: ByteBuffer, path: String) throws(Status) -> ByteBuffer
  /// A message of any type as JSON; nil: its type is not known, or the bytes are none.
  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]?
  /// The status of a call whose request cannot be read.
  func malformedMessage(_ problem: String) -> Status
}
