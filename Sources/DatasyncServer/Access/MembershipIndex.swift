import DatasyncFilter
import DatasyncModel

/// The principals of a loop by the rows of one table that make up their sets, so that a change of a row finds
/// those whom it concerns. A value.
struct MembershipIndex {
  /// By position of the column, then by the value that a row must have.
  private var byValue: [Int: [Value: [ObjectIdentifier: MembershipHolder]]] = [:]
  /// Of whose rows that is not known.
  private var others: [ObjectIdentifier: MembershipHolder] = [:]

  /// With more, whoever has them is asked about each change.
  private static let maxValues = 4096

  var isEmpty: Bool { byValue.isEmpty && others.isEmpty }

  mutating func insert(_ holder: MembershipHolder, rule: BoundRule) {
    let id = ObjectIdentifier(holder)
    guard let places = MembershipIndex.places(of: rule) else { return others[id] = holder }
    for (column, values) in places {
      for value in values { byValue[column, default: [:]][value, default: [:]][id] = holder }
    }
  }

  mutating func remove(_ holder: MembershipHolder, rule: BoundRule) {
    let id = ObjectIdentifier(holder)
    guard let places = MembershipIndex.places(of: rule) else { return others[id] = nil }
    for (column, values) in places {
      for value in values {
        byValue[column]?[value]?[id] = nil
        if byValue[column]?[value]?.isEmpty ?? false { byValue[column]?[value] = nil }
      }
      if byValue[column]?.isEmpty ?? false { byValue[column] = nil }
    }
  }

  /// nil: any row may be one of its.
  private static func places(of rule: BoundRule) -> [(column: Int, values: [Value])]? {
    guard case .filter(let filter) = rule, let places = filter.alternatives,
      places.reduce(0, { $0 + $1.values.count }) <= maxValues
    else { return nil }
    return places
  }

  /// Calls back for each whom a change may concern, some more than once.
  func forEachCandidate(of change: Change, in table: Table, _ body: (MembershipHolder) -> Void) {
    others.values.forEach(body)
    guard !byValue.isEmpty else { return }
    let columns = ColumnMask(Set(byValue.keys))
    for image in [change.before, change.after] {
      guard let image else { continue }
      let values = RowDecoder.values(of: image, table: table, columns: columns)
      for (column, holders) in byValue { holders[values[column]]?.values.forEach(body) }
    }
  }
}
