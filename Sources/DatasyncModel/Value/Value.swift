/// One value of a row. A value.
///
/// Dates, times, decimals, UUIDs, JSON and enum values are `string`s in their canonical form.
package enum Value: Hashable, Sendable {
  case null
  case bool(Bool)
  case int64(Int64)
  case double(Double)
  case string(String)
  case bytes([UInt8])
  /// Microseconds since 1970-01-01T00:00:00Z.
  case timestamp(Int64)

  package var isNull: Bool {
    if case .null = self { return true }
    return false
  }
}
