import DatasyncModel

/// What the codec needs to know of a field; names are its message's. A value without references, since
/// it is copied for each field that is read or written.
package struct FieldSchema: Sendable {
  /// Raw values are FieldDescriptorProto.Type. Groups are not served.
  package enum Kind: UInt8, Sendable {
    case double = 1
    case float
    case int64
    case uint64
    case int32
    case fixed64
    case fixed32
    case bool
    case string
    case message = 11
    case bytes
    case uint32
    case enumeration
    case sfixed32
    case sfixed64
    case sint32
    case sint64

    var wireType: WireWriter.WireType {
      switch self {
      case .int64, .uint64, .int32, .bool, .uint32, .enumeration, .sint32, .sint64: .varint
      case .double, .fixed64, .sfixed64: .fixed64
      case .float, .fixed32, .sfixed32: .fixed32
      case .string, .bytes, .message: .lengthDelimited
      }
    }
  }

  /// How often it may be there.
  package enum Label: Sendable {
    /// Absent is its default.
    case implicit
    /// Absent is told from the default: `optional`, members of a oneof, messages, proto2.
    case explicit
    case repeated
    /// Repeated entries with a key and a value, one for each key.
    case map
  }

  /// As on the wire.
  package let number: Int
  package let kind: Kind
  package let label: Label
  /// Whether the values of a repeated field travel as one.
  package let isPacked: Bool
  /// The position in the registry of the message or enum that it has for its type; -1: none.
  let typeIndex: Int
  /// The position among its message's oneofs; -1: in none, or in that of an `optional`.
  let oneof: Int
  /// Where its message keeps `"name":`.
  let nameStart: UInt32
  let nameEnd: UInt32

  var isSingular: Bool { label == .implicit || label == .explicit }

  /// Whether a value on the wire is one of this field.
  @inline(__always)
  func accepts(_ value: WireReader.Field) -> Bool {
    switch value {
    case .varint: kind.wireType == .varint
    case .fixed64: kind.wireType == .fixed64
    case .fixed32: kind.wireType == .fixed32
    case .bytes: kind.wireType == .lengthDelimited || label == .repeated
    }
  }
}
