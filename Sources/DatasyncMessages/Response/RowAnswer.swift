import DatasyncModel

/// A SessionResponse with a WriteResponse or a GetResponse that has a row: most answers are one, and
/// it is written straight from the row, as ``QueryPage`` and events are. A value.
///
/// Source: `proto/datasync/v1/datasync.proto`.
struct RowAnswer {
  /// nil: none is shown.
  private let entity: EntityReply?
  /// Of `SessionResponse.response`.
  private let field: Int
  private var sequence: UInt64 = 0
  private var isReplayed = false

  init(_ reply: WriteReply) {
    entity = reply.entity
    field = 4
    sequence = reply.sequence.rawValue
    isReplayed = reply.replayed
  }

  /// What a get found.
  init(found entity: EntityReply) {
    self.entity = entity
    field = 6
  }

  /// Lends its bytes to the closure.
  func sessionResponse(_ requestID: UInt64, _ body: (UnsafeRawBufferPointer) -> Void) {
    // At most: three tags and varints, and a tag and a length of the answer.
    let size = size
    withUnsafeTemporaryAllocation(byteCount: size + 48, alignment: 1) { memory in
      var output = WireOutput(memory)
      output.write(field: 1, varint: requestID)
      output.write(field: field, length: size)
      if let entity {
        output.write(field: 1, length: anySize)
        output.write(field: 1, length: urlSize)
        output.write(utf8: Encode.typeURLPrefix)
        output.write(utf8: entity.messageName)
        if !image.isEmpty { image.withUnsafeBytes { output.write(field: 2, bytes: $0) } }
      }
      if sequence != 0 { output.write(field: 2, varint: sequence) }
      if isReplayed { output.write(field: 3, varint: 1) }
      body(UnsafeRawBufferPointer(rebasing: memory[..<output.count]))
    }
  }

  private var image: [UInt8] { entity?.image.bytes ?? [] }

  private var urlSize: Int {
    Encode.typeURLPrefix.utf8.count + (entity?.messageName.utf8.count ?? 0)
  }

  private var anySize: Int {
    WireWriter.fieldSize(urlSize) + (image.isEmpty ? 0 : WireWriter.fieldSize(image.count))
  }

  /// Of the answer's message.
  private var size: Int {
    (entity == nil ? 0 : WireWriter.fieldSize(anySize))
      + (sequence == 0 ? 0 : 1 + WireWriter.varintSize(sequence))
      + (isReplayed ? 2 : 0)
  }
}
