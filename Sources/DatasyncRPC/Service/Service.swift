/// A method of a service, as the router needs it. A value.
package struct Method: Sendable {
  /// Without the service's: `Session`.
  package let name: String
  /// False: the runtime sees to it that the handler gets exactly one message, when the client has
  /// half-closed.
  package let isClientStreaming: Bool
  /// What the contract says; the runtime does not count responses.
  package let isServerStreaming: Bool
  /// False: the call may be made with GET, and its answer asked for again.
  package let hasSideEffects: Bool
  /// Makes the handler of one call; on the call's event loop.
  package let handler: @Sendable (ServerCall) -> any CallHandler

  package init(
    name: String, isClientStreaming: Bool = false, isServerStreaming: Bool = false,
    hasSideEffects: Bool = true, handler: @escaping @Sendable (ServerCall) -> any CallHandler
  ) {
    self.name = name
    self.isClientStreaming = isClientStreaming
    self.isServerStreaming = isServerStreaming
    self.hasSideEffects = hasSideEffects
    self.handler = handler
  }
}

/// A service: its full name, `datasync.v1.Datasync`, and its methods. A value.
package struct Service: Sendable {
  /// With the package, without a slash.
  package let name: String
  /// Of two with one name the last is called.
  package let methods: [Method]

  package init(name: String, methods: [Method]) {
    self.name = name
    self.methods = methods
  }
}
