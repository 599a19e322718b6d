package import NIOCore

/// Takes one request's body out of a connection's bytes. A value. Source: RFC 9112, sections 6 and 7.
package struct HTTP1BodyReader: Sendable {
  /// What there is to be taken. A value.
  package enum Output: Equatable, Sendable {
    case bytes(ByteBuffer)
    case needsMore
    /// What follows is another request.
    case end
    /// The connection is not read any further.
    case failed(HTTP1Fault)
  }

  private enum State: Sendable {
    /// So many bytes are to come, and then what follows them.
    case bytes(Int, isChunk: Bool)
    case chunkEnd
    case chunkLine
    case trailers
    case ended
  }

  /// Of a chunk's line, with its extensions, which mean nothing here.
  package static let maxChunkLineBytes = 256
  /// Of all extensions in a body.
  package static let maxExtensionBytes = 16 << 10

  private var state: State
  private let maxTrailerBytes: Int
  private var trailerBytes = 0
  private var extensionBytes = 0

  package init(_ body: HTTP1Head.Body, maxTrailerBytes: Int) {
    self.maxTrailerBytes = maxTrailerBytes
    switch body {
    case .length(let count): state = count > 0 ? .bytes(count, isChunk: false) : .ended
    case .chunked: state = .chunkLine
    }
  }

  /// Whether nothing more belongs to the body.
  package var isEnded: Bool {
    if case .ended = state { return true }
    return false
  }

  /// - Parameter buffer: What has come; what belongs to the body is taken out of it.
  package mutating func next(_ buffer: inout ByteBuffer) -> Output {
    while true {
      do throws(HTTP1Fault) {
        switch state {
        case .ended:
          return .end
        case .bytes(let left, let isChunk):
          guard let bytes = buffer.readSlice(length: min(left, buffer.readableBytes)),
            bytes.readableBytes > 0
          else { return .needsMore }
          let rest = left - bytes.readableBytes
          state = rest > 0 ? .bytes(rest, isChunk: isChunk) : isChunk ? .chunkEnd : .ended
          return .bytes(bytes)
        case .chunkEnd:
          guard buffer.readableBytes >= 2 else { return .needsMore }
          guard buffer.readBytes(length: 2) == [0x0D, 0x0A] else {
            throw .bad("A chunk is longer than it says.")
          }
          state = .chunkLine
        case .chunkLine:
          guard let line = try line(&buffer, max: HTTP1BodyReader.maxChunkLineBytes) else {
            return .needsMore
          }
          let size = try chunkSize(line)
          state = size > 0 ? .bytes(size, isChunk: true) : .trailers
        case .trailers:
          guard let line = try line(&buffer, max: maxTrailerBytes) else { return .needsMore }
          if line.isEmpty { state = .ended } else { try checkTrailer(line) }
        }
      } catch {
        return .failed(error)
      }
    }
  }

  /// - Returns: Without its end; nil: that has not come.
  private func line(_ buffer: inout ByteBuffer, max: Int) throws(HTTP1Fault) -> [UInt8]? {
    let view = buffer.readableBytesView.prefix(max + 2)
    guard let end = view.firstIndex(of: 0x0A) else {
      if view.count > max + 1 { throw .bad("A line between the chunks is too long.") }
      return nil
    }
    let line = buffer.readBytes(length: end - view.startIndex + 1) ?? []
    guard line.count >= 2, line[line.count - 2] == 0x0D else {
      throw .bad("A line between the chunks does not end in CRLF.")
    }
    guard line.dropLast(2).allSatisfy(HTTP1Syntax.isFieldValue) else {
      throw .bad("A line between the chunks has a byte that none may have.")
    }
    return Array(line.dropLast(2))
  }

  private mutating func chunkSize(_ line: [UInt8]) throws(HTTP1Fault) -> Int {
    let digits = line.prefix { Character(UnicodeScalar($0)).isHexDigit }
    let rest = line.dropFirst(digits.count)
    extensionBytes += rest.count
    let isExtension = HTTP1BodyReader.beginsExtension(rest)
    guard (1...15).contains(digits.count), rest.isEmpty || isExtension,
      extensionBytes <= HTTP1BodyReader.maxExtensionBytes,
      let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw .bad("A chunk does not say how long it is.") }
    return size
  }

  /// Spaces before the semicolon are bad, and borne. Source: RFC 9112, section 7.1.1.
  private static func beginsExtension(_ rest: ArraySlice<UInt8>) -> Bool {
    rest.first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: ";")
  }

  /// They mean nothing here.
  private mutating func checkTrailer(_ line: [UInt8]) throws(HTTP1Fault) {
    trailerBytes += line.count + 2
    guard trailerBytes <= maxTrailerBytes else {
      throw HTTP1Fault(431, "The trailers are too long.")
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
      line[..<colon].allSatisfy(HTTP1Syntax.isToken)
    else { throw .bad("A line of the trailers is no field.") }
  }
}
