// `Array(repeating:count:)` is not specialized for a type of ours: it looks up the type of its memory
// at run time, which takes longer than to fill it. A row's values are made once an operation.

extension Array where Element == Value {
  /// So many nulls, faster than `Array(repeating:count:)`.
  package static func nulls(_ count: Int) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(.null) }
    return values
  }
}

extension Array where Element == Value? {
  /// So many nils, which is to say fields that a message does not have.
  package static func absent(_ count: Int) -> [Value?] {
    var values: [Value?] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(nil) }
    return values
  }
}
