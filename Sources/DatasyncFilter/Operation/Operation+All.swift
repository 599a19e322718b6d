extension Operation {
  /// Below 0, 0 or above 0; two nulls are equal, one alone is null. See ``Operand/compare(_:_:)``.
  package static let compare = Operation(
    name: "compare", parameters: [.dynamic, .dynamic],
    body: .binary { a, b in
      Operand.compare(a, b).map { .int64(Int64($0)) } ?? .null
    })

  /// Bytes that SQLite compares and sorts as the decimals that they stand for.
  package static let decimalKey = Operation(
    name: "decimal_key", parameters: [.decimal],
    body: .unary { value in
      Decimal(value).map { .bytes($0.sortKey) } ?? .null
    })

  /// A number as the double that it is compared as: too large a decimal is infinite, and so still
  /// larger than every double.
  package static let comparableDouble = Operation(
    name: "comparable_double", parameters: [.double],
    body: .unary { value in
      Double(value).map { .double($0) } ?? .null
    })

  /// All that filters and orders may call in SQL: what is missing here, SQLite does not know.
  package static let all: [Operation] =
    int64Arithmetic.all + decimalArithmetic.all + doubleArithmetic.all + text + times + casts
    + stored
    + [compare, decimalKey, comparableDouble]
}
