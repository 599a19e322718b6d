package import DatasyncModel

/// Where the next page of a query begins. A value.
package struct PageToken: Hashable, Sendable {
  /// Tells whether the query is the one that the token came from.
  package var queryFingerprint: UInt64
  /// Rows of earlier pages, for `top`.
  var rowsBefore: UInt64
  /// Values of the order's terms in the last row.
  var after: [Value]

  /// base64url, signed with the coder's key; whoever holds it can read it, and not make another.
  package func text(coder: TokenCoder) -> String {
    coder.encode(content, as: .page)
  }

  private var content: [UInt8] {
    var writer = WireWriter(reservingCapacity: 64)
    writer.append(field: 1, varint: queryFingerprint)
    writer.append(field: 2, varint: rowsBefore)
    for value in after {
      writer.append(field: 3) { PageToken.write(value, to: &$0) }
    }
    return writer.bytes
  }

  /// - Throws: INVALID_ARGUMENT, reason BAD_PAGE_TOKEN, also where it belongs to another query.
  package static func parse(
    _ text: String, queryFingerprint: UInt64, coder: TokenCoder
  ) throws(DatasyncError) -> PageToken {
    guard case .ours(let content) = coder.decode(text, as: .page) else {
      throw bad("not a token that this server gave, or a damaged one")
    }
    guard let token = PageToken(content: content) else {
      throw bad("not a token that this server gave, or a damaged one")
    }
    guard token.queryFingerprint == queryFingerprint else {
      throw ofAnotherQuery
    }
    return token
  }

  init(queryFingerprint: UInt64, rowsBefore: UInt64, after: [Value]) {
    self.queryFingerprint = queryFingerprint
    self.rowsBefore = rowsBefore
    self.after = after
  }

  /// nil where it is not, byte for byte, what ``text(coder:)`` makes of a token.
  package init?(content: [UInt8]) {
    self.init(queryFingerprint: 0, rowsBefore: 0, after: [])
    let isRead = content.withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      while let next = try? reader.next() {
        switch next {
        case (1, .varint(let value)): queryFingerprint = value
        case (2, .varint(let value)): rowsBefore = value
        case (3, .bytes(let value)):
          guard let value = PageToken.read(value) else { return false }
          after.append(value)
        default: return false
        }
      }
      return reader.offset == bytes.count
    }
    // No table has more rows than SQLite has numbers for them.
    guard isRead, rowsBefore <= UInt64(Int64.max), self.content == content else { return nil }
  }

  static var ofAnotherQuery: DatasyncError {
    bad("it belongs to another query; repeat the query that gave it")
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
    case (3, .fixed64(let value)): number(Double(bitPattern: value))
    case (4, .bytes(let value)): .string(String(decoding: value, as: UTF8.self))
    case (5, .bytes(let value)): .bytes(Array(value))
    case (6, .varint(let value)): .timestamp(Int64(bitPattern: value))
    default: nil
    }
  }

  /// No column holds NaN: SQLite stores NULL for it.
  private static func number(_ value: Double) -> Value? {
    value.isNaN ? nil : .double(value)
  }
}
