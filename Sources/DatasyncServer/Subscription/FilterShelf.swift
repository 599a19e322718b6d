import DatasyncFilter
import DatasyncModel
import Synchronization

/// The filters of a service's subscriptions: equal ones are kept once, and what all take in memory is
/// bounded. Sendable: a lock guards it; it keeps none alive.
final class FilterShelf: Sendable {
  struct Key: Hashable, Sendable {
    let text: ExactText
    let tableID: Int
    /// Of the table's schema.
    let generation: Int
  }

  private struct Entry: Sendable {
    weak var filter: SharedFilter?
    /// Of the object.
    let id: Int
  }

  /// What they share.
  let terms = TextTerms()
  private let maxBytes: Int
  private let held = Atomic<Int>(0)
  private let check: @Sendable (Filter) throws(DatasyncError) -> Void
  private let entries = Mutex<[Key: Entry]>([:])

  /// - Parameter check: Whether the database can be asked.
  init(
    maxBytes: Int,
    check: @escaping @Sendable (Filter) throws(DatasyncError) -> Void = { _ in }
  ) {
    self.maxBytes = maxBytes
    self.check = check
  }

  /// How many different text functions they have.
  var termCount: Int { terms.count }
  /// About.
  var heldBytes: Int { held.load(ordering: .relaxed) }

  /// A filter of a subscription that is made.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER or FILTER_TOO_COMPLEX; RESOURCE_EXHAUSTED, reason
  ///   MAX_FILTER_BYTES, where there are too many.
  func condition(
    _ text: String, table: Table, maxCost: Int, reading: Reading? = nil
  ) throws(DatasyncError) -> ViewCondition {
    let key = key(text, table, reading)
    if let filter = filter(for: key) { return .filter(filter) }
    let filter = try filter(text, table) { filter throws(DatasyncError) in
      try filter.refuseNow()
      try check(filter)
      try filter.cost.check(maxCost, limitName: "max_filter_cost")
    }
    if reading?.isEmpty == true { return .never(text: text) }
    guard let whole = joined(filter, reading) else { return .always }
    if reading?.rule != nil { try check(whole) }
    let condition = ViewCondition(whole)
    guard case .filter = condition else { return condition }
    try admit(condition.byteCount)
    return .filter(keep(whole, byteCount: condition.byteCount, key))
  }

  /// A filter that a subscription has already, for its table's new generation.
  ///
  /// - Parameter isRenamed: Whether the text has other names for columns than the table has.
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER.
  func adapted(
    _ text: String, table: Table, isRenamed: Bool, reading: Reading? = nil
  ) throws(DatasyncError) -> ViewCondition {
    let key = isRenamed ? nil : key(text, table, reading)
    if let key, let filter = filter(for: key) { return .filter(filter) }
    if reading?.isEmpty == true { return .never(text: text) }
    guard let whole = joined(try filter(text, table), reading) else { return .always }
    let condition = ViewCondition(whole)
    guard case .filter = condition else { return condition }
    take(condition.byteCount)
    return .filter(keep(whole, byteCount: condition.byteCount, key))
  }

  private func key(_ text: String, _ table: Table, _ reading: Reading?) -> Key {
    // No filter holds a NUL.
    let text = reading?.rule == nil ? text : "\(reading?.key ?? "")\0\(text)"
    return Key(text: ExactText(text), tableID: table.id, generation: table.generation)
  }

  /// nil for an empty text.
  private func filter(
    _ text: String, _ table: Table,
    check: (Filter) throws(DatasyncError) -> Void = { (_) throws(DatasyncError) in }
  ) throws(DatasyncError) -> Filter? {
    guard !text.isEmpty else { return nil }
    let filter = try Filter(parsing: text, table: table, terms: terms)
    try check(filter)
    return filter
  }

  private func joined(_ filter: Filter?, _ reading: Reading?) -> Filter? {
    guard let rule = reading?.rule else { return filter }
    return filter.map { rule.and($0, terms: terms) } ?? rule
  }

  private func filter(for key: Key) -> SharedFilter? {
    entries.withLock { entries in
      guard let entry = entries[key] else { return nil }
      return entry.filter
    }
  }

  /// - Returns: The filter, or one that has come meanwhile.
  private func keep(_ filter: Filter, byteCount: Int, _ key: Key?) -> SharedFilter {
    let shared = SharedFilter(filter, byteCount: byteCount, shelf: self, key: key)
    guard let key else { return shared }
    return entries.withLock { entries in
      if let entry = entries[key], let other = entry.filter { return other }
      entries[key] = Entry(filter: shared, id: shared.id)
      return shared
    }
  }

  func remove(_ id: Int, _ key: Key) {
    entries.withLock { entries in
      // Another may have taken its place.
      if let entry = entries[key], entry.id == id { entries[key] = nil }
    }
  }

  // MARK: - Bytes

  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_FILTER_BYTES.
  func admit(_ bytes: Int) throws(DatasyncError) {
    guard held.add(bytes, ordering: .relaxed).newValue > maxBytes else { return }
    give(bytes)
    throw DatasyncError(
      .resourceExhausted, reason: "MAX_FILTER_BYTES",
      "the filters of all subscriptions take \(heldBytes) of \(maxBytes) bytes: try again later, "
        + "or subscribe with a shorter filter, or with one that others have",
      metadata: ["limit": "max_filter_bytes"], retryAfter: .seconds(1))
  }

  func take(_ bytes: Int) {
    held.add(bytes, ordering: .relaxed)
  }

  func give(_ bytes: Int) {
    held.subtract(bytes, ordering: .relaxed)
  }
}
