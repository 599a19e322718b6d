import DatasyncModel

/// How the values of a column of a table beside are stored: chosen, or found out from what is there. A
/// value; kept in `datasync_columns`.
struct ColumnStorage: Hashable, Sendable {
  /// What the column holds, whatever it is declared.
  var type: ColumnType
  /// How we write.
  var form: ColumnForm
  /// Whether the owner has chosen the form.
  var isChosen = false
  /// Whether some value stands in another form, so that SQLite cannot tell their order.
  var isMixed = false
  /// Whether there has been no value yet to tell the form.
  var isOpen = false

  /// Whether an index over the column finds what clients ask for, compared as a table of ours is.
  var isAsInOurTables: Bool { !isMixed && form == .initial(for: type) }

  // MARK: - Text

  /// `mixed iso8601 …`, `open`, `int64 declared`.
  var text: String {
    var words: [String] = []
    if isChosen { words.append("chosen") }
    if isMixed { words.append("mixed") }
    if isOpen { words.append("open") }
    if form == .declared { words.append(ColumnStorage.plainNames[type] ?? "string") }
    words.append(form.text)
    return words.joined(separator: " ")
  }

  /// - Parameter declared: The type that the column is declared with.
  init?(parsing text: String, declared: ColumnType) {
    var words = text.split(separator: " ")[...]
    func takes(_ word: String) -> Bool {
      guard words.first.map(String.init) == word else { return false }
      words.removeFirst()
      return true
    }
    isChosen = takes("chosen")
    isMixed = takes("mixed")
    isOpen = takes("open")
    let plain = ColumnStorage.plainNames.first { $0.value == words.first.map(String.init) }?.key
    if plain != nil { words.removeFirst() }
    guard let form = ColumnForm(parsing: words.joined(separator: " ")) else { return nil }
    self.form = form
    type = plain ?? (form.fits(declared) ? declared : form.impliedType ?? declared)
    guard form.fits(type) else { return nil }
  }

  init(
    type: ColumnType, form: ColumnForm, isChosen: Bool = false, isMixed: Bool = false,
    isOpen: Bool = false
  ) {
    self.type = type
    self.form = form
    self.isChosen = isChosen
    self.isMixed = isMixed
    self.isOpen = isOpen
  }

  private static let plainNames: [ColumnType: String] = [
    .int64: "int64", .double: "double", .string: "string", .bytes: "bytes",
  ]
}

extension ColumnType {
  /// Whether its values may be stored in more forms than one.
  var hasForms: Bool { ColumnForm.initial(for: self) != .declared }
}

extension TableEntry {
  /// How a column's values are stored; nil: as it is declared, or as a table within has them.
  func storage(of column: RawTable.Column, in raw: RawTable) -> ColumnStorage? {
    guard placement == .beside, let text = forms[column.name] else { return nil }
    return ColumnStorage(parsing: text, declared: raw.declaredType(of: column).type)
  }

  /// What fields the columns become, by name.
  func fieldKinds(of raw: RawTable) -> [String: FieldKind] {
    var kinds: [String: FieldKind] = [:]
    for column in raw.columns {
      let type = storage(of: column, in: raw)?.type ?? raw.declaredType(of: column).type
      kinds[column.name] = FieldKind(type)
    }
    return kinds
  }
}
