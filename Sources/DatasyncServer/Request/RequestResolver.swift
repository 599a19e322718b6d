import DatasyncAccess
import DatasyncFilter
import DatasyncMessages
import DatasyncModel
import DatasyncStorage

/// The one place where a request becomes what will be done: names are found, texts parsed, keys and
/// conditions checked, for every kind of request alike. Touches no row. A value.
///
/// What its caller may see and do belongs here, too: nowhere else is a table looked up by its name, and
/// nothing else makes the plans.
struct RequestResolver {
  let context: RequestContext
  let catalog: Catalog
  /// A typed service's own table; its requests leave `table` empty.
  let ownTable: Table?
  let caller: Caller

  init(_ context: RequestContext, catalog: Catalog, ownTable: Table? = nil, caller: Caller) {
    self.context = context
    self.catalog = catalog
    self.ownTable = ownTable
    self.caller = caller
  }

  // MARK: - Tables

  /// The table as the caller sees it.
  ///
  /// - Throws: NOT_FOUND, reason TABLE_NOT_FOUND; INVALID_ARGUMENT where none is named, or a typed service
  ///   is asked for another table; PERMISSION_DENIED where the caller may not do that in the table.
  func table(
    _ name: String, for operation: TableRights.Operation
  ) throws(DatasyncError) -> Table {
    let table = try knownTable(name)
    return try caller.rights?.table(table, for: operation) ?? table
  }

  /// One of which the caller may know, whatever it may do there.
  private func knownTable(_ name: String) throws(DatasyncError) -> Table {
    if let ownTable {
      guard name.isEmpty || name == ownTable.name else {
        throw .badField(
          "table", reason: "BAD_TABLE",
          "this service is that of \(ownTable.name); leave the field empty")
      }
      guard knows(ownTable) else { throw .tableNotFound(ownTable.name, among: knownTables) }
      return ownTable
    }
    if let table = catalog.table(named: name), knows(table) { return table }
    throw name.isEmpty
      ? .missingTable(among: knownTables) : .tableNotFound(name, among: knownTables)
  }

  private func knows(_ table: Table) -> Bool { caller.rights?.knows(table) ?? true }

  private var knownTables: [Table] {
    caller.rights == nil ? catalog.tables : catalog.tables.filter { knows($0) }
  }

  /// The table whose rows have a type.
  ///
  /// - Throws: INVALID_ARGUMENT, reason UNKNOWN_TYPE.
  ///
  /// - Parameter other: What may be allowed instead of the operation.
  func table(
    ofType messageName: String, for operation: TableRights.Operation,
    or other: TableRights.Operation
  ) throws(DatasyncError) -> Table {
    guard let table = catalog.table(messageName: messageName), knows(table),
      ownTable.map({ $0.id == table.id }) ?? true
    else {
      throw .badField(
        "entity", reason: "UNKNOWN_TYPE",
        "no table has rows of type \"\(messageName.shortened)\""
          + NameSuggestion.clauseOrList(
            for: messageName,
            among: (ownTable.map { [$0] } ?? knownTables).map(\.messageName), kind: "types"),
        metadata: ["type": messageName.shortened])
    }
    if other != operation, let shown = try? caller.rights?.table(table, for: other) { return shown }
    return try caller.rights?.table(table, for: operation) ?? table
  }

  // MARK: - Requests

  /// - Throws: INVALID_ARGUMENT, with every bad value, or NOT_FOUND; so do all of them.
  func get(_ request: GetRequest) throws(DatasyncError) -> GetPlan {
    try GetPlan(request, self)
  }

  func query(_ request: QueryRequest) throws(DatasyncError) -> QueryPlan {
    try QueryPlan(request, self)
  }

  func subscription(_ request: SubscribeRequest) throws(DatasyncError) -> SubscriptionPlan {
    try SubscriptionPlan(request, self)
  }

  /// A `Changes` call is a subscription that ends with its first changes.
  func changes(_ request: ChangesRequest) throws(DatasyncError) -> SubscriptionPlan {
    try subscription(
      SubscribeRequest(
        table: request.table, filter: request.filter, select: request.select,
        includeDeleted: request.includeDeleted,
        start: request.resumeToken.isEmpty ? .now : .resumeToken(request.resumeToken),
        once: false, excludeOwn: request.excludeOwn, previous: request.previous, minInterval: nil,
        heartbeatInterval: DurationMessage(seconds: 300, nanos: 0)))
  }

  /// The tables that a Describe is about, and those that are not served; the latter where it names none.
  func described(_ name: String) throws(DatasyncError) -> (
    tables: [DescribedTable], unserved: [UnservedTable]
  ) {
    guard name.isEmpty else { return ([try described(try knownTable(name))], []) }
    guard caller.rights != nil else {
      let tables = ownTable.map { [$0] } ?? catalog.tables
      return (tables.map { described($0, allowed: []) }, context.store.unservedTables)
    }
    // Why a table is not served is for operators; one whose rules are broken is left out.
    let tables = ownTable.map { [$0] } ?? catalog.tables
    return (tables.filter { knows($0) }.compactMap { try? described($0) }, [])
  }

  private func described(_ table: Table) throws(DatasyncError) -> DescribedTable {
    guard let rights = try caller.rights?.of(table) else { return described(table, allowed: []) }
    let allowed = DescribedTable.Operation.allCases.filter { operation in
      switch operation {
      case .read: rights.folded.allows(.read)
      case .create: rights.folded.allows(.create)
      case .update: rights.folded.allows(.update)
      case .delete: rights.folded.allows(.delete)
      }
    }
    return described(rights.shown, allowed: allowed)
  }

  private func described(
    _ table: Table, allowed: [DescribedTable.Operation]
  ) -> DescribedTable {
    DescribedTable(
      table, allowed: allowed, defaultPageSize: context.options.defaultPageSize,
      maxPageSize: context.options.maxPageSize)
  }

  /// - Returns: nil where there is no id.
  func mutation(
    _ id: String, _ operations: [WriteOperation], isCommit: Bool
  ) throws(DatasyncError) -> Mutation? {
    guard !id.isEmpty, !FaultSwitch.isOn(.repeatMutation) else { return nil }
    try checkMutationID(id)
    return Mutation(
      scope: caller.mutationScope, id: id,
      fingerprint: RequestFingerprint.of(operations, isCommit: isCommit))
  }

  func checkMutationID(_ id: String) throws(DatasyncError) {
    guard id.utf8.count <= 64 else {
      throw .badField(
        "mutation_id", reason: "BAD_MUTATION_ID", "a mutation id has 1 to 64 bytes")
    }
  }
}

/// What the requests of an event loop are resolved with. Immutable, shared by reference.
final class RequestContext: Sendable {
  let store: any Storage
  let options: ServiceOptions
  let tokens: TokenCoder
  let filters: FilterShelf
  /// nil: everybody may do everything.
  let access: AccessControl?
  /// nil: writes pass none.
  let hooks: HookSet?

  init(
    store: any Storage, options: ServiceOptions, tokens: TokenCoder, filters: FilterShelf,
    access: AccessControl? = nil, hooks: HookSet? = nil
  ) {
    self.access = access
    self.hooks = hooks
    self.store = store
    self.options = options
    self.tokens = tokens
    self.filters = filters
  }
}
