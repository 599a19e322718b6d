import DatasyncModel

/// Cuts images down to what was asked for.
enum RowProjection {
  /// - Parameter numbers: Of the fields that are kept; nil: all.
  /// - Throws: The first of them that cannot be read.
  static func append(
    _ image: UnsafeRawBufferPointer, isFaulty: Bool, numbers: Set<Int>?,
    to encoder: inout RowEncoder
  ) throws(RowFault) {
    if isFaulty,
      let fault = RowFaults.faults(of: image).first(where: { numbers?.contains($0.number) ?? true })
    {
      throw fault
    }
    keep(image, numbers, in: &encoder)
  }

  static func append(
    _ image: RowImage, isFaulty: Bool, numbers: Set<Int>?, to encoder: inout RowEncoder
  ) throws(RowFault) {
    if isFaulty,
      let fault = RowFaults.faults(of: image).first(where: { numbers?.contains($0.number) ?? true })
    {
      throw fault
    }
    image.bytes.withUnsafeBytes { keep($0, numbers, in: &encoder) }
  }

  private static func keep(
    _ image: UnsafeRawBufferPointer, _ numbers: Set<Int>?, in encoder: inout RowEncoder
  ) {
    if let numbers {
      encoder.append(encoded: RowDecoder.image(image, keepingNumbers: numbers).bytes)
    } else {
      encoder.append(encoded: image)
    }
  }
}
