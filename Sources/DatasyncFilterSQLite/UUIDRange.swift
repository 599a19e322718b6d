/// A range of text, by bytes, in which ways to write one UUID lie: the same in every mixture of cases
/// after some letters that are given. A value.
struct UUIDRange: Hashable {
  /// In canonical form.
  let uuid: String
  let first: String
  let last: String

  /// Most ranges of one condition. A filter of common length names some 200 UUIDs.
  private static let limit = 1024
  /// With three letters a range holds one of 4,096 rows at most, commonly none but those wanted; with
  /// fewer than two, several ranges together may hold more than there are rows.
  private static let letters = 2...3

  /// At how many letters the ranges of so many UUIDs are split; nil where they would be too many.
  static func letters(for count: Int) -> Int? {
    letters.last { count << $0 <= limit }
  }

  /// - Parameter canonical: In lower case.
  static func all(of canonical: String, splitAt letters: Int) -> [UUIDRange] {
    var starts = [""]
    var rest = Substring(canonical)
    var split = 0
    while split < letters, let digit = rest.popFirst() {
      if digit.isLetter {
        split += 1
        starts = starts.flatMap { [$0 + digit.uppercased(), $0 + String(digit)] }
      } else {
        starts = starts.map { $0 + String(digit) }
      }
    }
    return starts.map { start in
      UUIDRange(uuid: canonical, first: start + rest.uppercased(), last: start + rest)
    }
  }
}
