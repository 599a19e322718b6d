import DatasyncAccess
import DatasyncFilter
import DatasyncMessages
import DatasyncModel

// What tokens say of their holder's rights.
extension Rights {
  /// Of what the caller may read in one table, or in all: of who it is, and of what the rules that show rows
  /// and columns say and use of it. Nothing else counts.
  ///
  /// - Parameters:
  ///   - table: nil: all of them.
  ///   - sets: Those that the rule for reading needs.
  func mark(
    of table: Table?, in catalog: Catalog, by tokens: TokenCoder, sets: MembershipSets? = nil
  ) -> ViewMark {
    var writer = WireWriter(reservingCapacity: 256)
    writer.append(field: 1, bool: principal.id != nil)
    writer.append(field: 2, string: principal.id ?? "")
    if let table {
      if let rights = try? of(table).folded { write(rights, to: &writer) }
    } else {
      writeEveryTable(of: catalog, to: &writer)
    }
    if let sets, !sets.values.isEmpty { writer.append(field: 10, bytes: sets.digest) }
    return tokens.mark(of: writer.bytes)
  }

  private func writeEveryTable(of catalog: Catalog, to writer: inout WireWriter) {
    var others: Set<[UInt8]> = []
    for table in catalog.tables {
      guard let rights = try? of(table).folded, rights.viewTexts.first != "" else { continue }
      guard names(table) else {
        // One more table under the same rule is no other view: its rows come as changes.
        var other = WireWriter()
        write(rights, to: &other)
        others.insert(other.bytes)
        continue
      }
      writer.append(field: 3, varint: UInt64(table.id))
      write(rights, to: &writer)
    }
    for other in others.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      writer.append(field: 9, bytes: other)
    }
  }

  private func write(_ rights: TableRights, to writer: inout WireWriter) {
    for text in rights.viewTexts { writer.append(field: 4, string: text) }
    let use = rights.viewUse
    if use.roles { write(principal.roles, field: 5, to: &writer) }
    if use.groups { write(principal.groups, field: 6, to: &writer) }
    for name in use.claims.sorted() {
      writer.append(field: 7, string: name)
      writer.append(field: 8, string: principal.claims[name].map { "\($0)" } ?? "")
    }
  }

  private func write(_ names: Set<String>, field: Int, to writer: inout WireWriter) {
    writer.append(field: field) { list in
      for name in names.sorted() { list.append(field: 1, string: name) }
    }
  }
}
