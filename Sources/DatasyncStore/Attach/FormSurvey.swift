import CDatasyncSQLite
import DatasyncFilterSQLite
import DatasyncModel

/// Finds out in which forms the columns of a table hold their values. Reads the table
/// once.
struct FormSurvey {
  let connection: Connection
  let options: StoreOptions
  /// Whether the database is one of Core Data, whose times count from 2001 and look like others.
  let isCoreData: Bool

  init(connection: Connection, options: StoreOptions, all: [RawTable]) {
    self.connection = connection
    self.options = options
    isCoreData = all.contains { $0.name.asciiLowercased == "z_metadata" }
  }

  /// Fills in what is not known of the columns of a table beside.
  ///
  /// - Parameter anew: Whether the rows are others than before.
  /// - Returns: Why the table cannot be served before its owner has said more; nil: it can.
  func survey(
    _ entry: inout TableEntry, _ raw: RawTable, anew: Bool
  ) throws(SQLiteFailure) -> String? {
    var newlyChosen: Set<String> = []
    if let obstacle = choose(&entry, raw, &newlyChosen) { return obstacle }
    var wanted: [Wanted] = []
    for column in raw.columns where column.keyPosition == 0 {
      let known = entry.storage(of: column, in: raw)
      // An open one may hold values of ours, which tell nothing: what others write, ``FormWatch`` sees.
      guard known == nil || anew || newlyChosen.contains(column.name) else { continue }
      let declared = raw.declaredType(of: column)
      if known?.isChosen == true, let known {
        wanted.append(Wanted(column: column, type: known.type, chosen: known.form))
      } else if declared.isUntyped {
        wanted.append(Wanted(column: column, type: nil, chosen: nil))
      } else if declared.type.hasForms {
        wanted.append(
          Wanted(
            column: column, type: declared.type, chosen: chosen(column, declared.type, raw),
            open: known?.isOpen == true ? known?.form : nil))
      }
    }
    guard !wanted.isEmpty else { return nil }
    return try settle(&entry, raw, try count(wanted, raw))
  }

  private struct Wanted {
    let column: RawTable.Column
    /// nil: to be found out.
    let type: ColumnType?
    let chosen: ColumnForm?
    /// The form in which we have written, where no value of others has told one.
    var open: ColumnForm?
  }

  private struct Counted {
    let wanted: Wanted
    var forms: FormCensus
    var types = TypeCensus()
    var hasNumbers = false
    /// Whether all values may be ours, written before any of others had told the form.
    var isOpen: Bool
    /// What the values are, as far as none of them can be read in the form that the owner has chosen.
    var misfits: Set<String>? = []

    init(_ wanted: Wanted) {
      self.wanted = wanted
      forms = FormCensus(type: wanted.type ?? .string, chosen: wanted.chosen)
      isOpen = wanted.open != nil
    }

    mutating func look(at value: StoredValue) {
      if isOpen, let type = wanted.type, let open = wanted.open {
        isOpen = FormReader.isStored(value, as: open, type: type)
      }
      guard misfits != nil, let type = wanted.type, let form = wanted.chosen else { return }
      if value.fits(form, type: type) { misfits = nil } else { misfits?.insert(value.kinds) }
    }
  }

  /// A form that the declaration leaves no choice of.
  private func chosen(
    _ column: RawTable.Column, _ type: ColumnType, _ raw: RawTable
  ) -> ColumnForm? {
    guard case .enumeration = type else { return nil }
    let collation = connection.collation(of: column.name, in: raw.name).asciiLowercased
    return .choice(EnumCollation(rawValue: collation) ?? .binary)
  }

  /// Takes over the forms that the owner has chosen.
  ///
  /// - Parameter new: The columns of which that is news.
  private func choose(
    _ entry: inout TableEntry, _ raw: RawTable, _ new: inout Set<String>
  ) -> String? {
    for (name, form) in options.forms[raw.name] ?? [:] {
      guard let column = raw.column(name) else { return "it has no column \(name)" }
      guard column.keyPosition == 0 else {
        return "its column \(name) is the key, and keys have no form: they travel as stored"
      }
      let declared = raw.declaredType(of: column)
      let type = form.fits(declared.type) ? declared.type : form.impliedType
      guard let type, form.fits(type) else {
        return "its column \(name) is no \(form.description)"
      }
      if case .number = form, declared.affinity == .text {
        return
          "its column \(name) is declared \(column.declaredType), in which SQLite stores no numbers"
      }
      let storage = ColumnStorage(type: type, form: form, isChosen: true)
      let known = entry.storage(of: column, in: raw)
      if known?.form != form || known?.isChosen == false {
        entry.forms[column.name] = storage.text
        new.insert(column.name)
      }
    }
    return nil
  }

