import CDatasyncSQLite
import DatasyncModel

/// Finds out what a column's DEFAULT gives.
struct DefaultReader {
  let connection: Connection

  /// - Parameter form: In which the column holds its values; nil: as in a table of ours.
  func value(
    of sql: String?, column: Column, affinity: Affinity, form: ColumnForm? = nil
  ) throws(SQLiteFailure) -> StoredTable.Default {
    guard let sql else { return .null }
    guard DefaultReader.isLiteral(sql) else { return .expression(sql) }
    do throws(StoreFailure) {
      return .literal(try evaluate(sql, column: column, affinity: affinity, form: form))
    } catch {
      if case .sqlite(let failure) = error, !failure.concernsRequest { throw failure }
      return .expression(sql)
    }
  }

  /// - Throws: INVALID_ARGUMENT where the default does not fit its column.
  func evaluate(
    _ sql: String, column: Column, affinity: Affinity, form: ColumnForm? = nil
  ) throws(StoreFailure) -> Value {
    let stored: StoredValue
    do {
      stored = try self.stored(sql, affinity: affinity)
    } catch {
      throw .sqlite(error)
    }
    return try value(of: stored, column: column, form: form)
  }

  /// - Throws: INVALID_ARGUMENT where the default does not fit its column.
  func value(
    of stored: StoredValue, column: Column, form: ColumnForm?
  ) throws(StoreFailure) -> Value {
    do throws(FormMisfit) {
      return try FormReader.value(
        stored, type: column.type, form: form ?? .initial(for: column.type))
    } catch {
      throw StoreFailure.error(
        .badField(
          column.name, reason: "CONSTRAINT_VIOLATION",
          "its default does not fit it: \(error.description); give a value"))
    }
  }

  /// What SQLite would store of a default, its column's affinity applied.
  func stored(_ sql: String, affinity: Affinity) throws(SQLiteFailure) -> StoredValue {
    let statement = try connection.cached("SELECT (\(sql))")
    defer { statement.reset() }
    guard try statement.step() else { return .null }
    let value = statement.storedValue(0)
    switch (affinity, value) {
    case (.text, .integer), (.text, .real):
      return .text(statement.text(0))
    case (.integer, .real(let number)), (.numeric, .real(let number)):
      return Int64(exactly: number).map { .integer($0) } ?? value
    case (.real, .integer(let number)):
      return .real(Double(number))
    case (.integer, .text(let bytes)), (.numeric, .text(let bytes)), (.real, .text(let bytes)):
      guard DefaultReader.isNumber(bytes) else { return value }
      let number = try connection.cached("SELECT CAST(?1 AS NUMERIC)")
      defer { number.reset() }
      number.bind(1, String(decoding: bytes, as: UTF8.self))
      guard try number.step() else { return value }
      return number.storedValue(0)
    default:
      return value
    }
  }

  /// Whether a text looks like a number to SQLite: white space around it does not count.
  private static func isNumber(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self).trimmed
    let digits = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
    return digits && Double(text) != nil
  }

  /// Whether it is the same every time, whatever it is asked by.
  static func isLiteral(_ sql: String) -> Bool {
    let tokens = SQLTokenizer.tokens(of: sql).filter { $0.kind != .comment }
    let words: Set = ["null", "true", "false"]
    switch tokens.count {
    case 1:
      return tokens[0].kind == .number || tokens[0].kind == .string
        || words.contains(tokens[0].text.asciiLowercased)
    case 2:
      return (tokens[0].isSymbol("-") || tokens[0].isSymbol("+")) && tokens[1].kind == .number
    default: return false
    }
  }
}
