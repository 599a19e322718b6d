import DatasyncJSON
import DatasyncMessages
import DatasyncModel
import DatasyncRPC
import NIOCore
import Synchronization

/// The methods' messages as JSON, those of the tables as the schema is now. Sendable.
final class JSONTypes: MessageTranscoder {
  /// What a method takes and gives.
  private struct Messages: Sendable {
    let request: MessageSchema
    let response: MessageSchema
  }

  private struct State: Sendable {
    var registry: TypeRegistry
    /// By path.
    var methods: [String: Messages]
  }

  private let fixed: State
  private let state: Mutex<State>
  private let maxBytes: Int

  /// - Parameters:
  ///   - fileDescriptorSets: Serialized google.protobuf.FileDescriptorSet, with imports.
  ///   - maxBytes: Of a request, as JSON and as what it says.
  init(fileDescriptorSets: [[UInt8]], maxBytes: Int) {
    var registry = TypeRegistry.empty
    for set in fileDescriptorSets {
      registry = TypeRegistry(fileDescriptorSet: set, over: registry)
    }
    let files = fileDescriptorSets.flatMap { MethodTypes.files(inSet: $0) }
    fixed = State(
      registry: registry, methods: JSONTypes.methods(of: files, registry))
    state = Mutex(fixed)
    self.maxBytes = maxBytes
  }

  /// - Parameter files: Serialized google.protobuf.FileDescriptorProto, in place of those before.
  func replaceTables(_ files: [[UInt8]]) {
    let registry = TypeRegistry(files: files, over: fixed.registry)
    let methods = fixed.methods.merging(JSONTypes.methods(of: files, registry)) { $1 }
    state.withLock { $0 = State(registry: registry, methods: methods) }
  }

  private static func methods(
    of files: [[UInt8]], _ registry: TypeRegistry
  ) -> [String: Messages] {
    var methods: [String: Messages] = [:]
    for method in files.flatMap({ MethodTypes.methods(of: $0) }) {
      guard let request = registry.message(named: method.input),
        let response = registry.message(named: method.output)
      else { continue }
      methods[method.path] = Messages(request: request, response: response)
    }
    return methods
  }

  private func method(_ path: String) throws(Status) -> (TypeRegistry, Messages) {
    let state = state.withLock { $0 }
    guard let messages = state.methods[path] else {
      throw Status(
        .unimplemented, "the messages of \(path) have no descriptor here, and so no JSON")
    }
    return (state.registry, messages)
  }

  func request(json: ByteBuffer, path: String) throws(Status) -> ByteBuffer {
    let (registry, messages) = try method(path)
    guard json.readableBytes > 0 else {
      throw malformedMessage("the body is empty: a message without fields is {}")
    }
    let reader = JSONReader(registry: registry, maxBytes: maxBytes)
    do throws(JSONFault) {
      return ByteBuffer(
        bytes: try reader.message(messages.request, of: Array(json.readableBytesView)))
    } catch {
      throw JSONTypes.status(error.error)
    }
  }

  func response(_ message: ByteBuffer, path: String) throws(Status) -> ByteBuffer {
    let (registry, messages) = try method(path)
    do throws(JSONFault) {
      return ByteBuffer(
        bytes: try JSONWriter(registry: registry).text(
          of: Array(message.readableBytesView), messages.response))
    } catch {
      throw JSONTypes.status(error.error)
    }
  }

  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]? {
    let registry = state.withLock { $0.registry }
    guard let schema = registry.message(named: fullName) else { return nil }
    return try? JSONWriter(registry: registry).text(of: message, schema)
  }

  func malformedMessage(_ problem: String) -> Status {
    JSONTypes.status(
      DatasyncError(.invalidArgument, reason: "MALFORMED_MESSAGE", problem))
  }

  private static func status(_ error: DatasyncError) -> Status {
    Status(error, encoder: ResponseEncoder())
  }
}
