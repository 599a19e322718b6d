import DatasyncFilter
import DatasyncMessages
import DatasyncModel

/// Which rows a subscription is about, and what of them it gets: table ∧ filter ∧ what the caller may read ∧
/// not deleted. Immutable, shared by reference within a loop.
final class View: Sendable {
  /// nil: every table. It has no names for columns that the caller must not know of.
  let table: Table?
  let condition: ViewCondition
  /// The table in the names that the filter has for its columns.
  let spoken: Table?
  let includeDeleted: Bool
  /// Field numbers that are sent; nil: all.
  let selected: Set<Int>?
  /// Those that the client has chosen; nil: all that it may see.
  private let chosen: Set<Int>?
  /// Whether a change that touches no selected field is sent nevertheless.
  let sendsEveryUpdate: Bool
  /// Tells it from views with the same filter of others who may read something else.
  let rightsKey: ExactText
  /// Of every table, by its id, where the caller may not read all of them whole; nil: this view is that of
  /// each table.
  let parts: [Int: View]?
  /// As the client gave it.
  private let filterText: String
  /// Counts the filter, where that is kept here and nowhere else.
  private let shelf: FilterShelf?

  /// - Parameters:
  ///   - rights: nil: everything may be read.
  ///   - sets: That belong to the caller; one that is missing is empty.
  /// - Throws: INVALID_ARGUMENT or NOT_FOUND; RESOURCE_EXHAUSTED, reason MAX_FILTER_BYTES.
  convenience init(
    table: Table, filter: String, select: [String], includeDeleted: Bool, filters: FilterShelf,
    maxFilterCost: Int = .max, rights: Rights? = nil, sets: MembershipSets = .none
  ) throws(DatasyncError) {
    let reading = try rights?.reading(table, by: sets, terms: filters.terms)
    let makeCondition = { () throws(DatasyncError) -> ViewCondition in
      try filters.condition(filter, table: table, maxCost: maxFilterCost, reading: reading)
    }
    let condition: ViewCondition
    var columns: [Int]?
    do throws(DatasyncError) {
      condition = try makeCondition()
      columns = try RequestNames.select(select, of: table)
    } catch {
      var faults = RequestFaults()
      faults.check(makeCondition)
      faults.check { () throws(DatasyncError) in try RequestNames.select(select, of: table) }
      throw faults.joined(to: error)
    }
    if !condition.isShared { try filters.admit(condition.byteCount) }
    if select.isEmpty { columns = nil }
    self.init(
      table: table, condition, spoken: table, includeDeleted: includeDeleted,
      chosen: columns.map { columns in Set(columns.map { table.columns[$0].number }) },
      sendsEveryUpdate: columns.map {
        $0.contains(SystemColumn.version.rawValue) || $0.contains(SystemColumn.updatedAt.rawValue)
      } ?? true, filterText: filter, rightsKey: reading?.key ?? "",
      shelf: condition.isShared ? nil : filters)
  }

  /// Of every table that may be read.
  ///
  /// - Parameter filter: Refused, as `select` is, where it is not empty.
  convenience init(
    ofEveryTable catalog: Catalog, filter: String, select: [String], includeDeleted: Bool,
    filters: FilterShelf, rights: Rights?, sets: MembershipSets = .none
  ) throws(DatasyncError) {
    guard filter.isEmpty else {
      throw .badField(
        "filter", reason: "BAD_FILTER", "at 1: a subscription of every table has no filter",
        metadata: ["position": "1"])
    }
    guard select.isEmpty else {
      throw .badField(
        "select", reason: "BAD_SELECT", "at 1: a subscription of every table has no select",
        metadata: ["position": "1"])
    }
    var parts: [Int: View]?
    if let rights {
      parts = [:]
      for table in try rights.readable(catalog) {
        parts?[table.id] = try View(
          table: table, filter: "", select: [], includeDeleted: includeDeleted, filters: filters,
          rights: rights, sets: sets)
      }
    }
    self.init(
      table: nil, .always, spoken: nil, includeDeleted: includeDeleted, chosen: nil,
      sendsEveryUpdate: true, filterText: "",
      rightsKey: rights.map { $0.key + sets.digestText } ?? "", parts: parts)
  }

  private init(
    table: Table?, _ condition: ViewCondition, spoken: Table?, includeDeleted: Bool,
    chosen: Set<Int>?, sendsEveryUpdate: Bool, filterText: String,
    rightsKey: String, parts: [Int: View]? = nil, shelf: FilterShelf? = nil
  ) {
    self.table = table
    self.condition = condition
    self.spoken = spoken
    self.includeDeleted = includeDeleted
    self.chosen = chosen
    selected = View.selected(of: table, chosen)
    self.sendsEveryUpdate = sendsEveryUpdate
    self.filterText = filterText
    self.parts = parts
    self.shelf = shelf
    self.rightsKey = ExactText(rightsKey)
  }

  /// Of what was chosen, what may be seen.
  private static func selected(of table: Table?, _ chosen: Set<Int>?) -> Set<Int>? {
    guard let table, !table.hidden.isEmpty else { return chosen }
    let hidden = Set(table.hidden.map { table.columns[$0].number })
    return (chosen ?? Set(table.columns.map(\.number))).subtracting(hidden)
  }

  deinit {
    shelf?.give(condition.byteCount)
  }

