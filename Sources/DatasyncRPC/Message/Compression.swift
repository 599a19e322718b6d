import CDatasyncZlib
package import NIOCore

/// zlib, for one message at a time. Namespace.
package enum Compression {
  /// Why a message is not decompressed.
  package enum Fault: Error {
    case malformed
    case tooLarge
    /// Of zlib's own; the message may be whole.
    case outOfMemory

    /// What zlib's code says of a stream that does not go on.
    init(code: Int32) {
      self = code == Z_MEM_ERROR ? .outOfMemory : .malformed
    }
  }

  private static let chunkBytes = 16_384

  /// - Returns: Nil if zlib has no memory; the message then goes as it is.
  package static func compress(_ message: ByteBuffer, _ encoding: Encoding) -> ByteBuffer? {
    var stream = z_stream()
    guard
      deflateInit2_(
        &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits(encoding), 8,
        Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(message.readableBytes))) + 32
    var output = ByteBuffer()
    output.reserveCapacity(bound)
    let isWhole = message.withUnsafeReadableBytes { input in
      withInput(input, &stream)
      output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { room in
        stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(room.count)
        let result = deflate(&stream, Z_FINISH)
        return result == Z_STREAM_END ? room.count - Int(stream.avail_out) : 0
      }
      return output.readableBytes > 0
    }
    return isWhole ? output : nil
  }

  /// - Parameter maxBytes: Of the result; the inflater stops there, whatever the input promises.
  package static func decompress(
    _ message: ByteBuffer, _ encoding: Encoding, maxBytes: Int
  ) throws(Fault) -> ByteBuffer {
    var stream = z_stream()
    let code = inflateInit2_(
      &stream, windowBits(encoding), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw Fault(code: code) }
    defer { inflateEnd(&stream) }
    var output = ByteBuffer()
    let result: Result<Void, Fault> = message.withUnsafeReadableBytes { input in
      withInput(input, &stream)
      while true {
        let room = min(chunkBytes + output.readableBytes, maxBytes + 1 - output.readableBytes)
        guard room > 0 else { return .failure(.tooLarge) }
        var code = Z_OK
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { buffer in
          stream.next_out = buffer.bindMemory(to: UInt8.self).baseAddress
          stream.avail_out = UInt32(room)
          code = inflate(&stream, Z_NO_FLUSH)
          return room - Int(stream.avail_out)
        }
        guard output.readableBytes <= maxBytes else { return .failure(.tooLarge) }
        if code == Z_STREAM_END {
          if stream.avail_in == 0 { return .success(()) }
          // Members may follow one another: RFC 1952, section 2.2.
          guard encoding == .gzip, inflateReset(&stream) == Z_OK else {
            return .failure(.malformed)
          }
          continue
        }
        // Input that ends before the stream does, or no stream at all.
        guard code == Z_OK, stream.avail_in > 0 || stream.avail_out == 0 else {
          return .failure(Fault(code: code))
        }
      }
    }
    try result.get()
    return output
  }

  /// gRPC's deflate is zlib's own format.
  private static func windowBits(_ encoding: Encoding) -> Int32 {
    switch encoding {
    case .gzip: 15 + 16
    case .deflate: 15
    }
  }

  private static func withInput(_ input: UnsafeRawBufferPointer, _ stream: inout z_stream) {
    stream.next_in = UnsafeMutablePointer(
      mutating: input.bindMemory(to: UInt8.self).baseAddress)
    stream.avail_in = UInt32(clamping: input.count)
  }
}
