/// What protobuf's JSON calls a field.
///
/// Source: protobuf.dev/programming-guides/json; FieldMask's paths go the way back.
package enum JSONName {
  /// As protoc: an underscore goes, and the letter after it becomes a capital.
  package static func of(_ name: String) -> String {
    var result = ""
    var raises = false
    for character in name {
      if character == "_" {
        raises = true
      } else {
        result += raises ? character.uppercased() : String(character)
        raises = false
      }
    }
    return result
  }

  /// `createdAt` is `created_at` again.
  package static func snakeCase(_ json: String) -> String {
    var result = ""
    for scalar in json.unicodeScalars {
      if (0x41...0x5A).contains(scalar.value) {
        result += "_" + String(scalar).lowercased()
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
