import DatasyncModel
import Testing

@testable import DatasyncMessages

/// What is written straight from a row is, byte for byte, what protobuf-c packs.
@Suite struct RowAnswerTests {
  private let encoder = ResponseEncoder()
  private static let names = ["tables.Items", "tables.Ünïcode", String(repeating: "n", count: 200)]
  private static let sizes = [0, 1, 100, 127, 128, 16_383, 16_384, 70_000]

  private func bytes(
    _ encode: ((UnsafeRawBufferPointer) -> Void) -> Void
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    encode { bytes = Array($0) }
    return bytes
  }

  private func packed(_ response: Response, field: Int, for requestID: UInt64) -> [UInt8] {
    var writer = WireWriter()
    writer.append(field: 1, varint: requestID)
    writer.append(field: field, bytes: bytes { encoder.unary(response, $0) })
    return writer.bytes
  }

  @Test(arguments: names, sizes)
  func `an answer with a row`(name: String, size: Int) {
    let image = RowImage(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0) })
    let entity = EntityReply(messageName: name, image: image)
    for id in [1, 127, 128, UInt64.max] {
      for sequence in [0, 1, 300, UInt64(Int64.max)] {
        for replayed in [false, true] {
          let reply = Response.write(
            WriteReply(entity: entity, sequence: Sequence(sequence), replayed: replayed))
          #expect(bytes { encoder.session(id, reply, $0) } == packed(reply, field: 4, for: id))
        }
      }
      let found = Response.get(.row(entity))
      #expect(bytes { encoder.session(id, found, $0) } == packed(found, field: 6, for: id))
    }
  }
}
