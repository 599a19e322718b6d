import DatasyncModel

/// A row, or what is to become one, by the names of its fields. A value.
public struct TableRow: Hashable, Sendable {
  /// The table's name.
  public let table: String
  /// A field that is not there has no value given; of a stored row it is ``FieldValue/null``.
  public var fields: [String: FieldValue]

  /// - Parameters:
  ///   - table: Its name.
  ///   - fields: By name, as the table declares them.
  public init(table: String, fields: [String: FieldValue]) {
    self.table = table
    self.fields = fields
  }

  /// The value of a field; nil where none is given, or the table has no such field.
  public subscript(name: String) -> FieldValue? {
    get { fields[name] }
    set { fields[name] = newValue }
  }

  /// Of a stored row: every column but those whose value cannot be read.
  init(_ image: RowImage, of table: Table) {
    let faults = Set(RowFaults.faults(of: image).map(\.number))
    let values = RowDecoder.values(of: image, table: table)
    var fields: [String: FieldValue] = [:]
    for (column, value) in zip(table.columns, values) where !faults.contains(column.number) {
      fields[column.name] = FieldValue(value)
    }
    self.init(table: table.name, fields: fields)
  }
}
