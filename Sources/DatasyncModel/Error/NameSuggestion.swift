/// Finds the name that someone meant.
package enum NameSuggestion {
  /// `; did you mean 'title'?`, or nothing where no candidate is near.
  package static func clause(
    for name: String, among candidates: some Collection<String>
  ) -> String {
    nearest(to: name, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
  }

  /// The candidate that takes the fewest edits, at most a third of the name's length.
  package static func nearest(
    to name: String, among candidates: some Collection<String>
  ) -> String? {
    guard !name.isEmpty else { return nil }
    let scalars = Array(name.unicodeScalars.prefix(maxLength))
    let bound = max(1, scalars.count / 3)
    var best: (name: String, distance: Int)?
    for candidate in candidates.prefix(maxCandidates) {
      let distance =
        candidate.lowercased() == name.lowercased()
        ? 0 : distance(scalars, Array(candidate.unicodeScalars.prefix(maxLength)))
      guard distance <= bound, distance < best?.distance ?? .max else { continue }
      best = (candidate, distance)
    }
    return best?.name
  }

  /// ``clause(for:among:)``, or else all candidates there are: `; the tables are a, b and 3 more`.
  ///
  /// - Parameter kind: What the candidates are, in the plural.
  package static func clauseOrList(
    for name: String, among candidates: some Collection<String>, kind: String
  ) -> String {
    if let nearest = nearest(to: name, among: candidates) { return "; did you mean '\(nearest)'?" }
    return candidates.isEmpty
      ? "; there are no \(kind)" : "; the \(kind) are \(list(candidates))"
  }

  /// The first names of many, as many as a message has room for.
  package static func list(_ names: some Collection<String>) -> String {
    var shown: [String] = []
    var length = 0
    for name in names.prefix(maxListed) {
      let name = name.shortened
      length += name.headerCost
      guard shown.isEmpty || length <= maxListedCost else { break }
      shown.append(name)
    }
    let text = shown.joined(separator: ", ")
    return shown.count == names.count ? text : "\(text) and \(names.count - shown.count) more"
  }

  private static let maxListed = 20
  /// With what stands before, less than a call's message may have.
  private static let maxListedCost = 800
  private static let maxLength = 64
  private static let maxCandidates = 2000

  /// Insertions, deletions, replacements and swaps of neighbours.
  private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var current = [row + 1]
      for column in right.indices {
        let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
        var best = min(replaced, last[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      (beforeLast, last) = (last, current)
    }
    return last[right.count]
  }
}
