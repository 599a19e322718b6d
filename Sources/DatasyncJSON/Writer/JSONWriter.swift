/// Writes messages as protobuf's canonical JSON, straight from their bytes. A value.
///
/// Names are in lower camel case, 64-bit integers are strings, enums are written by name, what has no
/// presence is left out at its default, and there is no space. Fields that the schema does not have are
/// left out. What comes in the order of its numbers, as all serializers write, is written as it is read;
/// anything else is put in order first, by which the last value counts and messages are merged.
///
/// Source: protobuf.dev/programming-guides/json.
package struct JSONWriter: Sendable {
  /// Arrays and objects that may be open at once, here and in what is read.
  package static let maxDepth = 100

  package let registry: TypeRegistry
  private let maxBytes: Int

  /// - Parameters:
  ///   - registry: Has the types of messages in an Any, and those that the schemas were found in.
  ///   - maxBytes: The longest text; a field or so more is written before it is noticed.
  package init(registry: TypeRegistry, maxBytes: Int = .max) {
    self.registry = registry
    self.maxBytes = maxBytes
  }

  /// - Parameters:
  ///   - schema: Of this registry, or of one that it stands over.
  ///   - text: Stays as it was where this throws.
  /// - Throws: ``JSONFault`` of kind `message` or `size`.
  /// - Complexity: O(n) in the bytes where they are in order; else every message is sorted, and merged
  ///   ones are copied once for each message around them.
  package func append(
    _ message: UnsafeRawBufferPointer, of schema: MessageSchema, to text: inout [UInt8]
  ) throws(JSONFault) {
    let count = text.count
    let (limit, overflows) = count.addingReportingOverflow(maxBytes)
    var writing = MessageWriting(registry: registry, maxCount: overflows ? .max : limit)
    swap(&writing.text.bytes, &text)
    do throws(JSONFault) {
      try writing.message(message, schema)
      swap(&writing.text.bytes, &text)
    } catch {
      swap(&writing.text.bytes, &text)
      text.removeLast(text.count - count)
      throw error
    }
  }

  /// The text alone, for what is in an array.
  package func text(of message: [UInt8], _ schema: MessageSchema) throws(JSONFault) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(message.count * 2 + 16)
    try message.withUnsafeBufferPointer { message throws(JSONFault) in
      try append(UnsafeRawBufferPointer(message), of: schema, to: &text)
    }
    return text
  }
}
