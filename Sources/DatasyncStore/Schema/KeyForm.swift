import DatasyncFilterSQLite
import DatasyncModel

/// How the server writes the UUID that it makes as a key. A value.
///
/// A program that keeps UUIDs as keys looks for them in the one form in which it writes them: Django and
/// SQLAlchemy in 32 digits, without hyphens.
struct KeyForm: Hashable, Sendable {
  var hasHyphens = true
  var isUppercase = false
}

extension KeyForm {
  /// The form of the keys that are there: of some from both ends of the key's index, so that it costs
  /// the same for a table of any size. Without keys, that for which the declaration has room.
  init(of raw: RawTable, on connection: Connection) throws(SQLiteFailure) {
    guard let column = raw.keyColumns.first,
      raw.declaredType(of: column).type != .int64
    else { return }
    let (table, key) = (raw.name.quotedIdentifier, column.name.quotedIdentifier)
    let keys = try connection.prepare(
      """
      SELECT * FROM (SELECT \(key) FROM \(table) ORDER BY \(key) LIMIT \(KeyForm.sample))
      UNION ALL
      SELECT * FROM (SELECT \(key) FROM \(table) ORDER BY \(key) DESC LIMIT \(KeyForm.sample))
      """)
    var found: [KeyForm?] = []
    while try keys.step() {
      guard !keys.isNull(0) else { continue }
      found.append(KeyForm(ofDigits: Array(keys.textBytes(0))))
    }
    guard !found.isEmpty else {
      let declared = column.declaredType.asciiLowercased.filter { !$0.isWhitespace }
      hasHyphens = !(declared.contains("char") && declared.hasSuffix("(32)"))
      return
    }
    let forms = found.compactMap { $0 }
    guard forms.count == found.count, let first = forms.first,
      forms.allSatisfy({ $0.hasHyphens == first.hasHyphens })
    else { return }
    hasHyphens = first.hasHyphens
    isUppercase = forms.allSatisfy(\.isUppercase)
  }

  /// Of one key; nil where it is no UUID. One without letters counts as in small ones.
  private init?(ofDigits text: [UInt8]) {
    hasHyphens = text.count == 36
    guard hasHyphens || text.count == 32 else { return nil }
    let places: Set = [8, 13, 18, 23]
    for (position, byte) in text.enumerated() {
      if hasHyphens, places.contains(position) {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): break
      case UInt8(ascii: "A")...UInt8(ascii: "F"): isUppercase = true
      default: return nil
      }
    }
  }

  private static let sample = 50
}
