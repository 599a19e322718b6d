import DatasyncRPC
import Logging

/// A gRPC service of one's own, served beside those of the database. A value.
///
/// Messages are bytes: whichever protobuf library one has makes them.
public struct RPCService: Sendable {
  /// The full name: `shop.v1.Mail`.
  public let name: String
  /// Each name once.
  public let methods: [RPCMethod]
  /// A serialized `google.protobuf.FileDescriptorSet` with imports, as `protoc --include_imports
  /// --descriptor_set_out` makes it, for reflection; empty: reflection knows the name alone.
  public let fileDescriptorSet: [UInt8]

  /// What is wrong with the names, ``DatabaseServer/run()`` says.
  public init(name: String, methods: [RPCMethod], fileDescriptorSet: [UInt8] = []) {
    self.name = name
    self.methods = methods
    self.fileDescriptorSet = fileDescriptorSet
  }

  /// As the router has it.
  func service(logger: Logger) -> DatasyncRPC.Service {
    DatasyncRPC.Service(name: name, methods: methods.map { $0.method(of: name, logger: logger) })
  }

  /// - Throws: ``ServerError`` for names that are given twice, or that are ours.
  static func check(_ services: [RPCService]) throws(ServerError) {
    var names: Set<String> = []
    for service in services {
      let isOurs = ["datasync.", "grpc."].contains { service.name.hasPrefix($0) }
      guard !service.name.isEmpty, !service.name.contains("/"), !isOurs else {
        throw ServerError(
          "a service cannot be called \"\(service.name)\": give its full name, "
            + "which begins with neither datasync. nor grpc.")
      }
      guard names.insert(service.name).inserted else {
        throw ServerError("the service \(service.name) is given twice")
      }
      guard Set(service.methods.map(\.name)).count == service.methods.count else {
        throw ServerError("a method of the service \(service.name) is given twice")
      }
    }
  }
}

/// A method of an ``RPCService``: an asynchronous function, which runs in a task of its own, and is
/// cancelled when the client cancels the call, its deadline passes, or the connection is gone. A value.
public struct RPCMethod: Sendable {
  /// Without the service: `Send`.
  public let name: String
  private let isServerStreaming: Bool
  private let body: RPCCall.Body

  /// One message in, one out.
  ///
  /// - Parameter body: Gets the request; returns the response, or throws an ``RPCError``. What else it
  ///   throws is logged, and the client gets UNKNOWN.
  public static func unary(
    _ name: String,
    _ body: @escaping @Sendable (_ request: [UInt8], _ context: RPCContext) async throws -> [UInt8]
  ) -> RPCMethod {
    RPCMethod(name: name, isServerStreaming: false) { request, context, responses in
      try await responses.write(body(request, context))
    }
  }

  /// One message in, any number out, in the order in which they are written.
  ///
  /// - Parameter body: The call ends when it returns, or throws as in ``unary(_:_:)``.
  public static func serverStreaming(
    _ name: String,
    _ body:
      @escaping @Sendable (
        _ request: [UInt8], _ context: RPCContext, _ responses: RPCResponses
      ) async throws -> Void
  ) -> RPCMethod {
    RPCMethod(name: name, isServerStreaming: true, body: body)
  }

  private init(name: String, isServerStreaming: Bool, body: @escaping RPCCall.Body) {
    self.name = name
    self.isServerStreaming = isServerStreaming
    self.body = body
  }

  fileprivate func method(of service: String, logger: Logger) -> DatasyncRPC.Method {
    let (body, path) = (body, "\(service)/\(name)")
    return DatasyncRPC.Method(name: name, isServerStreaming: isServerStreaming) { call in
      RPCCall(call, body) { error in
        logger.error(
          "a method failed with an error that is no RPCError",
          metadata: ["method": "\(path)", "error": "\(error)"])
      }
    }
  }
}
