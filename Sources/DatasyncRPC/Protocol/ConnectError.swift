import DatasyncHTTP2
import NIOCore

/// A status as Connect says it: an HTTP status, and JSON. A value.
/// Source: connectrpc.com/docs/protocol, Error Codes.
struct ConnectError {
  private let status: Status
  private let details: [Detail]

  /// What stands in google.rpc.Status as an Any.
  private struct Detail {
    var typeName = ""
    var value: [UInt8] = []
  }

  init(_ status: Status) {
    self.status = status
    details = ConnectError.details(of: status.details)
  }

  private static let codes: [(name: String, http: Int)] = [
    ("unknown", 500), ("canceled", 499), ("unknown", 500), ("invalid_argument", 400),
    ("deadline_exceeded", 504), ("not_found", 404), ("already_exists", 409),
    ("permission_denied", 403), ("resource_exhausted", 429), ("failed_precondition", 400),
    ("aborted", 409), ("out_of_range", 400), ("unimplemented", 501), ("internal", 500),
    ("unavailable", 503), ("data_loss", 500), ("unauthenticated", 401),
  ]

  private var code: (name: String, http: Int) {
    let codes = ConnectError.codes
    return codes.indices.contains(status.code.rawValue) ? codes[status.code.rawValue] : codes[0]
  }

  var httpStatus: Int { code.http }

  /// Of the answer, besides its status.
  var fields: [HTTPAnswer.Field] {
    var fields: [HTTPAnswer.Field] = []
    if httpStatus == 401 { fields.append(.init("www-authenticate", "Bearer")) }
    if let seconds = retryAfterSeconds { fields.append(.init("retry-after", "\(seconds)")) }
    return fields
  }

  /// Of google.rpc.ErrorInfo; nil: there is none.
  var reason: String? {
    details.first { $0.typeName == "google.rpc.ErrorInfo" }.flatMap { info in
      for case (1, .bytes(let reason)) in ProtobufFields(info.value) {
        return String(decoding: reason, as: UTF8.self)
      }
      return nil
    }
  }

  /// In whole seconds, rounded up; nil: the error names no time to wait.
  var retryAfterSeconds: UInt64? {
    guard let info = details.first(where: { $0.typeName == "google.rpc.RetryInfo" }) else {
      return nil
    }
    var seconds: UInt64 = 0
    var hasMore = false
    for (number, field) in ProtobufFields(info.value) where number == 1 {
      guard case .bytes(let delay) = field else { continue }
      for (number, field) in ProtobufFields(delay) {
        guard case .varint(let value) = field else { continue }
        if number == 1 { seconds = value } else if number == 2 { hasMore = value > 0 }
      }
    }
    return seconds + (hasMore && seconds < .max ? 1 : 0)
  }

  /// The body, in JSON.
  ///
  /// - Parameter transcoder: Writes the details for people to read; nil: they are left as they are.
  func json(_ transcoder: (any MessageTranscoder)?) -> ByteBuffer {
    var text = ByteBuffer(string: "{\"code\":\"\(code.name)\"")
    if !status.message.isEmpty {
      text.writeString(",\"message\":")
      ConnectError.quote(status.message, &text)
    }
    for (index, detail) in details.enumerated() {
      text.writeString(index == 0 ? ",\"details\":[{\"type\":" : ",{\"type\":")
      ConnectError.quote(detail.typeName, &text)
      text.writeString(",\"value\":\"")
      text.writeBytes(Base64.encode(detail.value))
      text.writeString("\"")
      if let debug = transcoder?.json(ofType: detail.typeName, detail.value) {
        text.writeString(",\"debug\":")
        text.writeBytes(debug)
      }
      text.writeString(index == details.count - 1 ? "}]" : "}")
    }
    text.writeString("}")
    return text
  }

  static func quote(_ string: String, _ text: inout ByteBuffer) {
    text.writeString("\"")
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.writeBytes([UInt8(ascii: "\\"), byte])
      case ..<0x20:
        let hex = String(byte, radix: 16)
        text.writeString("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
      default: text.writeInteger(byte)
      }
    }
    text.writeString("\"")
  }

  private static func details(of status: [UInt8]) -> [Detail] {
    var details: [Detail] = []
    for (number, field) in ProtobufFields(status) where number == 3 {
      guard case .bytes(let any) = field else { continue }
      var detail = Detail()
      for (number, field) in ProtobufFields(any) {
        guard case .bytes(let value) = field else { continue }
        if number == 1 {
          let url = String(decoding: value, as: UTF8.self)
          detail.typeName = url.split(separator: "/").last.map(String.init) ?? url
        } else if number == 2 {
          detail.value = value
        }
      }
      details.append(detail)
    }
    return details
  }
}

/// The fields of a message that the server made itself, up to the end or a fault.
private struct ProtobufFields: Sequence, IteratorProtocol {
  enum Field {
    case varint(UInt64)
    case bytes([UInt8])
  }

  private var rest: ArraySlice<UInt8>

  init(_ message: [UInt8]) {
    rest = message[...]
  }

  mutating func next() -> (Int, Field)? {
    guard let tag = varint() else { return nil }
    switch tag & 7 {
    case 0: return varint().map { (Int(tag >> 3), .varint($0)) }
    case 2:
      guard let length = varint(), length <= UInt64(rest.count) else { return nil }
      defer { rest = rest.dropFirst(Int(length)) }
      return (Int(tag >> 3), .bytes(Array(rest.prefix(Int(length)))))
    default: return nil
    }
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}