  /// The same view of the new generation of the tables: columns that were renamed since keep the names that
  /// the filter has for them, and of those selected the ones that are gone are no more.
  ///
  /// - Parameters:
  ///   - table: nil: it is of every table.
  ///   - rights: As they are by the new schema.
  ///   - sets: That belong to the caller, likewise.
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, where the filter needs a column that is gone; what
  ///   the rights refuse.
  func adapted(
    to table: Table?, in catalog: Catalog, filters: FilterShelf, rights: Rights?,
    sets: MembershipSets = .none
  ) throws(DatasyncError) -> View {
    guard let table else {
      return try View(
        ofEveryTable: catalog, filter: "", select: [], includeDeleted: includeDeleted,
        filters: filters, rights: rights, sets: sets)
    }
    let spoken = self.spoken.map { table.named(as: $0) } ?? table
    let isRenamed = !spoken.columns.lazy.map(\.name).elementsEqual(
      table.columns.lazy.map(\.name))
    let reading = try rights?.reading(table, by: sets, terms: filters.terms)
    let condition = try filters.adapted(
      filterText, table: spoken, isRenamed: isRenamed, reading: reading)
    if !condition.isShared { filters.take(condition.byteCount) }
    return View(
      table: table, condition, spoken: spoken, includeDeleted: includeDeleted, chosen: chosen,
      sendsEveryUpdate: sendsEveryUpdate, filterText: filterText, rightsKey: reading?.key ?? "",
      shelf: condition.isShared ? nil : filters)
  }

  /// What it shows of one table; nil: nothing.
  func part(of table: Int) -> View? {
    guard let parts else { return self }
    return parts[table]
  }

  /// Those of which it shows anything.
  func tables(in catalog: Catalog) -> [Table] {
    if let table { return [table] }
    guard let parts else { return catalog.tables }
    return catalog.tables.compactMap { parts[$0.id]?.table }
  }

  /// Positions of columns that the caller must not know of.
  var hidden: Set<Int> { table?.hidden ?? [] }

  /// Whether a row is in the view.
  ///
  /// - Parameter values: As ``RowDecoder`` gives them, ``filterColumns`` at least; asked for where
  ///   they matter.
  /// - Throws: Where the filter would take more for the row than it may.
  func contains(
    isDeleted: Bool, memo: TextMemo, values: () -> [Value]
  ) throws(FilterFault) -> Bool {
    if !includeDeleted, isDeleted { return false }
    if FaultSwitch.isOn(.ignoreFilter) { return true }
    return try condition.holds(memo, values)
  }

  /// What a row is to the view.
  ///
  /// - Parameters:
  ///   - image: nil: there is no row.
  ///   - isFaulty: Whether the image says of values that they cannot be read.
  ///   - memo: Of this row.
  ///   - values: As for ``contains(isDeleted:memo:values:)``.
  func standing(
    _ image: UnsafeRawBufferPointer?, isFaulty: Bool, isDeleted: Bool, maxBytes: Int,
    memo: TextMemo, values: () -> [Value]
  ) throws(FilterFault) -> Standing {
    guard let image, try contains(isDeleted: isDeleted, memo: memo, values: values) else {
      return .outside
    }
    if isFaulty, case .unreadable(let fault) = standing(of: RowFaults.faults(of: image)) {
      return .unreadable(fault)
    }
    guard image.count > maxBytes else { return .inside }
    // Few rows come this far: what is selected of them may be small.
    let shown = selected.map { RowDecoder.image(image, keepingNumbers: $0).bytes } ?? Array(image)
    return shown.count > maxBytes
      ? .unreadable(.size(of: shown, count: shown.count, limit: maxBytes)) : .inside
  }

  /// What a row of it is that has values which cannot be read.
  func standing(of faults: [RowFault]) -> Standing {
    faults.first { shows($0.number) }.map { .unreadable($0) } ?? .inside
  }

  private func shows(_ number: Int) -> Bool {
    number == SystemColumn.key.rawValue + 1 || selected?.contains(number) ?? true
  }

  /// What a change may be to a view, before its row is looked at. A value.
  enum Concern {
    /// Another table's, or one that is not served.
    case nothing
    /// A table's history begins anew: what was seen of it is no longer the base of what follows.
    case beginning
    case row(Table)
  }

  func concern(_ operation: Change.Operation, ofTable id: Int, in catalog: Catalog) -> Concern {
    if let table { guard table.id == id else { return .nothing } }
    if let parts { guard parts[id] != nil else { return .nothing } }
    if operation == .tableAttached { return .beginning }
    return catalog.table(id: id).map { .row($0) } ?? .nothing
  }

  var filterColumns: ColumnMask { condition.columns }

  /// For a query of the view's rows; nil: every row.
  func filter() throws(DatasyncError) -> Filter? {
    try spoken.flatMap { table throws(DatasyncError) in try condition.filter(of: table) }
  }

  /// Whether a row that stays in the view is sent when these fields of it change.
  func sendsUpdate(of changedNumbers: @autoclosure () -> [Int]) -> Bool {
    guard let selected, !sendsEveryUpdate else { return true }
    return changedNumbers().contains { selected.contains($0) }
  }

  /// Positions of what is selected in one of the view's tables; nil: all.
  func selectedPositions(of table: Table) -> [Int]? {
    selected.map { $0.compactMap { table.index(ofNumber: $0) }.sorted() }
  }

  func project(_ image: RowImage) -> RowImage {
    selected.map { RowDecoder.image(image, keepingNumbers: $0) } ?? image
  }
}
