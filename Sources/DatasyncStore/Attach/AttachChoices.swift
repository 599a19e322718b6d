package import DatasyncModel

/// What the owner of a database wants of an attach. A value.
package struct AttachChoices: Sendable {
  /// Empty: every table that can be.
  package var tables: [String] = []
  /// By table; `*` for all others.
  package var softDelete: [String: SoftDelete] = [:]
  /// Tables whose system fields are to be columns of their own; `*` for all.
  package var within: Set<String> = []
  /// Tables within that are to be moved beside.
  package var beside: Set<String> = []

  /// How columns hold their values, by table and column.
  package var forms: [String: [String: ColumnForm]] = [:]

  /// Every table that can be, with what was chosen before.
  package init() {}

  /// As options of a store that attaches so.
  package func applied(to options: StoreOptions) -> StoreOptions {
    var options = options
    options.softDeleteTables = softDelete
    options.withinTables = within
    options.besideTables = beside
    options.forms = forms
    return options
  }

  /// Every table that is named anywhere; in order of name.
  package var namedTables: [String] {
    Set(tables).union(softDelete.keys).union(within).union(beside).union(forms.keys).subtracting([
      "*"
    ]).sorted()
  }
}
