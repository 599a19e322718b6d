import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// `grpc.testing.TestService`, for the public interoperability tests. Namespace.
///
/// Source: `proto/grpc/testing/test.proto`; grpc/doc/interop-test-descriptions.md.
enum TestingService {
  static let service = Service(
    name: "grpc.testing.TestService",
    methods: [
      Method(name: "EmptyCall") { call in UnaryHandler(call) { _ in .success(ByteBuffer()) } },
      Method(name: "UnaryCall") { TestingUnaryCall($0) },
      Method(name: "CacheableUnaryCall") { TestingUnaryCall($0) },
      Method(name: "StreamingOutputCall", isServerStreaming: true) {
        TestingOutputCall($0, answersAtEnd: false)
      },
      Method(name: "StreamingInputCall", isClientStreaming: true) { TestingInputCall($0) },
      Method(name: "FullDuplexCall", isClientStreaming: true, isServerStreaming: true) {
        TestingOutputCall($0, answersAtEnd: false)
      },
      Method(name: "HalfDuplexCall", isClientStreaming: true, isServerStreaming: true) {
        TestingOutputCall($0, answersAtEnd: true)
      },
    ])

  /// Of one response.
  static let maxResponseBytes = 16 << 20
  static let malformed = Status(.internal, "the request is no message of this method")

  /// What the tests want echoed, as it came.
  static func echoedMetadata(_ call: ServerCall) -> (initial: Metadata, trailing: Metadata) {
    var initial = Metadata()
    var trailing = Metadata()
    for entry in call.metadata.entries {
      switch entry.key {
      case "x-grpc-test-echo-initial": initial.add(entry.key, bytes: entry.value)
      case "x-grpc-test-echo-trailing-bin": trailing.add(entry.key, bytes: entry.value)
      default: break
      }
    }
    return (initial, trailing)
  }

  /// The status that the request wants; nil: none, or OK.
  static func wantedStatus(_ status: UnsafeMutablePointer<Grpc__Testing__EchoStatus>?) -> Status? {
    guard let status = status?.pointee, status.code != 0 else { return nil }
    return Status(Status.Code(rawValue: Int(status.code)), status.message.text ?? "")
  }

  static func isSizeAllowed(_ size: Int32) -> Bool {
    (0...maxResponseBytes).contains(Int(size))
  }

  static let sizeRefused = Status(
    .invalidArgument, "a response takes 0 to \(maxResponseBytes) bytes")
  static let compressionMissing = Status(
    .invalidArgument, "the message should have come compressed")

  /// A Payload in the first field: a response of every method that has one.
  ///
  /// - Parameter username: Only for a SimpleResponse.
  static func payloadResponse(size: Int32, username: String = "") -> ByteBuffer {
    let zeros = [UInt8](repeating: 0, count: Int(size))
    return MessageArena().encode { arena in
      let payload = arena.make(grpc__testing__payload__init)
      payload.pointee.body = arena.bytes(zeros)
      let response = arena.make(grpc__testing__simple_response__init)
      response.pointee.payload = payload
      response.pointee.username = arena.bytes(username)
      return response
    } _: {
      ByteBuffer(bytes: $0)
    }
  }
}
