import DatasyncFilterSQLite
package import DatasyncModel

import DatasyncFilter
import DatasyncStorage

extension Store {
  /// How a query's first page is read, and which index would help; changes nothing. The database may
  /// be served meanwhile.
  ///
  /// - Throws: with a message that names the file and what to do; INVALID_ARGUMENT, reason BAD_FILTER
  ///   or BAD_ORDER_BY, as the query itself; NOT_FOUND, reason TABLE_NOT_FOUND.
  package static func explain(
    path: String, table name: String, filter: String, orderBy: String
  ) throws(DatasyncError) -> QueryPlan {
    let options = StoreOptions()
    let schema = try schema(path: path, options: options)
    let catalog = schema.catalog
    guard let table = catalog.table(named: name), let stored = schema.stored(table) else {
      throw .tableNotFound(name, among: catalog.tables)
    }
    var request = ScanRequest(table: table, limit: 1)
    if !filter.isEmpty {
      request.filter = try Filter(parsing: filter, table: table)
      try request.filter?.checkSQL()
    }
    if !orderBy.isEmpty { request.order = try OrderBy(parsing: orderBy, table: table) }
    let opening = StoreOpening(path: path, options: options)
    let connection = try opening.connect(busyWait: nil, isLooking: true)
    defer { connection.close() }
    do throws(SQLiteFailure) {
      try connection.execute("PRAGMA query_only = ON")
      try connection.registerFilterFunctions(options.filterBudget)
      try ImageField.register(on: connection)
      var plan = try plan(of: request, stored, on: connection)
      plan.columnsInOtherForms = request.neededColumns.sorted()
        .filter { stored.storages[$0] != nil && !stored.isStoredAsRead($0) }
        .map { table.columns[$0].name }
      return plan
    } catch {
      throw opening.explained(error)
    }
  }

  private static func plan(
    of request: ScanRequest, _ stored: StoredTable, on connection: Connection
  ) throws(SQLiteFailure) -> QueryPlan {
    let table = request.table
    let scan = Scan(
      request,
      source: TableSource(table: table, current: stored, needed: request.neededColumns),
      connection: connection)
    let sql = scan.sql(limit: Int64(request.limit) + 1)
    let reader = PlanReader(connection: connection)
    let steps = try reader.steps(of: sql)
    let hasFilter = request.filter != nil
    let cost = PlanCost(steps: steps, hasFilter: hasFilter)
    guard !cost.isGood else {
      return QueryPlan(statement: sql.text, steps: steps, verdict: .good)
    }
    let schema = try reader.schema(of: table)
    let names = try reader.takenNames()
    var best: (cost: PlanCost, index: String, length: Int)?
    for candidate in IndexCandidate.all(for: request.filter, order: request.order) {
      let index = candidate.sql(for: table, avoiding: names)
      // A table that cannot be made alone, one with a collation of another program's for instance,
      // has no copy to try an index on.
      guard let tried = try? PlanReader.steps(of: sql, schema: schema, adding: index) else {
        continue
      }
      let triedCost = PlanCost(steps: tried, hasFilter: hasFilter)
      guard triedCost.isBetter(than: cost) else { continue }
      let length = candidate.terms.count
      if let best {
        // Fewer faults first, then more conditions that narrow, then fewer columns.
        let isBetter =
          (triedCost.rank, -triedCost.constraints, length)
          < (best.cost.rank, -best.cost.constraints, best.length)
        guard isBetter else { continue }
      }
      best = (triedCost, index, length)
    }
    return QueryPlan(
      statement: sql.text, steps: steps, verdict: best.map { .index($0.index) } ?? .noIndexHelps)
  }
}
