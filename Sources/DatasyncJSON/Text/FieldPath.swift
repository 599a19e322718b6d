/// The paths of a google.protobuf.FieldMask, which JSON has in lower camel case.
///
/// Source: google/protobuf/field_mask.proto, "JSON Encoding of Field Masks". Namespace.
enum FieldPath {
  /// `due_date` as `dueDate`; false where the way back would lead elsewhere.
  static func append(_ path: UnsafeRawBufferPointer, to text: inout JSONText) -> Bool {
    guard !path.isEmpty else { return false }
    var raises = false
    for byte in path {
      switch byte {
      case UInt8(ascii: "_"):
        guard !raises else { return false }
        raises = true
      case 0x61...0x7A:
        text.append(raises ? byte - 0x20 : byte)
        raises = false
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: ","), UInt8(ascii: "\""), 0x5C,
        0..<0x20, 0x80...0xFF:
        return false
      default:
        guard !raises else { return false }
        text.append(byte)
      }
    }
    return !raises
  }

  /// `dueDate` as `due_date`. One with an underscore is a declared name, and stays as it is.
  ///
  /// Whether a field is called so is not looked at: the rows' fields are found by the snake case that
  /// JSON makes of their names as well, see ``DatasyncModel/Table/index(ofMaskPath:)``.
  static func declared(_ path: UnsafeRawBufferPointer) -> [UInt8] {
    guard !path.contains(UInt8(ascii: "_")) else { return [UInt8](path) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(path.count + 4)
    for byte in path {
      if 0x41...0x5A ~= byte { bytes.append(UInt8(ascii: "_")) }
      bytes.append(0x41...0x5A ~= byte ? byte + 0x20 : byte)
    }
    return bytes
  }
}
