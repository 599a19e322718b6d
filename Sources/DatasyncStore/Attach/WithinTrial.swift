import DatasyncFilterSQLite
import DatasyncModel

/// Tries on a copy without rows whether a table's owner could live with four more columns in it: the
/// owner's triggers and views are compiled against it.
struct WithinTrial {
  let connection: Connection

  /// What would break; nil: nothing.
  func fault(_ raw: RawTable) throws(SQLiteFailure) -> String? {
    let copy = try Connection(path: ":memory:", create: true)
    defer { copy.close() }
    let statements = try schema()
    do {
      for statement in statements { try copy.execute(statement.sql) }
    } catch {
      // A schema with functions or modules of another program's cannot be made alone.
      return nil
    }
    let before = faults(copy, statements, raw)
    do {
      for column in raw.missingSystemColumns {
        let type = SystemColumnDeclaration.declared(column, isStrict: raw.isStrict)
        try copy.execute(
          "ALTER TABLE \(raw.name.quotedIdentifier) ADD COLUMN "
            + "\(SystemColumn.names[column.rawValue]) \(type)")
      }
    } catch {
      return "its system columns cannot be added: \(error.message)"
    }
    let after = faults(copy, statements, raw).filter { !before.keys.contains($0.key) }
    guard let first = after.min(by: { $0.key < $1.key }) else { return nil }
    return "with four more columns in it \(first.key) would fail: \(first.value); "
      + "attach it beside, which is what happens without --within"
  }

  private struct Object {
    let type: String
    let name: String
    let sql: String
  }

  private func schema() throws(SQLiteFailure) -> [Object] {
    let list = try connection.prepare(
      """
      SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL
      AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE 'datasync!_%' ESCAPE '!'
      ORDER BY type <> 'table', type <> 'view', rowid
      """)
    var objects: [Object] = []
    while try list.step() {
      objects.append(Object(type: list.text(0), name: list.text(1), sql: list.text(2)))
    }
    return objects
  }

  /// What does not compile, by what it is.
  private func faults(
    _ copy: Connection, _ objects: [Object], _ raw: RawTable
  ) -> [String: String] {
    var faults: [String: String] = [:]
    for object in objects {
      let name = object.name.quotedIdentifier
      switch object.type {
      case "view", "table":
        if object.type == "view" {
          compile("the view \(object.name)", "SELECT * FROM \(name)", copy, &faults)
        }
        // Compiles the triggers on it.
        for (verb, sql) in [
          ("INSERT", "INSERT INTO \(name) DEFAULT VALUES"), ("DELETE", "DELETE FROM \(name)"),
          ("UPDATE", "UPDATE \(name) SET \(column(of: object.name, copy)) = NULL"),
        ] { compile("a trigger of \(object.name) on \(verb)", sql, copy, &faults) }
      default: break
      }
    }
    return faults
  }

  private func column(of table: String, _ copy: Connection) -> String {
    let name = try? copy.text("SELECT name FROM pragma_table_info(\(table.quotedLiteral)) LIMIT 1")
    return (name ?? "rowid").quotedIdentifier
  }

  private func compile(
    _ what: String, _ sql: String, _ copy: Connection, _ faults: inout [String: String]
  ) {
    do throws(SQLiteFailure) {
      _ = try copy.prepare(sql)
    } catch {
      faults[what] = error.message
    }
  }
}
