import CDatasyncMessages
import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// What a request asks the server to answer, of one message or of many. A value.
struct ResponseDefinition {
  struct Failure {
    var code: Int
    var message: String
    var details: [AnyMessage]
  }

  var headers = Metadata()
  var data: [[UInt8]] = []
  var failure: Failure?
  var trailers = Metadata()
  /// Before each message.
  var delay = TimeAmount.zero

  /// - Throws: ``Malformed``.
  init(_ message: Connectrpc__Conformance__V1__UnaryResponseDefinition) throws {
    headers = try Self.metadata(message.response_headers, message.n_response_headers)
    trailers = try Self.metadata(message.response_trailers, message.n_response_trailers)
    delay = .milliseconds(Int64(message.response_delay_ms))
    switch message.response_case {
    case CONNECTRPC__CONFORMANCE__V1__UNARY_RESPONSE_DEFINITION__RESPONSE_RESPONSE_DATA:
      data = [message.response_data.array]
    case CONNECTRPC__CONFORMANCE__V1__UNARY_RESPONSE_DEFINITION__RESPONSE_ERROR:
      failure = try message.error.map { try Failure($0.pointee) }
    default:
      break
    }
  }

  /// - Throws: ``Malformed``.
  init(_ message: Connectrpc__Conformance__V1__StreamResponseDefinition) throws {
    headers = try Self.metadata(message.response_headers, message.n_response_headers)
    trailers = try Self.metadata(message.response_trailers, message.n_response_trailers)
    delay = .milliseconds(Int64(message.response_delay_ms))
    data = (0..<message.n_response_data).map { message.response_data[$0].array }
    failure = try message.error.map { try Failure($0.pointee) }
  }

  /// Text that is no UTF-8, or a `-bin` value that is no base64.
  struct Malformed: Error {}

  private static func metadata(
    _ headers: UnsafeMutablePointer<UnsafeMutablePointer<Connectrpc__Conformance__V1__Header>?>?,
    _ count: Int
  ) throws -> Metadata {
    var metadata = Metadata()
    for index in 0..<count {
      guard let header = headers?[index]?.pointee, let name = header.name.text else {
        throw Malformed()
      }
      for number in 0..<header.n_value {
        guard let value = header.value[number].text else { throw Malformed() }
        let key = name.lowercased()
        if key.hasSuffix("-bin") {
          guard let bytes = Base64Text.decode(value) else { throw Malformed() }
          metadata.add(key, bytes: bytes)
        } else {
          metadata.add(key, value)
        }
      }
    }
    return metadata
  }
}

extension ResponseDefinition.Failure {
  init(_ message: Connectrpc__Conformance__V1__Error) throws {
    code = Int(message.code.rawValue)
    self.message = ""
    if message.optional_message_case
      == CONNECTRPC__CONFORMANCE__V1__ERROR__OPTIONAL_MESSAGE_MESSAGE
    {
      guard let text = message.message.text else { throw ResponseDefinition.Malformed() }
      self.message = text
    }
    details = try (0..<message.n_details).map { index in
      guard let detail = message.details[index]?.pointee, let url = detail.type_url.text else {
        throw ResponseDefinition.Malformed()
      }
      return AnyMessage(typeURL: url, value: detail.value.array)
    }
  }
}
