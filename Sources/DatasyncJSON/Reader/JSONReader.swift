/// Reads protobuf's JSON as messages, straight into their bytes. A value.
///
/// Fields are named as in JSON or as declared; integers may be written as any number that is one
/// exactly, or as a string of it; enums by name or number; `null` is absence. What is unknown, there
/// twice, of another type or out of range is a fault, which names the field. Masks have their paths in
/// lower camel case or as declared.
///
/// Source: protobuf.dev/programming-guides/json, RFC 8259.
package struct JSONReader: Sendable {
  package let registry: TypeRegistry
  private let maxBytes: Int

  /// - Parameters:
  ///   - registry: Has the types that an Any may hold, and those that the schemas were found in.
  ///   - maxBytes: The longest text and the longest message; at most 2 GiB.
  package init(registry: TypeRegistry, maxBytes: Int) {
    self.registry = registry
    self.maxBytes = min(maxBytes, Int(Int32.max))
  }

  /// The message's bytes, fields in the order of the text.
  ///
  /// - Parameter schema: Of this registry, or of one that it stands over.
  /// - Throws: ``JSONFault`` of any kind but `message`.
  /// - Complexity: O(n) in the text, times its logarithm for maps.
  package func message(
    _ schema: MessageSchema, of text: UnsafeRawBufferPointer
  ) throws(JSONFault) -> [UInt8] {
    guard text.count <= maxBytes else {
      throw JSONFault(.size, "the text has \(text.count) bytes; at most \(maxBytes) are allowed")
    }
    var reading = MessageReading(registry: registry, text: text, maxBytes: maxBytes)
    return try reading.whole(schema)
  }

  /// The same for what is in an array.
  package func message(_ schema: MessageSchema, of text: [UInt8]) throws(JSONFault) -> [UInt8] {
    try text.withUnsafeBufferPointer { text throws(JSONFault) in
      try message(schema, of: UnsafeRawBufferPointer(text))
    }
  }

  /// An unsigned field of the outermost object, whatever else is wrong with that: by it a request is
  /// answered that cannot be read.
  ///
  /// - Returns: Nil: it is not there, is no such number, or something before it is no JSON.
  package func unsigned(
    field number: Int, of schema: MessageSchema, in text: UnsafeRawBufferPointer
  ) -> UInt64? {
    let index = schema.index(ofNumber: number)
    guard index >= 0, text.count <= maxBytes else { return nil }
    var cursor = JSONCursor(text)
    cursor.skipSpace()
    guard cursor.take(UInt8(ascii: "{")) else { return nil }
    repeat {
      cursor.skipSpace()
      guard let key = try? cursor.string() else { return nil }
      cursor.skipSpace()
      guard cursor.take(UInt8(ascii: ":")) else { return nil }
      cursor.skipSpace()
      if cursor.withBytes(of: key, { schema.index(ofName: $0) }) == index {
        guard let number = try? cursor.numberToken() else { return nil }
        return cursor.withBytes(of: number) { JSONNumber($0).unsigned }
      }
      guard (try? cursor.skipValue()) != nil else { return nil }
      cursor.skipSpace()
    } while cursor.take(UInt8(ascii: ","))
    return nil
  }
}
