package import NIOCore

/// What a listener speaks besides gRPC, and to whom: Connect, gRPC-Web, WebSocket and files. A value.
package struct WebOptions: Sendable {
  /// Reads and writes what is in JSON.
  package var transcoder: any MessageTranscoder

  /// Of pages that may ask, beside those of the address itself; in lower case.
  package let origins: Set<String>

  /// Names by which a server without TLS is asked, beside its addresses; in lower case, without ports.
  package let hosts: Set<String>
  /// By path.
  package let files: [String: WebFile]
  /// Of methods that are offered as WebSockets.
  package var webSocketPaths: Set<String> = []

  /// - Parameters:
  ///   - origins: As ``origin(_:)`` reads them; others are left out.
  ///   - hosts: Names beside `localhost` and those in the origins.
  ///   - files: By path; one whose path ends in a slash is found without it, too.
  package init(
    transcoder: any MessageTranscoder, origins: [String] = [], hosts: [String] = [],
    files: [String: WebFile] = [:]
  ) {
    self.transcoder = transcoder
    self.files = files
    self.origins = Set(origins.compactMap { WebOptions.origin($0) })
    let named = self.origins.compactMap { $0.split(separator: "/").last }
    self.hosts = Set(
      (hosts.map { $0.lowercased() } + named.map { WebOptions.name(in: String($0)) })
        + ["localhost"])
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

  /// Whether a request is meant for this server: a page can make a browser take any name for our address,
  /// but no address for another.
  ///
  /// - Parameter host: With a port or without.
  func isOwn(host: String) -> Bool {
    let name = WebOptions.name(in: host.lowercased())
    return hosts.contains(name) || WebOptions.isAddress(name)
  }

  /// Whether it is a name that a request may be for: without scheme, port and path.
  package static func isHostName(_ text: String) -> Bool {
    origin("http://\(text)") != nil && !text.contains(where: { ":[]".contains($0) })
  }

  private static func isAddress(_ text: String) -> Bool {
    let text = text.hasPrefix("[") && text.hasSuffix("]") ? text.dropFirst().dropLast() : text[...]
    return (try? SocketAddress(ipAddress: String(text), port: 0)) != nil
  }

  private static func name(in host: String) -> String {
    if host.hasPrefix("[") { return host.firstIndex(of: "]").map { String(host[...$0]) } ?? host }
    return host.firstIndex(of: ":").map { String(host[..<$0]) } ?? host
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
  /// The response to a request of a stream that ``request(json:path:)`` does not read, where such have ids
  /// and are answered alone; nil: the call ends.
  func answer(toUnreadable json: ByteBuffer, path: String) -> ByteBuffer?
  /// A message of any type as JSON; nil: its type is not known, or the bytes are none.
  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]?
  /// The status of a call whose request cannot be read.
  func malformedMessage(_ problem: String) -> Status
}

extension MessageTranscoder {
  /// Nil: for those whose requests have no ids.
  package func answer(toUnreadable json: ByteBuffer, path: String) -> ByteBuffer? { nil }
}
