import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// `connectrpc.conformance.v1.ConformanceService`, for connectrpc's conformance suites. Namespace.
///
/// Source: `proto/connectrpc/conformance/v1/service.proto`. Its method Unimplemented is not served.
enum ConformanceService {
  static let service = Service(
    name: "connectrpc.conformance.v1.ConformanceService",
    methods: [
      Method(name: "Unary") { ConformanceUnaryCall($0, requestType: "UnaryRequest") },
      Method(name: "IdempotentUnary", hasSideEffects: false) {
        ConformanceUnaryCall($0, requestType: "IdempotentUnaryRequest")
      },
      Method(name: "ClientStream", isClientStreaming: true) {
        ConformanceUnaryCall($0, requestType: "ClientStreamRequest")
      },
      Method(name: "ServerStream", isServerStreaming: true) { ConformanceServerStream($0) },
      Method(name: "BidiStream", isClientStreaming: true, isServerStreaming: true) {
        ConformanceBidiStream($0)
      },
    ])

  static func malformed(_ call: ServerCall) -> Status {
    Status(call.malformedMessageCode, "the request is no message of this method")
  }
  static let tooMuch = Status(
    .resourceExhausted, "the requests take more than \(maxKeptBytes) bytes together")
  /// Of the requests that a call keeps until it answers, in all.
  static let maxKeptBytes = 64 << 20
}
