/// A value of a row that cannot be read as its column's type. A value.
package struct RowFault: Error, Hashable, Sendable {
  /// The field number of its column.
  package let number: Int
  /// What is stored and what would fit, as a person would say it.
  package let description: String

  /// - Parameter description: Must not contain the value: who reads it may not see that.
  package init(number: Int, description: String) {
    self.number = number
    self.description = description
  }
}

extension RowFault {
  /// The limit that a row's size is held against.
  package static let sizeLimit = "max_message_bytes"
  private static let sizeMark = "the row is too large to be sent"

  /// A row that no message holds, because of its largest field.
  package static func size(
    of image: some Collection<UInt8>, count: Int, limit: Int
  ) -> RowFault {
    var largest = (number: 0, count: -1)
    Array(image).withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      var start = 0
      while let next = try? reader.next() {
        if reader.offset - start > largest.count { largest = (next.number, reader.offset - start) }
        start = reader.offset
      }
    }
    return RowFault(
      number: largest.number,
      description: "\(sizeMark): it has \(count) bytes, this column \(largest.count); "
        + "\(sizeLimit) leaves room for \(limit)")
  }

  /// Whether it is one of ``size(of:count:limit:)``.
  package var isSize: Bool { description.hasPrefix(RowFault.sizeMark) }
}

/// What is wrong with a row, kept in its image: the values that cannot be read are left out of it, and
/// a field that no column has says which and why. It never travels: a row that shows it is not sent.
package enum RowFaults {
  /// Of protobuf's own numbers, which no column gets.
  package static let fieldNumber = 19_999

  /// Writes a field for each fault; to be called after all columns, since fields are in order.
  package static func append(_ faults: [RowFault], to encoder: inout RowEncoder) {
    for fault in faults {
      var entry = WireWriter()
      entry.append(field: 1, varint: UInt64(clamping: fault.number))
      entry.append(field: 2, string: fault.description)
      entry.bytes.withUnsafeBytes { encoder.append(bytes: $0, number: fieldNumber) }
    }
  }

  /// In the order of the columns; empty where the row can be read.
  package static func faults(of image: UnsafeRawBufferPointer) -> [RowFault] {
    var faults: [RowFault] = []
    var reader = WireReader(image)
    while let next = try? reader.next() {
      guard next.number == fieldNumber, case .bytes(let bytes) = next.field else { continue }
      var number = 0
      var description = ""
      var entry = WireReader(bytes)
      while let field = try? entry.next() {
        if case (1, .varint(let value)) = field { number = Int(clamping: value) }
        if case (2, .bytes(let text)) = field {
          description = String(decoding: text, as: UTF8.self)
        }
      }
      faults.append(RowFault(number: number, description: description))
    }
    return faults
  }

  /// Walks the whole image: ask only where a flag says that there are any.
  package static func faults(of image: RowImage) -> [RowFault] {
    image.bytes.withUnsafeBytes { faults(of: $0) }
  }
}
