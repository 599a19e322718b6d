import CDatasyncMessages
import DatasyncProtobuf
import DatasyncRPC

/// A google.protobuf.Any. A value.
struct AnyMessage {
  var typeURL: String
  var value: [UInt8]

  /// - Parameter name: Within connectrpc.conformance.v1.
  init(conformanceType name: String, value: [UInt8]) {
    typeURL = "type.googleapis.com/connectrpc.conformance.v1.\(name)"
    self.value = value
  }

  init(typeURL: String, value: [UInt8]) {
    self.typeURL = typeURL
    self.value = value
  }

  /// As protobuf-c wants it, for as long as the arena holds it.
  func make(in arena: MessageArena) -> UnsafeMutablePointer<Google__Protobuf__Any> {
    let message = arena.make(google__protobuf__any__init)
    message.pointee.type_url = arena.bytes(typeURL)
    message.pointee.value = arena.bytes(value)
    return message
  }
}

extension Status {
  /// With details, which go along as a google.rpc.Status.
  init(_ code: Code, _ message: String, details: [AnyMessage]) {
    guard !details.isEmpty else {
      self.init(code, message)
      return
    }
    let bytes = MessageArena().encode { arena in
      let status = arena.make(google__rpc__status__init)
      status.pointee.code = Int32(clamping: code.rawValue)
      status.pointee.message = arena.bytes(message)
      status.pointee.n_details = details.count
      status.pointee.details = arena.array(details) { $0.make(in: arena) }
      return status
    } _: {
      Array($0)
    }
    self.init(code, message, details: bytes)
  }
}
