/// A method of a service, as the router needs it. A value.
package struct Method: Sendable {
  package let name: String
  package let isClientStreaming: Bool
  package let isServerStreaming: Bool
  /// Makes the handler of one call; on the call's event loop.
  package let handler: @Sendable (ServerCall) -> any CallHandler

  package init(
    name: String, isClientStreaming: Bool = false, isServerStreaming: Bool = false,
    handler: @escaping @Sendable (ServerCall) -> any CallHandler
  ) {
    self.name = name
    self.isClientStreaming = isClientStreaming
    self.isServerStreaming = isServerStreaming
    self.handler = handler
  }
}

/// A service: its full name, `datasync.v1.Datasync`, and its methods. A value.
package struct Service: Sendable {
  package let name: String
  package let methods: [Method]

  package init(name: String, methods: [Method]) {
    self.name = name
    self.methods = methods
  }
}
