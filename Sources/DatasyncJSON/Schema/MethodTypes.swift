import DatasyncModel

/// Which messages methods take and give, out of descriptors. Namespace.
///
/// Source: google/protobuf/descriptor.proto, by whose numbers the fields are named here.
enum MethodTypes {
  /// Names without a dot before them. A value.
  struct Method: Hashable {
    /// `/package.Service/Method`.
    var path: String
    var input = ""
    var output = ""
  }

  /// The raw bytes of each file: field 1 of the set.
  static func files(inSet set: [UInt8]) -> [[UInt8]] {
    fields(1, of: set)
  }

  /// - Parameter file: A serialized google.protobuf.FileDescriptorProto; what is malformed is left out.
  static func methods(of file: [UInt8]) -> [Method] {
    let package = text(2, of: file)
    return fields(6, of: file).flatMap { service in
      let name = (package.isEmpty ? "" : "\(package).") + text(1, of: service)
      return fields(2, of: service).map { method in
        Method(
          path: "/\(name)/\(text(1, of: method))", input: typeName(2, of: method),
          output: typeName(3, of: method))
      }
    }
  }

  private static func typeName(_ number: Int, of message: [UInt8]) -> String {
    String(text(number, of: message).drop { $0 == "." })
  }

  private static func text(_ number: Int, of message: [UInt8]) -> String {
    String(decoding: fields(number, of: message).last ?? [], as: UTF8.self)
  }

  private static func fields(_ number: Int, of message: [UInt8]) -> [[UInt8]] {
    message.withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      var found: [[UInt8]] = []
      while let (fieldNumber, field) = try? reader.next() {
        if fieldNumber == number, case .bytes(let value) = field { found.append([UInt8](value)) }
      }
      return found
    }
  }
}
