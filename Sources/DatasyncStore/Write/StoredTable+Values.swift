package import DatasyncModel

/// What columns make of values, and which they refuse.
extension StoredTable {
  /// The value as it will read back.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_VALUE, where SQLite would not keep it.
  func prepared(_ value: Value, _ index: Int) throws(DatasyncError) -> Value {
    if let storage = storages[index], storage.form != .declared {
      return try rounded(value, storage, index)
    }
    switch (table.columns[index].type, value) {
    case (.double, .double(let number)) where number == 0:
      // SQLite stores integral reals as integers, which know no minus zero.
      return .double(0)
    case (.decimal(asWritten: false), .string(let text)):
      guard let stored = NumericDecimal.stored(text) else {
        throw refused(index, NumericDecimal.inexact(text))
      }
      return .string(stored.text)
    case (.json(asWritten: false), .string(let text)):
      guard Double(text.trimmed)?.isFinite != false else {
        throw refused(index, "SQLite cannot store a number of this size as JSON")
      }
      return value
    default:
      return value
    }
  }

  /// The value as it will read back from the column's form: what is finer is rounded down.
  private func rounded(
    _ value: Value, _ storage: ColumnStorage, _ index: Int
  ) throws(DatasyncError) -> Value {
    if case .enumeration = storage.type, case .string(let text) = value {
      // In the declared spelling; the column's CHECK refuses what is none of its values.
      let read = try? FormReader.value(.text(text), type: storage.type, form: storage.form)
      return read ?? value
    }
    do throws(FormMisfit) {
      let written = try FormWriter.stored(
        value, type: storage.type, form: storage.form, isNumeric: affinities[index] == .numeric)
      return try FormReader.value(written, type: storage.type, form: storage.form)
    } catch {
      throw refused(index, error.description)
    }
  }

  private func refused(_ index: Int, _ description: String) -> DatasyncError {
    let column = table.columns[index].name
    return .badField(
      column, reason: "BAD_VALUE", description,
      metadata: ["table": table.name, "column": column])
  }
}

extension Store {
  /// Why a column would not keep a value; nil where it would, or where the table has just changed.
  ///
  /// - Parameter index: The column's position in ``Table/columns``, neither the key's nor a system
  ///   column's.
  package func misfit(_ value: Value, _ index: Int, of table: Table) -> DatasyncError? {
    guard index >= SystemColumn.count, !table.columns[index].isGenerated,
      let stored = schema.stored(table), stored.table === table
    else { return nil }
    do throws(DatasyncError) {
      _ = try stored.prepared(value, index)
      return nil
    } catch {
      return error
    }
  }
}
