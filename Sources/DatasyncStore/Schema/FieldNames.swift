import DatasyncModel

/// What the fields of a table's columns are called. A value.
///
/// A column of the owner's keeps its name, where protobuf can spell it and no earlier column has the same
/// in JSON; a system field that meets one gives way.
struct FieldNames {
  struct Column {
    let name: String
    let number: Int
  }

  private var names: [Int: String] = [:]
  private var taken: Set<String> = []

  init(columns: [Column]) {
    for column in columns.sorted(by: { $0.number < $1.number }) {
      let isFree = ProtobufName.isIdentifier(column.name) && isFree(column.name)
      take(isFree ? column.name : free("column_\(column.number)"), for: column.number)
    }
    for system in SystemColumn.allCases where names[system.rawValue + 1] == nil {
      let name = SystemColumn.names[system.rawValue]
      take(isFree(name) ? name : free("datasync_\(name)"), for: system.rawValue + 1)
    }
  }

  func field(ofNumber number: Int) -> String { names[number] ?? "column_\(number)" }

  private mutating func take(_ name: String, for number: Int) {
    names[number] = name
    taken.insert(FieldNames.folded(name))
  }

  private func isFree(_ name: String) -> Bool { !taken.contains(FieldNames.folded(name)) }

  /// The first of `name`, `name_2`, `name_3` … that is free.
  private func free(_ name: String) -> String {
    if isFree(name) { return name }
    var number = 2
    while !isFree("\(name)_\(number)") { number += 1 }
    return "\(name)_\(number)"
  }

  /// Two names that are one in JSON, or differ in case and underscores alone.
  private static func folded(_ name: String) -> String {
    String(name.asciiLowercased.filter { $0 != "_" })
  }
}
