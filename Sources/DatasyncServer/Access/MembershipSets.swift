import DatasyncAccess
import DatasyncFilter
import DatasyncModel
import DatasyncStorage

/// What belongs to a principal, as rows were at one sequence. Immutable.
final class MembershipSets: Sendable {
  /// By the names of the memberships: those that were asked for, and what they are made of.
  let values: [String: OperandSet]
  /// Equal only where all are that were asked for.
  let digest: [UInt8]
  /// The same as text.
  let digestText: String

  /// Where none is needed, or none is known yet.
  static let none = MembershipSets([:], for: [])

  /// - Parameter names: Those that were asked for.
  init(_ values: [String: OperandSet], for names: Set<String>) {
    self.values = values
    var hash = SHA256()
    for name in names.sorted() {
      guard let set = values[name] else { continue }
      var writer = WireWriter()
      writer.append(field: 1, string: name)
      writer.append(field: 2, varint: UInt64(set.count))
      hash.update(writer.bytes)
      for element in set.elements {
        var writer = WireWriter()
        writer.append(field: 3, string: "\(element)")
        hash.update(writer.bytes)
      }
    }
    digest = names.isEmpty ? [] : hash.digest()
    digestText = Base64.urlText(of: digest)
  }

  /// Values of all sets.
  var count: Int { values.values.reduce(0) { $0 + $1.count } }
}

/// Reads the sets of a principal from rows. A value, used once.
struct MembershipReader {
  let principal: Principal
  /// Those that are asked for.
  let names: Set<String>
  /// In the order in which they are to be read: later ones use those before them.
  let memberships: [AccessRules.Membership]
  let maxValues: Int

  private static let pageRows = 10_000

  /// - Throws: RESOURCE_EXHAUSTED, reason MAX_MEMBERSHIP_VALUES; what reading the rows throws.
  func sets(in rows: any RowSource) throws(DatasyncError) -> MembershipSets {
    var sets: [String: OperandSet] = [:]
    for membership in memberships {
      sets[membership.name] = try values(of: membership, sets, in: rows)
    }
    return MembershipSets(sets, for: names)
  }

  private func values(
    of membership: AccessRules.Membership, _ sets: [String: OperandSet], in rows: any RowSource
  ) throws(DatasyncError) -> OperandSet {
    let table = membership.table
    var request = ScanRequest(table: table, limit: MembershipReader.pageRows)
    request.columns = [membership.column]
    switch membership.rule.folded(for: principal).binding(sets) {
    case .always: break
    case .filter(let filter): request.filter = filter
    // A rule of a set knows of no row before.
    case .never, .pair: return OperandSet([])
    }
    let kind = membership.type.operandKind
    var found: [Operand] = []
    repeat {
      let page = try rows.scan(request)
      for row in page.rows {
        let value = RowDecoder.values(
          of: row.image, table: table, columns: ColumnMask([membership.column]))[membership.column]
        if !value.isNull { found.append(kind.read(value)) }
      }
      request.after = page.next
      // Many rows may have one value.
      if found.count > 2 * maxValues { found = try checked(found, membership).elements }
    } while request.after != nil
    return try checked(found, membership)
  }

  private func checked(
    _ values: [Operand], _ membership: AccessRules.Membership
  ) throws(DatasyncError) -> OperandSet {
    let set = OperandSet(values)
    guard set.count <= maxValues else {
      throw DatasyncError(
        .resourceExhausted, reason: "MAX_MEMBERSHIP_VALUES",
        "the set \"\(membership.name)\" that belongs to you has more than \(maxValues) values",
        metadata: ["limit": "max_membership_values", "membership": membership.name])
    }
    return set
  }
}
