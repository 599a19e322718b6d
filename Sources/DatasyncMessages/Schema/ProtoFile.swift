/// A .proto file as values: what is rendered as text, and as a descriptor. A value.
package struct ProtoFile: Sendable {
  /// A message type. A value.
  package struct Message: Sendable {
    /// Without the package; so is a service's.
    package var name: String
    /// Lines of text without their slashes; empty: none. So are all comments here.
    package var comment = ""
    /// In order of declaration, whatever their numbers.
    package var fields: [Field]
  }

  /// A field of a message. A value.
  package struct Field: Sendable {
    /// The type of its value, or of each where it is repeated.
    package enum Kind: Sendable {
      case scalar(Scalar)
      /// Full name, without the leading dot.
      case message(String)
      case enumeration(String)
    }

    /// How often it may be there. Optional is `optional` of proto3: it tells absent from zero.
    package enum Label: Sendable {
      case singular
      case optional
      case repeated
    }

    /// `json_name` in the descriptor is made of it.
    package var name: String
    /// As on the wire; not checked.
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

    /// The keyword in a .proto file.
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

  /// A service. A value.
  package struct Service: Sendable {
    /// Without the package: `TodoItemsTable`.
    package var name: String
    package var comment = ""
    /// In order of declaration.
    package var methods: [Method]
  }

  /// An RPC with one request; none here takes a stream of them. A value.
  package struct Method: Sendable {
    package var name: String
    /// Full names.
    package var input: String
    package var output: String
    /// Whether it answers with any number of ``output``.
    package var isServerStreaming = false
    /// False: NO_SIDE_EFFECTS, so that it may be asked for with GET.
    package var hasSideEffects = true
    package var comment = ""
  }

  /// The path by which others import it: `tables.proto`.
  package var name: String
  /// With dots; not checked.
  package var package: String
  /// The paths of the files that it imports.
  package var dependencies: [String]
  /// In order of declaration; in the text, behind the services.
  package var messages: [Message]
  package var services: [Service]
}
