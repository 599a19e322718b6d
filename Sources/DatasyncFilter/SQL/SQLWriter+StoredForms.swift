import DatasyncModel

/// Other programs write values in forms of their own: UUIDs in upper case, `02:14` for a time, text
/// where a blob belongs. They are read in one form, and SQL has to take them for the same.
extension SQLWriter {
  /// A column's value in the form in which it is read.
  mutating func storedColumn(_ column: Int) {
    switch form(of: column) {
    case .plain:
      name(column)
    case .uuid:
      call(.uuidOfText) { $0.name(column) }
    case .time:
      call(.timeOfText) { $0.name(column) }
    case .bytes:
      cast(column, "BLOB")
    case .text:
      cast(column, "TEXT")
    case .flag:
      // A row that another program has just inserted; it is adopted as not deleted.
      write("coalesce(")
      name(column)
      write(", ")
      bind(.bool(false))
      write(")")
    }
  }

  private enum StoredForm {
    case plain, uuid, time, bytes, text, flag
  }

  private func form(of column: Int) -> StoredForm {
    // Keys are told apart as they are stored.
    if column == SystemColumn.key.rawValue { return .plain }
    if column == SystemColumn.deleted.rawValue, table.columns[column].isNullable { return .flag }
    return switch table.columns[column].type {
    case .uuid: .uuid
    case .timeOfDay: .time
    case .bytes: .bytes
    case .json(asWritten: false): .text
    case .bool, .int64, .double, .string, .timestamp, .date, .decimal, .json, .enumeration: .plain
    }
  }

  private mutating func cast(_ column: Int, _ type: String) {
    write("CAST(")
    name(column)
    write(" AS \(type))")
  }

  // MARK: - Comparing with constants

  /// Writes a comparison that an index can serve.
  ///
  /// - Returns: Whether it did; otherwise the column is to be compared in its one form.
  mutating func forms(
    _ column: Int, _ comparison: ComparisonOperator, _ constant: Operand
  ) -> Bool {
    switch (form(of: column), constant, comparison) {
    case (.time, .string(let time), _):
      self.time(column, comparison, TimeForms(time))
      return true
    case (.uuid, .string, .eq), (.bytes, .bytes, .eq):
      return forms(column, in: [constant])
    case (.uuid, .string, .ne), (.bytes, .bytes, .ne):
      write("(")
      defer { write(") IS NOT TRUE") }
      return forms(column, in: [constant])
    case (.plain, _, _), (.uuid, _, _), (.time, _, _), (.bytes, _, _), (.text, _, _),
      (.flag, _, _):
      return false
    }
  }

  /// Writes a membership that an index can serve, as ``forms(_:_:_:)`` does.
  mutating func forms(_ column: Int, in constants: [Operand]) -> Bool {
    var values: [Value] = []
    switch form(of: column) {
    case .uuid:
      // In lower case or in upper case; a UUID of mixed cases is found by no equality.
      for case .string(let uuid) in constants {
        values += Set([uuid, uuid.uppercased()]).sorted().map { .string($0) }
      }
    case .bytes:
      for case .bytes(let bytes) in constants {
        values.append(.bytes(bytes))
        if let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) {
          values.append(.string(text))
        }
      }
    case .time:
      for case .string(let time) in constants {
        values += TimeForms(time).all.map { .string($0) }
      }
    case .plain, .text, .flag:
      return false
    }
    name(column)
    write(" COLLATE BINARY IN ")
    bindList(values)
    return true
  }

  /// The forms of one time lie together, and those of others before or after all of them.
  private mutating func time(_ column: Int, _ comparison: ComparisonOperator, _ forms: TimeForms) {
    func bound(_ writer: inout SQLWriter, _ symbol: String, _ form: String) {
      writer.name(column)
      writer.write(" COLLATE BINARY \(symbol) ")
      writer.bind(.string(form))
    }
    switch comparison {
    case .eq, .ne:
      write("(")
      bound(&self, ">=", forms.shortest)
      write(" AND ")
      bound(&self, "<=", forms.longest)
      write(comparison == .eq ? ")" : ") IS NOT TRUE")
    case .gt: bound(&self, ">", forms.longest)
    case .ge: bound(&self, ">=", forms.shortest)
    case .lt: bound(&self, "<", forms.shortest)
    case .le: bound(&self, "<=", forms.longest)
    }
  }
}

/// The ways to write one time of day: `02:14`, `02:14:00`, `02:14:00.0` … A value.
private struct TimeForms {
  /// The shortest first; each begins with the one before.
  let all: [String]

  /// - Parameter canonical: `HH:MM:SS`, with decimals that do not end in 0.
  init(_ canonical: String) {
    var forms = canonical.hasSuffix(":00") ? [String(canonical.dropLast(3))] : []
    forms.append(canonical)
    var longer = canonical.utf8.count == 8 ? canonical + "." : canonical
    while longer.utf8.count < 15 {
      longer += "0"
      forms.append(longer)
    }
    all = forms
  }

  var shortest: String { all[0] }
  var longest: String { all[all.count - 1] }
}
