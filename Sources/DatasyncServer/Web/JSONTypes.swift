import DatasyncJSON
import DatasyncMessages
import DatasyncModel
import DatasyncRPC
import NIOCore
import Synchronization

/// The methods' messages as JSON, those of the tables as the schema is now. Sendable.
final class JSONTypes: MessageTranscoder {
  private let fixed: MethodSchemas
  private let current: Mutex<MethodSchemas>
  private let maxBytes: Int

  /// - Parameters:
  ///   - fileDescriptorSets: Serialized google.protobuf.FileDescriptorSet, with imports.
  ///   - maxBytes: Of a request, as JSON and as what it says.
  init(fileDescriptorSets: [[UInt8]], maxBytes: Int) {
    fixed = MethodSchemas(fileDescriptorSets: fileDescriptorSets)
    current = Mutex(fixed)
    self.maxBytes = maxBytes
  }

  /// - Parameter files: Serialized google.protobuf.FileDescriptorProto, in place of those before.
  func replaceTables(_ files: [[UInt8]]) {
    let schemas = fixed.adding(files: files)
    current.withLock { $0 = schemas }
  }

  private func method(
    _ path: String
  ) throws(Status) -> (TypeRegistry, MethodSchemas.Messages) {
    let schemas = current.withLock { $0 }
    guard let messages = schemas.messages(of: path) else {
      throw Status(
        .unimplemented, "the messages of \(path) have no descriptor here, and so no JSON")
    }
    return (schemas.registry, messages)
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

  /// A request of a session is answered under its id.
  func answer(toUnreadable json: ByteBuffer, path: String) -> ByteBuffer? {
    guard path == JSONTypes.sessionPath, let (registry, messages) = try? method(path) else {
      return nil
    }
    let reader = JSONReader(registry: registry, maxBytes: maxBytes)
    let text = Array(json.readableBytesView)
    let id = text.withUnsafeBytes { reader.unsigned(field: 1, of: messages.request, in: $0) } ?? 0
    var error = DatasyncError.malformedMessage
    do throws(JSONFault) {
      _ = try reader.message(messages.request, of: text)
    } catch let fault {
      error = fault.error
    }
    var answer = ByteBuffer()
    ResponseEncoder().session(id, status: error) { answer.writeBytes($0) }
    return answer
  }

  static let sessionPath = "/datasync.v1.Datasync/Session"

  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]? {
    let registry = current.withLock { $0.registry }
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
