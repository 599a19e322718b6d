import DatasyncRPC

/// Who calls, and with what. A value.
public struct RPCContext: Sendable {
  /// `/shop.v1.Mail/Send`.
  public let path: String
  /// The other end's address and port: `127.0.0.1:50311`.
  public let peer: String
  /// Of the client certificate that was verified; nil: there is none.
  public let certificateSubject: String?
  /// The call's metadata in the order in which it came, keys in lower case, some of them repeated; values
  /// of keys that end in `-bin` are what their base64 stands for.
  public let metadata: [(key: String, value: [UInt8])]

  /// On the call's event loop.
  init(_ call: ServerCall) {
    path = call.path
    peer = call.peer.address
    certificateSubject = call.peer.certificateSubject
    metadata = call.metadata.entries.map { ($0.key, $0.value) }
  }

  /// The first value of a key, as text; nil: there is none.
  public func text(_ key: String) -> String? {
    metadata.first { $0.key == key }.map { String(decoding: $0.value, as: UTF8.self) }
  }
}

/// What ends a call without a response. A value.
public struct RPCError: Error, Hashable {
  /// Source: grpc/doc/statuscodes.md.
  public enum Code: Int, Sendable {
    case cancelled = 1
    case unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
    case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`
    case unavailable, dataLoss, unauthenticated
  }

  /// What kind of error it is, for programs.
  public var code: Code
  /// For the client's developer.
  public var message: String
  /// A serialized `google.rpc.Status`, for `grpc-status-details-bin`, at most 5 KiB; empty: none.
  public var details: [UInt8]

  /// Details are sent where they are at most 5 KiB.
  public init(_ code: Code, _ message: String, details: [UInt8] = []) {
    self.code = code
    self.message = message
    self.details = details
  }

  var status: Status { Status(Status.Code(rawValue: code.rawValue), message, details: details) }
}
