import DatasyncFilter
import DatasyncModel
import DatasyncStorage

/// How far somebody has come who reads the rows of tables in the order of their keys. A value.
struct RowPlace: Sendable {
  /// The tables still to be read, by id, the current one first.
  let tables: [Int]
  /// The last key that was read of the current table.
  let after: Value?

  /// Whether a row comes before it.
  func covers(_ key: Value, of table: Table) -> Bool {
    guard let current = tables.first else { return true }
    guard current == table.id else { return !tables.contains(table.id) }
    guard let after else { return false }
    let kind = ExpressionType(table.key.type).operandKind
    return (Operand.compare(kind.read(key), kind.read(after)) ?? 0) <= 0
  }
}

/// By which views somebody was sent the rows as they were at one position: where what a caller may read changes
/// again before all has been judged, by several. A value.
struct SentRows: Sendable {
  /// A part of the rows, and the view that it was judged by.
  private struct Part: Sendable {
    let place: RowPlace?
    /// One row, by its table and its key.
    var row: (table: Int, key: Value)?
    /// All rows that have changed after this sequence; nil: none for that.
    let changedAfter: Sequence?
    let view: View?
  }

  /// The newest first.
  private var parts: [Part] = []
  /// Of all other rows; nil: they were not sent.
  private let others: View?

  /// With more, a change of rights waits for the judgement before it.
  private static let maxParts = 8

  /// All rows of a view.
  init(all view: View) {
    others = view
  }

  /// Those before a place.
  init(_ view: View, before place: RowPlace) {
    others = nil
    parts = [Part(place: place, changedAfter: nil, view: view)]
  }

  /// Whether all rows were judged by one view.
  var isWhole: Bool { parts.isEmpty }
  var isFull: Bool { parts.count >= SentRows.maxParts }

  /// With the rows that another view has judged since.
  ///
  /// - Parameters:
  ///   - place: Those before it.
  ///   - changedAfter: And those that have changed since; nil: they were judged as all others.
  func judged(by view: View?, before place: RowPlace, changedAfter: Sequence?) -> SentRows {
    var sent = self
    sent.parts.insert(Part(place: place, changedAfter: changedAfter, view: view), at: 0)
    return sent
  }

  /// With one row as it was sent before.
  func unsent(_ row: StoredRow, as former: SentRows) -> SentRows {
    let key = RowDecoder.values(of: row.image, table: row.table, columns: ColumnMask(0))[0]
    var sent = self
    sent.parts.insert(
      Part(
        place: nil, row: (row.table.id, key), changedAfter: nil,
        view: former.wholeView(of: key, version: row.version, in: row.table)), at: 0)
    return sent
  }

  /// Those of which something may have been sent.
  func tables(in catalog: Catalog) -> [Table] {
    (parts.map(\.view) + [others]).flatMap { $0?.tables(in: catalog) ?? [] }
  }

  /// The view that a row was judged by, of its table; nil: none that shows anything.
  func view(of key: Value, version: Sequence, in table: Table) -> View? {
    wholeView(of: key, version: version, in: table)?.part(of: table.id)
  }

  private func wholeView(of key: Value, version: Sequence, in table: Table) -> View? {
    let part = parts.first { part in
      part.changedAfter.map { version > $0 } ?? false
        || part.place?.covers(key, of: table) ?? false
        || part.row.map { $0.table == table.id && $0.key == key } ?? false
    }
    return part.map(\.view) ?? others
  }
}
