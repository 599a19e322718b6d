import DatasyncHTTP2

/// What a response's fields say, head or trailers. A value.
struct ResponseHead {
  var httpStatus = ""
  var metadata = Metadata()
  var encoding: Encoding?
  var status: Int?
  private var message = ""
  private var details: [UInt8] = []

  init(_ fields: HeaderBlock) {
    fields.forEach { name, value in
      read(String(decoding: name, as: UTF8.self), value)
      return true
    }
  }

  private mutating func read(_ name: String, _ value: UnsafeRawBufferPointer) {
    switch name {
    case ":status": httpStatus = String(decoding: value, as: UTF8.self)
    case "content-type", "grpc-accept-encoding": break
    case "grpc-encoding": encoding = Encoding(rawValue: String(decoding: value, as: UTF8.self))
    case "grpc-status": status = Int(String(decoding: value, as: UTF8.self)) ?? 2
    case "grpc-message":
      message = PercentEncoding.decode(String(decoding: value, as: UTF8.self))
    case "grpc-status-details-bin": details = Base64.decode(value) ?? []
    case _ where name.hasSuffix("-bin"):
      for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
        metadata.add(name, bytes: Base64.decode(part.drop { $0 == 0x20 }) ?? [])
      }
    default: metadata.add(name, bytes: Array(value))
    }
  }

  var outcome: (Status, Metadata) {
    if let status {
      return (Status(Status.Code(rawValue: status), message, details: details), metadata)
    }
    // Source: grpc/doc/http-grpc-status-mapping.md.
    let code: Status.Code
    switch httpStatus {
    case "400": code = .internal
    case "401": code = .unauthenticated
    case "403": code = .permissionDenied
    case "404": code = .unimplemented
    case "429", "502", "503", "504": code = .unavailable
    default: code = .unknown
    }
    return (Status(code, "the response has no status, HTTP \(httpStatus)"), metadata)
  }
}
