import CDatasyncSQLite
import DatasyncModel

/// Finds out what a column's DEFAULT gives.
struct DefaultReader {
  let connection: Connection

  func value(
    of sql: String?, column: Column, affinity: Affinity
  ) throws(SQLiteFailure) -> StoredTable.Default {
    guard let sql else { return .null }
    guard isLiteral(sql) else { return .expression(sql) }
    do throws(StoreFailure) {
      return .literal(try evaluate(sql, column: column, affinity: affinity))
    } catch {
      if case .sqlite(let failure) = error, !failure.concernsRequest { throw failure }
      return .expression(sql)
    }
  }

  /// - Throws: INVALID_ARGUMENT where the default does not fit its column.
  func evaluate(
    _ sql: String, column: Column, affinity: Affinity
  ) throws(StoreFailure) -> Value {
    do {
      let statement = try connection.cached("SELECT (\(sql))")
      defer { statement.reset() }
      guard try statement.step() else { return .null }
      let storage = statement.type(0)
      if affinity == .text, storage == SQLITE_INTEGER || storage == SQLITE_FLOAT {
        return .string(statement.text(0))
      }
      do {
        return try ColumnReader.value(statement, 0, column: column)
      } catch {
        throw StoreFailure.error(
          .badField(
            column.name, reason: "CONSTRAINT_VIOLATION",
            "its default does not fit it: \(error.description); give a value"))
      }
    } catch let error as StoreFailure {
      throw error
    } catch let error as SQLiteFailure {
      throw .sqlite(error)
    } catch {
      throw .error(DatasyncError(.internal, "a default failed", cause: error))
    }
  }

  private func isLiteral(_ sql: String) -> Bool {
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
