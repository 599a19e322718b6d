package import NIOCore

/// Takes heads of requests out of a connection's bytes. A value.
///
/// Strict where others read differently, since what two programs on one connection read differently is
/// how requests are smuggled: lines end in CRLF, no folded lines, one `Host`, one length. Source: RFC 9112.
package struct HTTP1HeadReader: Sendable {
  /// What there is to be taken. A value.
  package enum Output: Sendable {
    case needsMore
    case head(HTTP1Head)
    /// The connection is not read any further.
    case failed(HTTP1Fault)
  }

  /// Of the path with its query.
  package static let maxTargetBytes = 8 << 10
  /// Before a request.
  package static let maxEmptyLines = 8
  /// Of the longest method, and of what stands around the target.
  private static let lineOverhead = 64

  private let maxBytes: Int
  private let maxFields: Int
  private let scheme: String
  /// Of the head that has begun, looked at already.
  private var scanned = 0
  private var lineEnd: Int?
  /// Before it.
  private var emptyLines = 0

  /// - Parameters:
  ///   - maxBytes: Of a head without its first line.
  ///   - scheme: `http` or `https`.
  package init(maxBytes: Int, maxFields: Int, scheme: String) {
    self.maxBytes = maxBytes
    self.maxFields = maxFields
    self.scheme = scheme
  }

  /// Whether a head has begun.
  package func hasBegun(_ buffer: ByteBuffer) -> Bool { buffer.readableBytes > 0 }

  /// - Parameter buffer: What has come; a head is taken out of it when it is whole.
  /// - Complexity: O(n) in the bytes that came since the last time.
  package mutating func next(_ buffer: inout ByteBuffer) -> Output {
    guard skipEmptyLines(&buffer) else {
      return .failed(.bad("There are too many empty lines before a request."))
    }
    guard let end = findEnd(buffer) else { return judgeLength(buffer.readableBytes) }
    let line = lineEnd ?? 0
    if case .failed(let fault) = judgeLength(end) { return .failed(fault) }
    defer {
      buffer.moveReaderIndex(forwardBy: end)
      scanned = 0
      lineEnd = nil
      emptyLines = 0
    }
    return buffer.withUnsafeReadableBytes { bytes in
      var parser = HTTP1HeadParser(scheme: scheme, maxFields: maxFields)
      do throws(HTTP1Fault) {
        try parser.readLine(UnsafeRawBufferPointer(rebasing: bytes[..<line]))
        try parser.readFields(UnsafeRawBufferPointer(rebasing: bytes[(line + 2)..<(end - 2)]))
        return .head(try parser.whole())
      } catch {
        return .failed(error)
      }
    }
  }

  /// Borne before a request. Source: RFC 9112, section 2.2.
  ///
  /// - Returns: False: there are more than anybody sends, who then means to be waited for.
  private mutating func skipEmptyLines(_ buffer: inout ByteBuffer) -> Bool {
    while buffer.readableBytesView.starts(with: [0x0D, 0x0A]) {
      buffer.moveReaderIndex(forwardBy: 2)
      (scanned, lineEnd) = (0, nil)
      emptyLines += 1
    }
    return emptyLines <= HTTP1HeadReader.maxEmptyLines
  }

  /// Behind the empty line; nil: that has not come.
  private mutating func findEnd(_ buffer: ByteBuffer) -> Int? {
    buffer.withUnsafeReadableBytes { bytes in
      // Three bytes of the end may have been there already.
      var index = max(0, scanned - 3)
      scanned = bytes.count
      while index + 1 < bytes.count {
        defer { index += 1 }
        guard bytes[index] == 0x0D, bytes[index + 1] == 0x0A else { continue }
        if lineEnd == nil { lineEnd = index }
        if index + 3 < bytes.count, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
          return index + 4
        }
      }
      return nil
    }
  }

  /// - Parameter count: Of the head, as far as it is known.
  private func judgeLength(_ count: Int) -> Output {
    let line = lineEnd ?? count
    if line > HTTP1HeadReader.maxTargetBytes + HTTP1HeadReader.lineOverhead {
      return .failed(HTTP1Fault(414, "The URL is over 8 KiB."))
    }
    // Each line is known to end in two bytes, the head in two more.
    if count - line > maxBytes + 4 {
      return .failed(HTTP1Fault(431, "The request's head is too long (max_header_list_bytes)."))
    }
    return .needsMore
  }
}
