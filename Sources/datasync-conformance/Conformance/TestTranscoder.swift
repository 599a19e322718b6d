import DatasyncJSON
import DatasyncRPC
import NIOCore

/// The test services' messages as JSON. Sendable.
struct TestTranscoder: MessageTranscoder {
  private let schemas: MethodSchemas
  private let maxBytes: Int

  /// - Parameter maxBytes: Of a request, as JSON and as what it says.
  init(fileDescriptorSets: [[UInt8]], maxBytes: Int) {
    schemas = MethodSchemas(fileDescriptorSets: fileDescriptorSets)
    self.maxBytes = maxBytes
  }

  private func messages(of path: String) throws(Status) -> MethodSchemas.Messages {
    guard let messages = schemas.messages(of: path) else {
      throw Status(.unimplemented, "the messages of \(path) have no descriptor here")
    }
    return messages
  }

  func request(json: ByteBuffer, path: String) throws(Status) -> ByteBuffer {
    let messages = try messages(of: path)
    let reader = JSONReader(registry: schemas.registry, maxBytes: maxBytes)
    do throws(JSONFault) {
      return ByteBuffer(bytes: try reader.message(messages.request, of: Array(buffer: json)))
    } catch {
      throw TestTranscoder.status(error)
    }
  }

  func response(_ message: ByteBuffer, path: String) throws(Status) -> ByteBuffer {
    let messages = try messages(of: path)
    do throws(JSONFault) {
      return ByteBuffer(
        bytes: try JSONWriter(registry: schemas.registry).text(
          of: Array(buffer: message), messages.response))
    } catch {
      throw TestTranscoder.status(error)
    }
  }

  func json(ofType fullName: String, _ message: [UInt8]) -> [UInt8]? {
    guard let schema = schemas.registry.message(named: fullName) else { return nil }
    return try? JSONWriter(registry: schemas.registry).text(of: message, schema)
  }

  func malformedMessage(_ problem: String) -> Status {
    Status(.invalidArgument, problem)
  }

  private static func status(_ fault: JSONFault) -> Status {
    switch fault.kind {
    case .syntax, .content: Status(.invalidArgument, fault.message)
    case .size: Status(.resourceExhausted, fault.message)
    case .message: Status(.internal, fault.message)
    }
  }
}
