import NIOCore

/// What stands before each message on a stream: a byte of flags, then the message's length in four bytes,
/// the highest first. A value. Source: grpc/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message".
package struct MessagePrefix: Hashable, Sendable {
  /// What a message is besides its bytes. A value.
  package struct Flags: OptionSet, Hashable, Sendable {
    /// As it travels; what is not named here is nobody's.
    package let rawValue: UInt8

    @inlinable
    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    /// With the encoding that the call's head names.
    package static let compressed = Flags(rawValue: 1)
    /// Of Connect: it is no message, but the end with its status.
    static let connectEnd = Flags(rawValue: 2)
    /// Of gRPC-Web: it is no message, but the trailers.
    static let trailers = Flags(rawValue: 0x80)
  }

  /// Of every prefix.
  @inlinable
  package static var byteCount: Int { 5 }

  /// Read as they came; those that are not known are the reader's to refuse.
  package let flags: Flags
  /// Of the message behind it, in bytes.
  package let length: UInt32

  /// - Parameter length: 0...4,294,967,295; what is beyond is cut to that.
  @inlinable
  package init(_ flags: Flags = [], length: Int) {
    self.flags = flags
    self.length = UInt32(clamping: length)
  }

  /// - Parameter room: Of ``byteCount`` bytes or more.
  @inlinable
  package func write(to room: UnsafeMutableRawBufferPointer) {
    room[0] = flags.rawValue
    room.storeBytes(of: length.bigEndian, toByteOffset: 1, as: UInt32.self)
  }
}

extension ByteBuffer {
  /// The flags of the prefix at the reader index, which come first: what has some that are not known need
  /// not be waited for. Nil: nothing has come.
  @inline(__always)
  var messageFlags: MessagePrefix.Flags? {
    getInteger(at: readerIndex, as: UInt8.self).map { MessagePrefix.Flags(rawValue: $0) }
  }

  /// The length in the prefix at the reader index; nil: it has not come whole.
  @inline(__always)
  var messageLength: UInt32? { getInteger(at: readerIndex + 1) }
}
