import DatasyncFilter
import DatasyncMessages
import DatasyncModel

/// Which rows a subscription is about, and what of them it gets: table ∧ filter ∧ not deleted. An
/// access policy joins the filter here. Immutable, shared by reference within a loop.
final class View: Sendable {
  /// nil: every table.
  let table: Table?
  let condition: ViewCondition
  /// The table in the names that the filter has for its columns.
  let spoken: Table?
  let includeDeleted: Bool
  /// Field numbers that are sent; nil: all.
  let selected: Set<Int>?
  /// Whether a change that touches no selected field is sent nevertheless.
  let sendsEveryUpdate: Bool
  /// Counts the filter, where that is kept here and nowhere else.
  private let shelf: FilterShelf?

  /// - Throws: INVALID_ARGUMENT or NOT_FOUND; RESOURCE_EXHAUSTED, reason MAX_FILTER_BYTES.
  init(
    table: Table?, filter: String, select: [String], includeDeleted: Bool, filters: FilterShelf,
    maxFilterCost: Int = .max
  ) throws(DatasyncError) {
    self.table = table
    spoken = table
    self.includeDeleted = includeDeleted
    guard let table else {
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
      condition = .always
      selected = nil
      sendsEveryUpdate = true
      shelf = nil
      return
    }
    let columns: [Int]?
    do throws(DatasyncError) {
      condition =
        filter.isEmpty
        ? .always : try filters.condition(filter, table: table, maxCost: maxFilterCost)
      columns = try RequestNames.select(select, of: table)
    } catch {
      var faults = RequestFaults()
      faults.check { () throws(DatasyncError) in
        filter.isEmpty
          ? .always : try filters.condition(filter, table: table, maxCost: maxFilterCost)
      }
      faults.check { () throws(DatasyncError) in try RequestNames.select(select, of: table) }
      throw faults.joined(to: error)
    }
    selected = columns.map { columns in Set(columns.map { table.columns[$0].number }) }
    sendsEveryUpdate =
      columns.map {
        $0.contains(SystemColumn.version.rawValue) || $0.contains(SystemColumn.updatedAt.rawValue)
      } ?? true
    // Last: what is counted is given back with the view.
    if condition.isShared {
      shelf = nil
    } else {
      try filters.admit(condition.byteCount)
      shelf = filters
    }
  }

  deinit {
    shelf?.give(condition.byteCount)
  }

  /// The same view of the table's new generation: columns that were renamed since keep the names that
  /// the filter has for them, and of those selected the ones that are gone are no more.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, where the filter needs a column that is gone.
  func adapted(to table: Table, filters: FilterShelf) throws(DatasyncError) -> View {
    try View(self, adaptedTo: table, filters: filters)
  }

  private init(_ old: View, adaptedTo table: Table, filters: FilterShelf) throws(DatasyncError) {
    let spoken = old.spoken.map { table.named(as: $0) } ?? table
    self.table = table
    self.spoken = spoken
    condition =
      old.condition.text.isEmpty
      ? .always
      : try filters.adapted(
        old.condition.text, table: spoken,
        isRenamed: !spoken.columns.lazy.map(\.name).elementsEqual(table.columns.lazy.map(\.name)))
    includeDeleted = old.includeDeleted
    selected = old.selected
    sendsEveryUpdate = old.sendsEveryUpdate
    if condition.isShared {
      shelf = nil
    } else {
      filters.take(condition.byteCount)
      shelf = filters
    }
  }

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
    if isFaulty, let fault = RowFaults.faults(of: image).first(where: { shows($0.number) }) {
      return .unreadable(fault)
    }
    guard image.count > maxBytes else { return .inside }
    // Few rows come this far: what is selected of them may be small.
    let shown = selected.map { RowDecoder.image(image, keepingNumbers: $0).bytes } ?? Array(image)
    return shown.count > maxBytes
      ? .unreadable(.size(of: shown, count: shown.count, limit: maxBytes)) : .inside
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
    if let table, table.id != id { return .nothing }
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
