import DatasyncModel
package import DatasyncStorage

/// What a request was answered, as `datasync_mutations` keeps it. Namespace.
package enum StoredResults {
  /// Protobuf wire format: a field 1 for each result, with message name, image if any, and sequence.
  package static func encode(_ results: [WriteResult]) -> [UInt8] {
    var writer = WireWriter()
    for result in results {
      writer.append(field: 1) { nested in
        nested.append(field: 1, string: result.messageName)
        if let image = result.image { nested.append(field: 2, bytes: image.bytes) }
        nested.append(field: 3, varint: result.sequence.rawValue)
      }
    }
    return writer.bytes
  }

  /// - Returns: nil where the bytes are none that ``encode(_:)`` makes: the file is damaged.
  package static func decode(_ bytes: UnsafeRawBufferPointer) -> [WriteResult]? {
    var results: [WriteResult] = []
    var reader = WireReader(bytes)
    do throws(WireReader.Fault) {
      while let next = try reader.next() {
        guard case (1, .bytes(let message)) = next, let result = try self.result(message) else {
          return nil
        }
        results.append(result)
      }
    } catch {
      return nil
    }
    return results
  }

  private static func result(
    _ message: UnsafeRawBufferPointer
  ) throws(WireReader.Fault) -> WriteResult? {
    var reader = WireReader(message)
    guard case (1, .bytes(let name))? = try reader.next(), let name = String(utf8: name) else {
      return nil
    }
    var next = try reader.next()
    var image: RowImage?
    // There is none where the row cannot be read.
    if case (2, .bytes(let bytes))? = next {
      guard RowDecoder.isWhole(bytes) else { return nil }
      image = RowImage(bytes: Array(bytes))
      next = try reader.next()
    }
    guard case (3, .varint(let sequence))? = next, sequence <= UInt64(Int64.max),
      try reader.next() == nil
    else { return nil }
    return WriteResult(messageName: name, image: image, sequence: Sequence(sequence))
  }
}
