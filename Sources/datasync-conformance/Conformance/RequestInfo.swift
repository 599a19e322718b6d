import CDatasyncMessages
import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// What the server saw of a request, as the suites want it told. A value.
struct RequestInfo {
  /// Grouped by key, in the order of their first appearance.
  var headers: [(name: String, values: [String])] = []
  var timeoutMilliseconds: Int64?
  var requests: [AnyMessage] = []

  private typealias Info = Connectrpc__Conformance__V1__ConformancePayload__RequestInfo

  /// Only the requests: of every response but the first.
  init(requests: [AnyMessage]) {
    self.requests = requests
  }

  init(_ call: ServerCall, requests: [AnyMessage] = []) {
    var positions: [String: Int] = [:]
    for entry in call.metadata.entries {
      let value =
        entry.key.hasSuffix("-bin")
        ? Base64Text.encode(entry.value) : String(decoding: entry.value, as: UTF8.self)
      if let position = positions[entry.key] {
        headers[position].values.append(value)
      } else {
        positions[entry.key] = headers.count
        headers.append((entry.key, [value]))
      }
    }
    timeoutMilliseconds = call.deadline.map { max(0, ($0 - .now()).nanoseconds / 1_000_000) }
    self.requests = requests
  }

  /// The response message of any method: they all have the payload as their first field.
  static func response(data: [UInt8], info: RequestInfo?) -> ByteBuffer {
    MessageArena().encode { arena in
      let payload = arena.make(connectrpc__conformance__v1__conformance_payload__init)
      payload.pointee.data = arena.bytes(data)
      payload.pointee.request_info = info?.make(in: arena)
      let response = arena.make(connectrpc__conformance__v1__unary_response__init)
      response.pointee.payload = payload
      return response
    } _: {
      ByteBuffer(bytes: $0)
    }
  }

  /// For the details of an error.
  var anyMessage: AnyMessage {
    let bytes = MessageArena().encode {
      make(in: $0)
    } _: {
      Array($0)
    }
    return AnyMessage(conformanceType: "ConformancePayload.RequestInfo", value: bytes)
  }

  private func make(in arena: MessageArena) -> UnsafeMutablePointer<Info> {
    let info = arena.make(connectrpc__conformance__v1__conformance_payload__request_info__init)
    info.pointee.n_request_headers = headers.count
    info.pointee.request_headers = arena.array(headers) { header in
      let message = arena.make(connectrpc__conformance__v1__header__init)
      message.pointee.name = arena.bytes(header.name)
      message.pointee.n_value = header.values.count
      message.pointee.value = arena.array(header.values) { arena.bytes($0) }
      return message
    }
    if let timeoutMilliseconds {
      info.pointee.optional_timeout_ms_case =
        CONNECTRPC__CONFORMANCE__V1__CONFORMANCE_PAYLOAD__REQUEST_INFO__OPTIONAL_TIMEOUT_MS_TIMEOUT_MS
      info.pointee.timeout_ms = timeoutMilliseconds
    }
    info.pointee.n_requests = requests.count
    info.pointee.requests = arena.array(requests) { $0.make(in: arena) }
    return info
  }
}
