import DatasyncModel
import DatasyncProtobuf
import Testing

@testable import DatasyncMessages

@Suite struct RequestDecoderTests {
  private let decoder = RequestDecoder(maxBytes: 1 << 20)

  private func decode(_ write: (inout WireWriter) -> Void) throws -> SessionRequest {
    var writer = WireWriter()
    write(&writer)
    return try writer.bytes.withUnsafeBytes { try decoder.sessionRequest($0) }
  }

  @Test func `a create holds its entity and mutation id`() throws {
    let request = try decode { message in
      message.append(field: 1, varint: 9)
      message.append(field: 4) { create in
        create.append(field: 1) { any in
          any.append(field: 1, string: "type.googleapis.com/tables.Notes")
          any.append(field: 2, bytes: [1, 2, 3])
        }
        create.append(field: 2, string: "m1")
      }
    }
    #expect(request.requestID == 9)
    guard case .write(let message) = request.request, case .create(let entity) = message.write
    else {
      Issue.record("no create")
      return
    }
    #expect(entity == Entity(messageName: "tables.Notes", bytes: [1, 2, 3]))
    #expect(message.mutationID == "m1")
  }

  @Test func `text that is not UTF-8 is no message`() {
    #expect(throws: MessageArena.Fault.self) {
      try decode { $0.append(field: 2) { $0.append(field: 1, bytes: [0xFF, 0xFE]) } }
    }
  }

  @Test func `text keeps its NUL, for whoever judges it`() throws {
    let request = try decode { $0.append(field: 2) { $0.append(field: 1, string: "a\0b") } }
    guard case .open(let clientID) = request.request else {
      Issue.record("no open")
      return
    }
    #expect(clientID == "a\0b")
  }

  @Test func `ten thousand levels of nesting do not recurse`() throws {
    var bytes: [UInt8] = []
    for _ in 0..<10_000 {
      var writer = WireWriter()
      writer.append(field: 15, bytes: bytes)
      bytes = writer.bytes
    }
    #expect(try bytes.withUnsafeBytes { try decoder.sessionRequest($0) }.request == nil)
  }

  @Test func `a message that swells past the bound is refused`() {
    var writer = WireWriter()
    writer.append(field: 8) { commit in
      for _ in 0..<100_000 { commit.append(field: 1, bytes: [] as [UInt8]) }
    }
    let bytes = writer.bytes
    let fault = #expect(throws: MessageArena.Fault.self) {
      try bytes.withUnsafeBytes { try decoder.sessionRequest($0) }
    }
    #expect(fault == .tooLarge)
  }

  @Test func `any bytes are a request or a fault`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let count = Int.random(in: 0..<64, using: &generator)
      let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      _ = try? bytes.withUnsafeBytes { try decoder.sessionRequest($0) }
    }
  }
}
