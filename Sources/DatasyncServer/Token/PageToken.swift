import DatasyncModel

/// Where the next page of a query begins. A value.
struct PageToken: Hashable, Sendable {
  /// Tells whether the query is the one that the token came from.
  var queryFingerprint: UInt64
  /// Rows of earlier pages, for `top`.
  var rowsBefore: UInt64
  /// Values of the order's terms in the last row.
  var after: [Value]

  func text(coder: TokenCoder) -> String {
    var writer = WireWriter(reservingCapacity: 64)
    writer.append(field: 1, varint: queryFingerprint)
    writer.append(field: 2, varint: rowsBefore)
    for value in after {
      writer.append(field: 3) { PageToken.write(value, to: &$0) }
    }
    return coder.encode(writer.bytes)
  }

  /// - Throws: INVALID_ARGUMENT, reason BAD_PAGE_TOKEN, also where it belongs to another query.
  static func parse(
    _ text: String, queryFingerprint: UInt64, coder: TokenCoder
  ) throws(DatasyncError) -> PageToken {
    var token = PageToken(queryFingerprint: 0, rowsBefore: 0, after: [])
    guard let content = coder.decode(text) else {
      throw bad("not a token that this server gave, or a damaged one")
    }
    let isValid = content.withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      while let next = try? reader.next() {
        switch next {
        case (1, .varint(let value)): token.queryFingerprint = value
        case (2, .varint(let value)): token.rowsBefore = value
        case (3, .bytes(let value)):
          guard let value = read(value) else { return false }
          token.after.append(value)
        default: return false
        }
      }
      return reader.offset == bytes.count
    }
    guard isValid else { throw bad("damaged") }
    guard token.queryFingerprint == queryFingerprint else {
      throw bad("it belongs to another query; repeat the query that gave it")
    }
    return token
  }

  private static func bad(_ description: String) -> DatasyncError {
    .badField("page_token", reason: "BAD_PAGE_TOKEN", description)
  }

  private static func write(_ value: Value, to writer: inout WireWriter) {
    switch value {
    case .null: break
    case .bool(let value): writer.append(field: 1, bool: value)
    case .int64(let value): writer.append(field: 2, int64: value)
    case .double(let value): writer.append(field: 3, double: value)
    case .string(let value): writer.append(field: 4, string: value)
    case .bytes(let value): writer.append(field: 5, bytes: value)
    case .timestamp(let value): writer.append(field: 6, int64: value)
    }
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) -> Value? {
    var reader = WireReader(bytes)
    guard let next = try? reader.next() else { return bytes.isEmpty ? .null : nil }
    return switch next {
    case (1, .varint(let value)): .bool(value != 0)
    case (2, .varint(let value)): .int64(Int64(bitPattern: value))
    case (3, .fixed64(let value)): .double(Double(bitPattern: value))
    case (4, .bytes(let value)): .string(String(decoding: value, as: UTF8.self))
    case (5, .bytes(let value)): .bytes(Array(value))
    case (6, .varint(let value)): .timestamp(Int64(bitPattern: value))
    default: nil
    }
  }
}
