package import NIOCore

/// What a listener speaks besides gRPC: Connect's unary calls. A value.
package struct WebOptions: Sendable {
  /// Reads and writes what is in JSON.
  package var transcoder: any MessageTranscoder

  package init(transcoder: any MessageTranscoder) {
    self.transcoder = transcoder
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