  private func count(_ wanted: [Wanted], _ raw: RawTable) throws(SQLiteFailure) -> [Counted] {
    var counted = wanted.map { Counted($0) }
    let list = wanted.map { $0.column.name.quotedIdentifier }.joined(separator: ", ")
    let rows = try connection.prepare("SELECT \(list) FROM \(raw.name.quotedIdentifier)")
    while try rows.step() {
      for index in counted.indices {
        let value = rows.storedValue(Int32(index))
        guard value != .null else { continue }
        if counted[index].wanted.type == nil {
          counted[index].types.add(value)
        } else {
          counted[index].forms.add(value)
          counted[index].look(at: value)
          switch value {
          case .integer, .real: counted[index].hasNumbers = true
          case .null, .text, .blob: break
          }
        }
      }
    }
    return counted
  }

  private func settle(
    _ entry: inout TableEntry, _ raw: RawTable, _ counted: [Counted]
  ) throws(SQLiteFailure) -> String? {
    for item in counted {
      let column = item.wanted.column
      guard let type = item.wanted.type else {
        entry.forms[column.name] = ColumnStorage(type: item.types.type, form: .declared).text
        continue
      }
      if entry.storage(of: column, in: raw)?.isChosen == true, let chosen = item.wanted.chosen,
        let misfits = item.misfits, !misfits.isEmpty
      {
        return "its column \(column.name) cannot be \(chosen.description): none of its values can "
          + "be read so, they are \(misfits.sorted().joined(separator: ", "))"
      }
      if isCoreData, type == .timestamp, item.hasNumbers, item.wanted.chosen == nil {
        return unsaid(raw, column, "it is of Core Data, whose times may count from 2001")
      }
      switch item.forms.result {
      case .none:
        entry.forms[column.name] =
          try empty(column, type, raw, chosen: item.wanted.chosen, known: entry).text
      case .decided(let form, let isMixed):
        // Of a table built anew whose values we have written.
        if item.isOpen { continue }
        entry.forms[column.name] =
          ColumnStorage(
            type: type, form: form,
            isChosen: entry.storage(of: column, in: raw)?.isChosen ?? false, isMixed: isMixed
          ).text
      case .undecided(let reason):
        return unsaid(raw, column, reason)
      }
    }
    return nil
  }

  private func unsaid(_ raw: RawTable, _ column: RawTable.Column, _ reason: String) -> String {
    "the form of its column \(column.name) has to be said: \(reason); give "
      + "--form \(raw.name).\(column.name)=seconds (or milliseconds, microseconds, julian, cocoa)"
  }

  /// A column without values takes its default's form.
  private func empty(
    _ column: RawTable.Column, _ type: ColumnType, _ raw: RawTable, chosen: ColumnForm?,
    known: TableEntry
  ) throws(SQLiteFailure) -> ColumnStorage {
    if let chosen {
      return ColumnStorage(
        type: type, form: chosen,
        isChosen: known.storage(of: column, in: raw)?.isChosen ?? false)
    }
    let initial = ColumnForm.initial(for: type)
    if let sql = column.defaultSQL,
      let value = try? DefaultReader(connection: connection).stored(
        sql, affinity: raw.declaredType(of: column).affinity),
      let form = FormReader.form(of: value, type: type, unit: initial), form.fits(type)
    {
      return ColumnStorage(type: type, form: form)
    }
    return ColumnStorage(type: type, form: initial, isOpen: true)
  }
}

extension StoredValue {
  /// Whether it can be read in a form; a number, though its size tells another unit, in that form's own.
  fileprivate func fits(_ form: ColumnForm, type: ColumnType) -> Bool {
    switch (self, form) {
    case (.integer(let value), .number(let number)) where value != 0:
      number.unit.moment(of: value) != nil
    case (.real(let value), .number(let number)) where value != 0:
      number.unit.moment(of: value) != nil
    default: (try? FormReader.value(self, type: type, form: form)) != nil
    }
  }

  /// Values of this storage class, for a message that shows none.
  fileprivate var kinds: String {
    switch self {
    case .null: "NULL"
    case .integer: "integers"
    case .real: "real numbers"
    case .text: "text"
    case .blob: "blobs"
    }
  }
}
