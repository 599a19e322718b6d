import NIOCore
import Testing

@testable import DatasyncRPC

/// Knows no types.
struct NoTranscoder: MessageTranscoder {
  func request(json: ByteBuffer, path: String) throws(Status) -> ByteBuffer { json }
  func response(_ message: ByteBuffer, path: String) throws(Status) -> ByteBuffer { message }
  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]? { nil }
  func malformedMessage(_ problem: String) -> Status { Status(.invalidArgument, problem) }
}

struct WebStreamTests {
  private var trailers: Metadata {
    var trailers = Metadata()
    trailers.add("x-a", "1")
    trailers.add("x-bin", bytes: [0xFF])
    trailers.add("x-a", "2\"")
    trailers.add("grpc-status", "7")
    return trailers
  }

  private func end(_ status: Status, _ trailers: Metadata = Metadata()) -> String {
    String(buffer: ConnectEnd.json(status, trailers, nil))
  }

  @Test
  func `The end of a stream of Connect says its error and its trailers`() {
    #expect(end(.ok) == "{}")
    #expect(end(.ok, trailers) == #"{"metadata":{"x-a":["1","2\""],"x-bin":["/w"]}}"#)
    #expect(
      end(Status(.notFound, "a\n"))
        == #"{"error":{"code":"not_found","message":"a\u000a"}}"#)
    #expect(
      end(Status(.notFound), trailers)
        == #"{"error":{"code":"not_found"},"metadata":{"x-a":["1","2\""],"x-bin":["/w"]}}"#)
  }

  @Test
  func `The trailers of gRPC-Web are lines`() {
    #expect(String(buffer: GRPCFields.text(.ok, Metadata())) == "grpc-status: 0\r\n")
    #expect(
      String(buffer: GRPCFields.text(Status(.internal, "é\r\nx: y"), trailers))
        == "grpc-status: 13\r\ngrpc-message: %C3%A9%0D%0Ax: y\r\n"
        + "x-a: 1\r\nx-bin: /w\r\nx-a: 2\"\r\n")
  }

  @Test(arguments: 0...7)
  func `Base64 in any pieces is what it is in one`(_ size: Int) {
    let bytes = (0..<size).map { UInt8($0 * 37 & 0xFF) }
    // Two chunks, each padded.
    let text = Base64.encode(bytes, isPadded: true) + Base64.encode(bytes, isPadded: true)
    #expect(text.count % 4 == 0)
    for step in 1...max(1, text.count) {
      var decoder = Base64Decoder()
      var read: [UInt8] = []
      for start in stride(from: 0, to: text.count, by: step) {
        let piece = text[start..<min(start + step, text.count)]
        let part = decoder.decode(piece)
        #expect((part?.count ?? .max) <= piece.count)
        read += part ?? []
      }
      #expect(read == bytes + bytes)
      #expect(decoder.isWhole)
    }
  }

  @Test(arguments: ["=", "A=", "A===", "AA=A", "AA==AA=A", "A-", "A ", "AAAA\n"])
  func `What is no base64 is not read`(_ text: String) {
    var decoder = Base64Decoder()
    #expect(decoder.decode(text.utf8) == nil)
  }

  @Test(arguments: ["A", "AA", "AAA", "AA=", "AAAAA"])
  func `Base64 that breaks off is not whole`(_ text: String) {
    var decoder = Base64Decoder()
    #expect(decoder.decode(text.utf8) != nil)
    #expect(!decoder.isWhole)
  }
}
