/// A .proto file as values: what is rendered as text, and as a descriptor. A value.
package struct ProtoFile: Sendable {
  package struct Message: Sendable {
    package var name: String
    package var comment = ""
    package var fields: [Field]
  }

  package struct Field: Sendable {
    package enum Kind: Sendable {
      case scalar(Scalar)
      /// Full name, without the leading dot.
      case message(String)
      case enumeration(String)
    }

    package enum Label: Sendable {
      case singular
      case optional
      case repeated
    }

    package var name: String
    package var number: Int
    package var kind: Kind
    package var label = Label.singular
    package var comment = ""
  }

  /// Raw values are FieldDescriptorProto.Type.
  package enum Scalar: UInt64, Sendable {
    case double = 1
    case int64 = 3
    case uint64 = 4
    case bool = 8
    case string = 9
    case bytes = 12

    package var name: String {
      switch self {
      case .double: "double"
      case .int64: "int64"
      case .uint64: "uint64"
      case .bool: "bool"
      case .string: "string"
      case .bytes: "bytes"
      }
    }
  }

  package struct Service: Sendable {
    package var name: String
    package var comment = ""
    package var methods: [Method]
  }

  package struct Method: Sendable {
    package var name: String
    /// Full names.
    package var input: String
    package var output: String
    package var isServerStreaming = false
    package var comment = ""
  }

  package var name: String
  package var package: String
  package var dependencies: [String]
  package var messages: [Message]
  package var services: [Service]
}
