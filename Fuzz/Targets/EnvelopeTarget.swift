import DatasyncMessages
import DatasyncModel

/// The decoder of requests, over protobuf-c. Namespace.
enum EnvelopeTarget {
  static func run(_ bytes: [UInt8]) throws {
    let decoder = RequestDecoder(maxBytes: 1 << 20)
    try bytes.withUnsafeBytes { bytes in
      try session(bytes, decoder)
      for decode in [
        decoder.create, decoder.replace, decoder.update, decoder.delete, decoder.commit,
        decoder.get, decoder.query, decoder.subscribe, decoder.describe, decoder.changes,
      ] {
        let first = text { try decode(bytes) }
        try require(text { try decode(bytes) } == first, "read twice, it is not the same")
      }
      _ = try? decoder.fieldMask(bytes)
      _ = try? TypedMessages.replace(bytes, table: RowTarget.table)
      _ = try? TypedMessages.update(bytes, table: RowTarget.table, decoder: decoder)
    }
  }

  private static func text(_ decode: () throws -> Request) -> String {
    do { return "\(try decode())" } catch { return "\(error)" }
  }

  /// Where our own reader can read the fields, both have read the same ones.
  private static func session(_ bytes: UnsafeRawBufferPointer, _ decoder: RequestDecoder) throws {
    guard let request = try? decoder.sessionRequest(bytes) else { return }
    try require(request.byteCount == bytes.count, "\(request.byteCount) of \(bytes.count) bytes")
    var reader = WireReader(bytes)
    var requestID: UInt64 = 0
    var hasRequest = false
    do {
      while let (number, field) = try reader.next() {
        if number == 1, case .varint(let value) = field { requestID = value }
        if (2...13).contains(number), case .bytes = field { hasRequest = true }
      }
    } catch {
      return
    }
    try require(request.requestID == requestID, "\(request.requestID), not \(requestID)")
    try require((request.request != nil) == hasRequest, "a request: \(hasRequest), not so decoded")
  }
}
