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

  // MARK: - Reading

  /// The flags alone, which come first: what has none that are known need not be waited for.
  ///
  /// - Returns: Nil: nothing has come.
  static func flags(at buffer: ByteBuffer) -> Flags? {
    buffer.getInteger(at: buffer.readerIndex, as: UInt8.self).map(Flags.init)
  }

  /// What stands at the reader index; nil: too few bytes.
  init?(at buffer: ByteBuffer) {
    guard let flags = MessagePrefix.flags(at: buffer),
      let length = buffer.getInteger(at: buffer.readerIndex + 1, as: UInt32.self)
    else { return nil }
    self.flags = flags
    self.length = length
  }

  // MARK: - Writing

  /// - Parameter room: Of ``byteCount`` bytes or more.
  @inlinable
  package func write(to room: UnsafeMutableRawBufferPointer) {
    room[0] = flags.rawValue
    room.storeBytes(of: length.bigEndian, toByteOffset: 1, as: UInt32.self)
  }
}
