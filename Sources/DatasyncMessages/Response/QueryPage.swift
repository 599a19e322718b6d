import DatasyncModel

/// A QueryResponse: its rows come packed and are put into their Anys as they are written, the other
/// fields, which may follow in any order, are packed already. Confined to the lifetime of those.
///
/// Source: `proto/datasync/v1/datasync.proto`.
struct QueryPage {
  private let reply: QueryReply
  private let rest: UnsafeRawBufferPointer
  private let urlSize: Int

  init(_ reply: QueryReply, rest: UnsafeRawBufferPointer) {
    self.reply = reply
    self.rest = rest
    urlSize = WireWriter.fieldSize(reply.table.typeURL.utf8.count)
  }

  func response() -> [UInt8] {
    WireOutput.bytes(maxBytes: size) { write(to: &$0) }
  }

  /// A SessionResponse with it.
  func sessionResponse(_ requestID: UInt64) -> [UInt8] {
    let size = size
    return WireOutput.bytes(maxBytes: size + 32) { output in
      output.write(field: 1, varint: requestID)
      output.write(field: 7, length: size)
      write(to: &output)
    }
  }

  private var size: Int {
    rest.count
      + reply.rows.sum { WireWriter.fieldSize(anySize($0)) }
  }

  private func anySize(_ row: Int) -> Int {
    row == 0 ? urlSize : urlSize + WireWriter.fieldSize(row)
  }

  private func write(to output: inout WireOutput) {
    reply.rows.forEach { row in
      output.write(field: 1, length: anySize(row.count))
      output.write(field: 1, string: reply.table.typeURL)
      if !row.isEmpty { output.write(field: 2, bytes: row) }
    }
    output.write(rest)
  }
}
