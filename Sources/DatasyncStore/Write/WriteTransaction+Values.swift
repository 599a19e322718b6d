import CDatasyncSQLite
import DatasyncModel

/// From what a client sent to what SQLite is given.
extension WriteTransaction {
  /// The draft against the table as it is now, columns mapped by field number.
  func current(_ draft: RowDraft) throws(WriteFailure) -> CurrentDraft {
    let stored: StoredTable
    do {
      stored = try self.stored(draft.table)
    } catch {
      throw .request(error)
    }
    if stored.table === draft.table { return CurrentDraft(stored: stored, values: draft.values) }
    var values = [Value?].absent(stored.table.columns.count)
    for (index, column) in draft.table.columns.enumerated() {
      guard let value = draft.values[index],
        let position = stored.table.index(ofNumber: column.number)
      else { continue }
      guard stored.table.columns[position].type == column.type else {
        throw .request(
          .badField(
            column.name, reason: "SCHEMA_CHANGED",
            "the column's type has just changed; try again",
            metadata: ["table": stored.table.name, "column": column.name]))
      }
      values[position] = value
    }
    return CurrentDraft(stored: stored, values: values)
  }

  func map(_ columns: [Int], from old: Table, to new: Table) throws(WriteFailure) -> [Int] {
    if old === new { return columns }
    return columns.compactMap { new.index(ofNumber: old.columns[$0].number) }
  }

  func isAbsent(_ key: Value?) -> Bool {
    switch key {
    case nil, .some(.null), .some(.string("")): true
    default: false
    }
  }

  func keyText(_ value: Value) -> String {
    switch value {
    case .int64(let number): String(number)
    case .string(let text): text
    default: ""
    }
  }

  /// Every column's value: what was sent, or the default. System columns are left NULL.
  ///
  /// - Parameters:
  ///   - kept: Positions that have the value of `old` instead.
  func complete(
    _ draft: CurrentDraft, keeping kept: Set<Int> = [], of old: [Value] = []
  ) throws(WriteFailure) -> [Value] {
    let stored = draft.stored
    var values = [Value].nulls(draft.values.count)
    if let key = draft.values[0] { values[0] = key }
    for index in SystemColumn.count..<values.count where !stored.table.columns[index].isGenerated {
      if let value = draft.values[index] {
        do {
          values[index] = try prepared(value, index, of: stored)
        } catch {
          throw whole(error, at: index, of: draft.values, in: stored, isWhole: true)
        }
      } else if kept.contains(index) {
        values[index] = old[index]
      } else {
        values[index] = try defaultValue(index, of: stored)
      }
    }
    return values
  }

  /// The refusal of one value, and what else is wrong with the row.
  ///
  /// - Parameters:
  ///   - values: What is to be written; nil is not.
  ///   - isWhole: Whether what is absent becomes its column's default.
  func whole(
    _ failure: WriteFailure, at refused: Int, of values: [Value?], in stored: StoredTable,
    isWhole: Bool
  ) -> WriteFailure {
    guard case .request(let error) = failure else { return failure }
    var faults = RequestFaults()
    for (index, column) in stored.table.columns.enumerated() {
      if index == refused {
        faults.note(error)
      } else if let value = values[index], !column.isSystem, !column.isGenerated {
        let prepared = faults.check { () throws(DatasyncError) in
          try stored.prepared(value, index)
        }
        if prepared?.isNull ?? false, column.needsValue {
          faults.note(DatasyncError.valueMissing(column))
        }
      } else if isWhole, values[index] == nil, column.needsValue, !column.hasDefault {
        faults.note(DatasyncError.valueMissing(column))
      }
    }
    return .request(faults.joined(to: error))
  }

  private func defaultValue(_ index: Int, of stored: StoredTable) throws(WriteFailure) -> Value {
    switch stored.defaults[index] {
    case .null: return .null
    case .literal(let value):
      guard let written = stored.storedDefaults[index] else {
        return try prepared(value, index, of: stored)
      }
      defaultsWritten[index] = written
      return value
    case .expression(let sql):
      do {
        let reader = DefaultReader(connection: connection)
        let written = try reader.stored(sql, affinity: stored.affinities[index])
        let value = try reader.value(
          of: written, column: stored.table.columns[index], form: stored.storages[index]?.form)
        guard stored.placement == .beside else { return try prepared(value, index, of: stored) }
        defaultsWritten[index] = written
        return value
      } catch let failure as WriteFailure {
        throw failure
      } catch let failure as SQLiteFailure {
        throw self.failure(failure)
      } catch StoreFailure.sqlite(let failure) {
        throw self.failure(failure)
      } catch StoreFailure.error(var error) {
        error.metadata = ["table": stored.table.name, "column": stored.table.columns[index].name]
        throw .request(error)
      } catch {
        throw .request(DatasyncError(.internal, "a default failed", cause: error))
      }
    }
  }

  /// The value as it will read back; refuses what SQLite would not keep.
  func prepared(
    _ value: Value, _ index: Int, of stored: StoredTable
  ) throws(WriteFailure) -> Value {
    do throws(DatasyncError) {
      return try stored.prepared(value, index)
    } catch {
      throw .request(error)
    }
  }

  func bind(
    _ value: Value, to parameter: Int32, column: Int, of stored: StoredTable,
    _ statement: Statement
  ) {
    if !defaultsWritten.isEmpty, let written = defaultsWritten[column] {
      return statement.bind(parameter, written)
    }
    if let storage = stored.storages[column],
      let written = try? FormWriter.stored(
        value, type: storage.type, form: storage.form,
        isNumeric: stored.affinities[column] == .numeric)
    {
      return statement.bind(parameter, written)
    }
    if case .decimal(asWritten: false) = stored.table.columns[column].type,
      case .string(let text) = value, let number = NumericDecimal.stored(text)
    {
      switch number.stored {
      case .integer(let integer): statement.bind(parameter, integer)
      case .real(let real): statement.bind(parameter, real)
      }
    } else {
      statement.bind(parameter, value)
    }
  }

  // MARK: - Keys

  /// NULL where SQLite makes the key.
  func newKey(_ stored: StoredTable) throws(WriteFailure) -> Value {
    guard stored.table.hasIntegerKey else {
      return .string(keys.next(now: now, as: stored.keyForm))
    }
    if stored.raw.hasRowIDKey { return .null }
    do {
      let last = try connection.integer("SELECT max(\(stored.quotedKey)) FROM \(stored.quotedName)")
      guard let last else { return .int64(1) }
      guard last < Int64.max else {
        throw WriteFailure.request(
          DatasyncError(
            .resourceExhausted, reason: "KEYS_EXHAUSTED",
            "\(stored.table.name) has no integer left for a new key: choose one yourself",
            metadata: ["table": stored.table.name]))
      }
      return .int64(last + 1)
    } catch let failure as WriteFailure {
      throw failure
    } catch let failure as SQLiteFailure {
      throw self.failure(failure)
    } catch {
      throw .request(DatasyncError(.internal, "a new key failed", cause: error))
    }
  }

  func checkKey(_ value: Value, of table: Table) throws(WriteFailure) {
    guard case .string(let text) = value else { return }
    if let fault = KeyText.fault(in: text) {
      throw .request(.badKey(fault, of: table))
    }
  }
}

extension RowKey {
  init(value: Value) throws(WriteFailure) {
    switch value {
    case .int64(let number): self = .integer(number)
    case .string(let text): self = .text(text)
    default:
      throw .request(
        DatasyncError(.invalidArgument, reason: "BAD_KEY", "the key has the wrong type"))
    }
  }
}
