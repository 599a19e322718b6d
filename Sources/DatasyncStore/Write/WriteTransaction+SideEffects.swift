import DatasyncModel

/// Statements that may do more than they say: triggers of the owner, foreign keys that cascade.
extension WriteTransaction {
  /// Runs a statement that writes one row, and explains its failure.
  ///
  /// - Parameters:
  ///   - values: The row as it was to be, for the explanation.
  ///   - unreadable: What of it is not in the values.
  func run(
    _ stored: StoredTable, key: String, values: [Value], unreadable: [RowFault] = [],
    expectsChange: Bool,
    _ body: () throws(SQLiteFailure) -> Void
  ) throws(WriteFailure) {
    do {
      if stored.hasSideEffects { try setWriting(false) }
      try body()
      if stored.hasSideEffects {
        let changes = connection.changes
        try setWriting(true)
        if changes == 0, expectsChange {
          throw WriteFailure.request(
            DatasyncError(
              .failedPrecondition, reason: "WRITE_REFUSED",
              "a trigger of \(stored.table.name) ignores the write",
              metadata: ["table": stored.table.name, "id": key]))
        }
      }
    } catch let failure as WriteFailure {
      throw failure
    } catch let failure as SQLiteFailure {
      let isLost = connection.isAutocommit
      if let error = keysExhausted(failure, stored) {
        throw isLost ? WriteFailure.poisoned(error) : .request(error)
      }
      guard failure.concernsRequest else { throw .batch(failure) }
      if !isLost, stored.hasSideEffects { try silence() }
      let explainer = ConstraintExplainer(
        stored: stored, connection: connection, key: key, isKnown: unreadable.isEmpty
      ) { self.bind($0, to: $1, column: $2, of: stored, $3) }
      let error = explainer.error(failure, values: values) { columns, values in
        self.row(where: columns, are: values, in: stored)
      }
      throw isLost ? .poisoned(error) : .request(error)
    } catch {
      throw .request(DatasyncError(.internal, "a write failed", cause: error))
    }
  }

  func setWriting(_ isWriting: Bool) throws(SQLiteFailure) {
    try connection.cached("UPDATE datasync_state SET writing = \(isWriting ? 1 : 0)").run()
  }

  /// What follows is our own, and no capture trigger's business.
  private func silence() throws(WriteFailure) {
    do {
      try setWriting(true)
    } catch {
      throw .batch(error)
    }
  }

  private func row(
    where columns: [String], are values: [Value], in stored: StoredTable
  ) -> StoredRow? {
    let positions = columns.compactMap { stored.table.index(ofColumn: $0) }
    let condition = positions.enumerated().map { "\(stored.quotedColumns[$1]) = ?\($0 + 1)" }
    let sql =
      "SELECT \(stored.quotedKey) FROM \(stored.quotedName) "
      + "WHERE \(condition.joined(separator: " AND "))"
    do {
      let statement = try connection.cached(sql)
      for (index, value) in values.enumerated() {
        bind(value, to: Int32(index + 1), column: positions[index], of: stored, statement)
      }
      guard try statement.step() else {
        statement.reset()
        return nil
      }
      let key = RowKey(stored: statement, 0, table: stored.table)
      statement.reset()
      guard let key, let found = try row(key, in: stored), found.faults.isEmpty else { return nil }
      return found.row
    } catch {
      // The answer is the refusal; that its row cannot be shown does not change it.
      return nil
    }
  }

  /// Logs the rows that the statement changed besides the one it named.
  func adoptSideEffects(of stored: StoredTable, except key: RowKey) throws(WriteFailure) {
    guard stored.hasSideEffects else { return }
    do {
      try Adoption(transaction: self).adoptSideEffects(except: (stored.table.id, key))
    } catch {
      throw failure(error)
    }
  }
}
