/// The types of services' messages, with what each method takes and gives. A value.
package struct MethodSchemas: Sendable {
  /// What a method takes and gives.
  package struct Messages: Sendable {
    package let request: MessageSchema
    package let response: MessageSchema
  }

  /// What may stand in an Any.
  package let registry: TypeRegistry
  private let byPath: [String: Messages]

  /// - Parameter sets: Serialized google.protobuf.FileDescriptorSet, with imports.
  package init(fileDescriptorSets sets: [[UInt8]]) {
    var registry = TypeRegistry.empty
    for set in sets { registry = TypeRegistry(fileDescriptorSet: set, over: registry) }
    self.init(registry, files: sets.flatMap { MethodTypes.files(inSet: $0) }, over: [:])
  }

  /// The same with others.
  ///
  /// - Parameter files: Serialized google.protobuf.FileDescriptorProto.
  package func adding(files: [[UInt8]]) -> MethodSchemas {
    MethodSchemas(TypeRegistry(files: files, over: registry), files: files, over: byPath)
  }

  private init(_ registry: TypeRegistry, files: [[UInt8]], over others: [String: Messages]) {
    var byPath = others
    for method in files.flatMap({ MethodTypes.methods(of: $0) }) {
      guard let request = registry.message(named: method.input),
        let response = registry.message(named: method.output)
      else { continue }
      byPath[method.path] = Messages(request: request, response: response)
    }
    self.registry = registry
    self.byPath = byPath
  }

  /// - Parameter path: `/package.Service/Method`.
  /// - Returns: Nil: there is no such method, or no type of one of its messages.
  package func messages(of path: String) -> Messages? { byPath[path] }
}
