package import CDatasyncMessages

extension ProtobufCBinaryData {
  /// Lent: it ends with the message, an arena's with the closure that got it.
  package var rawBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: data, count: len)
  }

  /// A copy.
  package var array: [UInt8] { Array(rawBytes) }

  /// The text, or nil where the bytes are not UTF-8, which a proto3 string must be.
  package var text: String? {
    len == 0 ? "" : String(validating: rawBytes, as: UTF8.self)
  }
}
