/// Rows as they travel, one behind the other in one piece of memory: a page costs two allocations,
/// however many rows it has. A value.
package struct PackedRows: Sendable {
  private var encoder: RowEncoder
  private var ends: [Int] = []

  /// - Parameter capacity: Bytes that are likely to come.
  package init(reservingCapacity capacity: Int = 0) {
    encoder = RowEncoder(reservingCapacity: capacity)
  }

  /// Rows, of which some may have no bytes.
  package var count: Int { ends.count }
  /// Of all rows together, without what a message adds to each.
  package var byteCount: Int { encoder.byteCount }

  /// Adds the row that the closure writes; nothing of it where the closure throws.
  package mutating func append<Failure>(
    _ write: (inout RowEncoder) throws(Failure) -> Void
  ) throws(Failure) {
    let start = encoder.byteCount
    do throws(Failure) {
      try write(&encoder)
    } catch {
      encoder.truncate(to: start)
      throw error
    }
    ends.append(encoder.byteCount)
  }

  /// Lends each row's bytes in order.
  package func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
    encoder.bytes.withUnsafeBytes { bytes in
      var start = 0
      for end in ends {
        body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
        start = end
      }
    }
  }

  /// The sum over all rows of what the closure says of their sizes, in bytes.
  package func sum(_ body: (Int) -> Int) -> Int {
    var start = 0
    var sum = 0
    for end in ends {
      sum += body(end - start)
      start = end
    }
    return sum
  }
}
