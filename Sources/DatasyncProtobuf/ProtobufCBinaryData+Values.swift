package import CDatasyncMessages

extension ProtobufCBinaryData {
  package var rawBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: data, count: len)
  }

  package var array: [UInt8] { Array(rawBytes) }

  /// The text, or nil where the bytes are not UTF-8, which a proto3 string must be.
  package var text: String? {
    len == 0 ? "" : String(validating: rawBytes, as: UTF8.self)
  }
}
