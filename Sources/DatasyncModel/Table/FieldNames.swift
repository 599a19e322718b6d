/// The names of a table's fields: each column's own where protobuf can spell it, and where it meets
/// no other's. A value.
package struct FieldNames: Hashable, Sendable {
  /// A column of the owner's.
  package struct OwnColumn: Hashable, Sendable {
    /// As the database spells it, which protobuf may not be able to.
    package let name: String
    /// The field's number: 1 is the key's. One of 2 to 5 is a column that the owner has chosen for
    /// what that system field says.
    package let number: Int
    /// The name that the field has had while the column had this name.
    package let given: String?

    package init(name: String, number: Int, given: String? = nil) {
      self.name = name
      self.number = number
      self.given = given
    }
  }

  private let byNumber: [Int: String]

  /// By the number of the field: those of all columns, and 1 to 5.
  package subscript(number: Int) -> String? { byNumber[number] }

  /// The name of a system field: of the owner's column for it, or ours, or that after `datasync_`.
  package subscript(column: SystemColumn) -> String {
    byNumber[column.rawValue + 1] ?? SystemColumn.names[column.rawValue]
  }

  /// - Parameter columns: In order of number; of two that meet the first keeps its name.
  package init(_ columns: [OwnColumn]) {
    var names: [Int: String] = [:]
    var taken: Set<String> = []
    // A name once given stays: clients have it.
    for column in columns {
      guard let given = column.given, FieldNames.isIdentifier(given) else { continue }
      if taken.insert(FieldNames.comparable(given)).inserted { names[column.number] = given }
    }
    for column in columns where names[column.number] == nil {
      guard FieldNames.isIdentifier(column.name) else { continue }
      if taken.insert(FieldNames.comparable(column.name)).inserted {
        names[column.number] = column.name
      }
    }
    for column in columns where names[column.number] == nil {
      names[column.number] = FieldNames.free("column_\(column.number)", &taken)
    }
    for column in SystemColumn.allCases where names[column.rawValue + 1] == nil {
      let name = SystemColumn.names[column.rawValue]
      names[column.rawValue + 1] =
        taken.insert(FieldNames.comparable(name)).inserted
        ? name : FieldNames.free("datasync_\(name)", &taken)
    }
    byNumber = names
  }

  /// The first of `name`, `name_2`, `name_3` … that meets none of those taken.
  private static func free(_ name: String, _ taken: inout Set<String>) -> String {
    var candidate = name
    var number = 2
    while !taken.insert(comparable(candidate)).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  /// What two fields of a message may not have in common.
  ///
  /// protoc 3.21 refuses two whose names differ in case and underscores alone, `a_1` and `A1` as well
  /// as `foo_bar` and `fooBar`: that is stricter than to compare JSON names.
  package static func comparable(_ name: String) -> String {
    String(
      decoding: name.utf8.lazy.filter { $0 != 0x5F }.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 },
      as: UTF8.self)
  }

  /// Whether protobuf can spell it: a letter or underscore, then those and digits.
  package static func isIdentifier(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39 ~= first) else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
      default: false
      }
    }
  }
}
